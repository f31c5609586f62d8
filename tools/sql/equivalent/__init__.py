"""Named arguments that two queries give the same rows wherever the declared constraints hold."""
