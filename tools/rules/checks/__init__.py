"""Registered checks, one file each."""
