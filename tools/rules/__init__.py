"""The constitution: loading, evaluation and the registered checks."""
