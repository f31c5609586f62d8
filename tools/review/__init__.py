"""Review documents: deterministic, byte for byte."""
