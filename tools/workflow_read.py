"""The text of a workflow file: YAML frontmatter with positions, and markdown sections. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from tools.errors import InputError
from tools.findings import Finding, Location, Severity
from tools.spec.positions import read_document
from tools.workflow_model import Positions

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")


@dataclass(frozen=True)
class Section:
    """The text under a ``## name`` heading, up to the next one; ``line`` is the heading's."""

    name: str
    line: int
    text: str


@dataclass(frozen=True)
class WorkflowText:
    """A workflow file taken apart: ``data`` holds JSON types only, positions are the file's."""

    data: dict[str, Any]
    positions: Positions
    intro: str
    sections: tuple[Section, ...]


def read(text: str, path: str) -> WorkflowText:
    """Take a workflow file apart.

    Args:
        text: the whole file, lines ended by LF.
        path: the file as shown to people, for the places of findings.

    Raises:
        InputError: there is no frontmatter, or it is not a YAML mapping without duplicate keys.
    """
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        _refuse(path, 1, "the frontmatter is missing", "start the file with a line ---, then YAML")
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    if end is None:
        _refuse(path, 1, "the frontmatter has no end", "close it with a line that is only ---")
    data, positions = _frontmatter("\n".join(["", *lines[1:end], ""]), path)
    intro, sections = _sections(lines, end + 1)
    return WorkflowText(data, positions, intro, sections)


def _frontmatter(text: str, path: str) -> tuple[dict[str, Any], Positions]:
    """The mapping and its positions; the text starts with a blank line in place of the ``---``."""
    try:
        document = read_document(text, path)
    except InputError as error:
        raise failed(path, tuple(replace(f, code="WF-SYNTAX") for f in error.findings)) from None
    if document.findings:
        raise failed(path, tuple(replace(f, code="WF-SYNTAX") for f in document.findings))
    if not isinstance(document.data, dict):
        _refuse(path, 2, "the frontmatter is not a mapping", "write keys such as name: and steps:")
    return document.data, document.positions


def _sections(lines: list[str], start: int) -> tuple[str, tuple[Section, ...]]:
    """The text before the first ``##`` heading, and the sections; fenced code is left alone."""
    heads: list[tuple[str, int]] = []
    fence = ""
    for number, line in enumerate(lines[start:], start):
        mark = _FENCE.match(line)
        if fence:
            closes = mark and mark.group(1).startswith(fence) and not line.strip(" \t`~")
            fence = "" if closes else fence
            continue
        heading = _HEADING.match(line)
        if mark:
            fence = mark.group(1)
        elif heading and len(heading.group(1)) == 2:
            heads.append((heading.group(2), number))
    ends = [number for _, number in heads[1:]] + [len(lines)]
    found = (
        [
            Section(name, number + 1, "\n".join(lines[number + 1 : end]).strip())
            for (name, number), end in zip(heads, ends, strict=True)
        ]
        if heads
        else []
    )
    first = heads[0][1] if heads else len(lines)
    return "\n".join(lines[start:first]).strip(), tuple(found)


def failed(path: str, findings: tuple[Finding, ...]) -> InputError:
    """The error of a workflow file that cannot be used: the first finding, and all of them."""
    first = findings[0]
    where = first.location or Location(path)
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return InputError(f"{where}: {first.message}{more}", first.hint, findings)


def _refuse(path: str, line: int, message: str, hint: str) -> NoReturn:
    found = Finding("WF-SYNTAX", Severity.ERROR, message, Location(path, line, 1), hint)
    raise failed(path, (found,))
