"""Generators: pure functions from plan steps to artifacts."""
