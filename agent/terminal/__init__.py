"""What a person sees: the only importer of rich."""
