"""What code that a model wrote may not hold, whatever its tests say; read, not run.

A query that returns nothing passes most tests, and dbt's Jinja can do more than a model of rows
has any need for: run statements, read variables of the environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tools.artifact import Artifact
from tools.findings import Finding, Location, Severity
from tools.sql import template
from tools.sql.futile import futile

_ALLOWED = frozenset(
    "ref source config is_incremental this range length lower upper join loop return".split()
)
_STRINGS = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_CALL = re.compile(r"([A-Za-z_][\w.]*)\s*\(")
_HOOK = re.compile(r"\b(pre_hook|post_hook|sql_header|pre-hook|post-hook)\b")
_MACRO = re.compile(r"\{%-?\s*macro\s+(\w+)")


def check_authored(artifacts: Sequence[Artifact]) -> Iterator[Finding]:
    """Yields what is wrong with the authored SQL among the files of a pipeline."""
    macros = {
        name for a in artifacts if a.origin == "compiled" for name in _MACRO.findall(a.content)
    }
    for artifact in artifacts:
        if artifact.origin != "authored" or not artifact.path.endswith(".sql"):
            continue
        for spot in futile(artifact.content) if "/models/" in artifact.path else ():
            yield _finding(
                "AUTH001", artifact, spot.line, f"the query returns nothing: {spot.what}",
                "make the rows right; a query without rows proves nothing",
            )  # fmt: skip
        for line, what in _reaching(artifact.content, macros):
            yield _finding(
                "AUTH002", artifact, line, f"an authored model may not use {what}",
                "use ref(), source(), config() without hooks, and the project's own macros",
            )  # fmt: skip


def _reaching(text: str, macros: set[str]) -> Iterator[tuple[int, str]]:
    for tag in template.tags(text):
        if tag.kind == "comment":
            continue
        inner = _STRINGS.sub("''", tag.inner)
        for hook in _HOOK.findall(inner) + _HOOK.findall(_keys(tag.inner)):
            yield tag.line, hook
        for name in _CALL.findall(inner):
            if name not in _ALLOWED and name not in macros:
                yield tag.line, f"{name}()"


def _keys(inner: str) -> str:
    """What stands in quotes before a colon: ``config(**{'pre_hook': ...})``."""
    return " ".join(re.findall(r"['\"]([\w-]+)['\"]\s*:", inner))


def _finding(code: str, artifact: Artifact, line: int, message: str, hint: str) -> Finding:
    subject = artifact.path.rpartition("/")[2].removesuffix(".sql")
    where = Location(artifact.path, line)
    return Finding(code, Severity.ERROR, message, where, hint=hint, subject=subject)
