"""Shims for other spec forms; one file a form, found by the registry in ``base``."""
