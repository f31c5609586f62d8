"""Cases as data: a YAML list beside the test, one parametrised test a case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML


def load(path: Path) -> list[dict[str, Any]]:
    """The cases of a YAML file."""
    found = YAML(typ="safe").load(path)
    assert found, f"{path} holds no case"
    return list(found)


def each(path: Path, *, name: str = "name") -> pytest.MarkDecorator:
    """One test a case, named by its ``name``."""
    cases = load(path)
    return pytest.mark.parametrize("case", cases, ids=[str(c[name]) for c in cases])
