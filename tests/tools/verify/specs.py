"""Specs for tests, from text."""

from __future__ import annotations

from pathlib import Path

from tools.spec.load import LoadedSpec, parse_spec


def spec(text: str, folder: Path = Path("/nowhere")) -> LoadedSpec:
    """A spec whose file would lie in a folder."""
    return parse_spec(text, path="specs/test.yaml", file=folder / "test.yaml")
