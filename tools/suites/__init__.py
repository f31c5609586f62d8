"""The tests of a project of somebody: which there are, what they say, and what shows it."""
