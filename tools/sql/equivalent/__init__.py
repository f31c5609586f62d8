"""Named arguments that two queries give the same rows on every database that keeps its constraints."""
