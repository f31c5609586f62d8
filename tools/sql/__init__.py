"""SQL as syntax trees: parsing, rendering, questions about a tree. The only importer of sqlglot."""
