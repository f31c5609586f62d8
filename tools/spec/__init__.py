"""Specs: their model, loading with positions, lint and the graph across specs."""
