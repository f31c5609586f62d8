"""Deterministic repairs: a finding's ``Fix`` as a change to a generated file; pure.

Each fixer is a function of a file's text and a fix. What it may never change is decided outside
of it: :func:`refused` compares what a repair made with what it may not touch.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tools.artifact import Artifact
from tools.errors import InternalError
from tools.findings import Fix

Fixer = Callable[[str, dict[str, str]], str]


def add_column_test(text: str, values: dict[str, str]) -> str:
    """Adds a generic test to a column in a dbt properties file; never takes one away.

    ``values``: ``model``, ``column``, ``test`` (a name without arguments, such as ``not_null``).
    """
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    try:
        data = yaml.load(text)
    except YAMLError:
        return text
    column = _column(data, values["model"], values["column"])
    if column is None:
        return text
    key = "tests" if "tests" in column else "data_tests"
    tests = column.setdefault(key, [])
    if values["test"] in tests:
        return text
    tests.append(values["test"])
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


def _column(data: Any, model: str, column: str) -> Any:
    for entry in data.get("models", []) if isinstance(data, dict) else []:
        if entry.get("name") == model:
            for known in entry.get("columns", []):
                if str(known.get("name", "")).lower() == column.lower():
                    return known
    return None


_OPAQUE = re.compile(
    r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/|\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL
)


def rename_column(text: str, values: dict[str, str]) -> str:
    """Replaces a column's name in SQL, outside of strings, comments and Jinja.

    ``values``: ``old`` and ``new``.
    """
    old, new = values["old"], values["new"]
    name = re.compile(rf'"{re.escape(old)}"|(?<![\w"]){re.escape(old)}(?![\w"(])', re.IGNORECASE)
    parts, position = [], 0
    for opaque in _OPAQUE.finditer(text):
        parts += [name.sub(lambda _: new, text[position : opaque.start()]), opaque.group()]
        position = opaque.end()
    parts.append(name.sub(lambda _: new, text[position:]))
    return "".join(parts)


def restore_file(text: str, _values: dict[str, str]) -> str:
    """Leaves the generated text as it is: writing it again is the repair."""
    return text


FIXERS: dict[str, Fixer] = {
    "add_column_test": add_column_test,
    "rename_column": rename_column,
    "restore_file": restore_file,
}
"""The fixers by ``Fix.kind``."""


def patched(artifacts: Sequence[Artifact], fixes: Iterable[Fix]) -> tuple[Artifact, ...]:
    """The artifacts with the fixes applied in order; a fix for a file that is not made is none.

    Raises:
        InternalError: a check asks for a fixer that does not exist.
    """
    texts = {artifact.path: artifact.content for artifact in artifacts}
    for fix in fixes:
        fixer = FIXERS.get(fix.kind)
        if fixer is None:
            raise InternalError(f"there is no fixer {fix.kind}")
        if fix.path in texts:
            texts[fix.path] = fixer(texts[fix.path], fix.values)
    return tuple(replace(artifact, content=texts[artifact.path]) for artifact in artifacts)


def refused(
    before: Sequence[Artifact], after: Sequence[Artifact], forbids: Callable[[str], bool]
) -> tuple[str, ...]:
    """The protected paths that a repair changed, added or removed; a repair with any is not made.

    Args:
        before: the files without the repair.
        after: the files with it.
        forbids: whether a path may not be touched.
    """
    old = {artifact.path: artifact.content for artifact in before}
    new = {artifact.path: artifact.content for artifact in after}
    touched = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
    return tuple(sorted(path for path in touched if forbids(path)))
