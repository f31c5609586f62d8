"""Mutants run on data made for the purpose: which are killed, which are harmless, which survive."""
