"""The code of two revisions on the same rows: what moved, column by column."""
