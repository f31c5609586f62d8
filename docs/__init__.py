"""The demo, and the documents that are generated from code and from real runs."""
