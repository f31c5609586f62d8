"""Changes to a spec's file that keep it a spec."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.calls._files import TextFile, open_text, save_text, writable
from tools.calls._output import listed
from tools.calls._specs import checked, load, told
from tools.calls._yaml import parsed, written
from tools.desk import Desk, ToolError, ToolResult
from tools.errors import InputError
from tools.spec.load import parse_spec


@dataclass(frozen=True)
class Edited:
    """A spec's file before and after."""

    path: str
    file: TextFile
    text: str


def edited(desk: Desk, path: str, change: Callable[[Any], None]) -> Edited:
    """The text of a spec after a change to its data; nothing is written.

    Raises:
        ToolError: the file may not be written, or a spec that could be read no longer could.
    """
    name = writable(desk, path)
    file = open_text(desk, name)
    data = parsed(file.plain, name)
    if not isinstance(data, dict):
        raise ToolError(f"{name} is not a spec: it holds no mapping.")
    change(data)
    text = written(file.plain, data, name)
    if _is_spec(desk, name, file.plain):
        with told():
            parse_spec(text, path=name, file=desk.root / name)
    return Edited(name, file, text)


def _is_spec(desk: Desk, name: str, text: str) -> bool:
    try:
        parse_spec(text, path=name, file=desk.root / name)
    except InputError:
        return False
    return True


def save(desk: Desk, change: Edited, what: str) -> ToolResult:
    """Writes the change; what the model knew of the file it knows of the new one, and no more."""
    name, file = change.path, change.file
    if change.text == file.plain:
        return ToolResult(f"{name} says that already")
    known = desk.seen.get(name) == file.sha256
    save_text(desk, name, file.with_line_ends(change.text), marked=file.marked)
    if not known:
        desk.seen.pop(name, None)
    try:
        report, _ = checked(desk, load(desk, name))
        findings = listed(report)
    except ToolError as error:
        findings = str(error)
    said = f"{what} in {name}\n{findings}".rstrip()
    return ToolResult(said, changed=(name,))
