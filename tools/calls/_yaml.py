"""YAML and JSON that is changed in places, with comments and the rest of the text as it was."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tools.desk import ToolError
from tools.repo_git import Git
from tools.spec.suggest import did_you_mean


def parsed(text: str, path: str) -> Any:
    """The data of a file, in containers that remember comments and style.

    Raises:
        ToolError: it is neither YAML nor JSON.
    """
    try:
        return json.loads(text) if path.endswith(".json") else _yaml(text).load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise ToolError(f"{path} cannot be read as data: {said[:300]}") from error


def written(before: str, data: Any, path: str) -> str:
    """The text for changed data: lines that say the same as before are as they were.

    Writing YAML anew touches lines that nobody changed (the space in a list, a folded text). So
    both texts are written anew, and what is different between them is merged into the old one.
    """
    if path.endswith(".json"):
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    wish = _dumped(before, data)
    text = _merged(ours=before, base=_dumped(before, parsed(before, path)), theirs=wish)
    try:
        same = _dumped(before, parsed(text, path)) == wish
    except ToolError:
        same = False
    return text if same else wish


def _merged(*, ours: str, base: str, theirs: str) -> str:
    """A merge of three texts in which theirs counts where both changed the same lines."""
    with TemporaryDirectory(prefix="specmill-merge-") as folder:
        for name, text in (("ours", ours), ("base", base), ("theirs", theirs)):
            Path(folder, name).write_text(text, encoding="utf-8", newline="")
        answer = Git(Path(folder)).ask("merge-file", "-p", "--theirs", "ours", "base", "theirs")
    return answer.out.decode("utf-8") if answer.code == 0 else theirs


def _yaml(text: str) -> YAML:
    """A reader and writer that indents lists as the text does."""
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 4096
    dash = re.search(r"^[^\s#-][^\n]*:[ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*( *)- ", text, re.MULTILINE)
    offset = len(dash.group(1)) if dash else 2
    yaml.indent(mapping=2, sequence=offset + 2, offset=offset)
    return yaml


def _dumped(text: str, data: Any) -> str:
    stream = io.StringIO()
    _yaml(text).dump(data, stream)
    return stream.getvalue()


def steps(at: str) -> list[str]:
    """The parts of a place such as ``models.dim_order.columns.status``."""
    return [part for part in at.split(".") if part]


def find(data: Any, at: str) -> Any:
    """What is at a place.

    Raises:
        ToolError: there is nothing of that name; the known ones are said.
    """
    here = data
    for part in steps(at):
        here = here[key_of(here, part, at)]
    return here


def key_of(here: Any, part: str, at: str) -> Any:
    """The key or index that a part of a place means: a key, an index, or an entry's name.

    Raises:
        ToolError: there is none.
    """
    if isinstance(here, dict):
        if part in here:
            return part
        raise ToolError(f"{at}: there is no {part} ({did_you_mean(part, map(str, here))})")
    if isinstance(here, list):
        names = [str(entry.get("name", "")) if isinstance(entry, dict) else "" for entry in here]
        if part in names:
            return names.index(part)
        if part.isdigit() and int(part) < len(here):
            return int(part)
        known = [name for name in names if name]
        hint = did_you_mean(part, known) or f"it has {len(here)} entries, counted from 0"
        raise ToolError(f"{at}: there is no {part} ({hint})")
    raise ToolError(f"{at}: nothing is below a value; {part} cannot be in it")
