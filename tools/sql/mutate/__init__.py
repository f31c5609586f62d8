"""Faults planted in SQL, one operator a file."""
