"""The two ways on from a hand-edited generated file: into the spec's custom code, or back.

Both only say which files to write (:class:`Edit`); the caller writes them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from tools.errors import InputError, UsageError, WaitsForPerson
from tools.lock import LOCK, BaseOf, LockFile, on_disk
from tools.workspace import check_relative, read_text

GENERATED = "generated/"
CUSTOM = "custom/"


@dataclass(frozen=True)
class Edit:
    """A file to write, or with ``content`` None to delete, and why."""

    path: str
    content: str | None
    why: str


def adopt(
    root: Path, lock: LockFile, path: str, spec_path: str, model: str | None
) -> tuple[Edit, ...]:
    """Make a hand-edited generated file custom code, which specmill uses and never writes.

    The text moves from ``generated/x`` to ``custom/x``; for a model's SQL the spec then says
    ``custom: {sql_file: custom/x}``; and the lock forgets the generated file, so that the next
    run makes it from the custom code.

    Args:
        root: the workspace.
        lock: its lock file.
        path: the generated file, relative to the workspace.
        spec_path: the spec (YAML or JSON, canonical form), relative to the workspace.
        model: the model whose SQL the file holds; None for a file that no model owns alone.

    Raises:
        UsageError: the file is not a generated one, or does not exist.
        WaitsForPerson: there is custom code of that name already, and it is different.
        InputError: the spec cannot be read, or has no such model.
    """
    if path not in lock.files:
        raise UsageError(f"{path} is not a generated file", f"Name one of the files in {LOCK}.")
    text = on_disk(root, path)
    if text is None:
        raise UsageError(f"{path} is not there", "Use restore to have it made again.")
    custom = CUSTOM + path.removeprefix(GENERATED)
    if on_disk(root, custom) not in {None, text}:
        raise WaitsForPerson(
            f"{custom} exists already and is different",
            f"Bring the two together by hand in {custom}, then use restore on {path}.",
        )
    edits = [
        Edit(custom, text, f"your version of {path}"),
        Edit(path, None, "made again from the custom code by the next run"),
    ]
    if model is not None:
        spec = read_text(root.joinpath(*check_relative(spec_path)))
        edits.append(
            Edit(spec_path, with_custom_sql(spec, spec_path, model, custom), f"names {custom}")
        )
    edits.append(Edit(LOCK, lock.without_file(path).dumps(), f"forgets {path}"))
    return tuple(edits)


def restore(
    root: Path, lock: LockFile, path: str, base_of: BaseOf, regenerated: str | None = None
) -> Edit:
    """Put a generated file back to what specmill made.

    Args:
        root: the workspace.
        lock: its lock file.
        path: the generated file, relative to the workspace.
        base_of: finds the text by its sha256, see :func:`tools.lock.bases`.
        regenerated: what the spec gives today; taken when the text is nowhere to be found.

    Raises:
        UsageError: the file is not a generated one.
        WaitsForPerson: the text is nowhere to be found and nothing was regenerated.
    """
    locked = lock.files.get(path)
    if locked is None:
        raise UsageError(f"{path} is not a generated file", f"Name one of the files in {LOCK}.")
    text = base_of(path, locked.sha256)
    if text is not None:
        return Edit(path, text, "as it was generated")
    if regenerated is not None:
        return Edit(path, regenerated, "generated again from the spec")
    there = "delete it" if on_disk(root, path) is not None else "leave it deleted"
    raise WaitsForPerson(
        f"{path}: what specmill made is neither in .specmill/base nor in git's history",
        f"Keep a copy, {there}, and run the spec again: the file is made anew.",
    )


def with_custom_sql(text: str, spec_path: str, model: str, sql_file: str) -> str:
    """The spec's text with ``custom: {sql_file: ...}`` in a model; comments and style stay.

    Args:
        text: a spec in the canonical form, YAML or JSON.
        spec_path: where it is from, for messages.
        model: the name of the model.
        sql_file: what to say there, relative to the workspace.

    Raises:
        InputError: it is not YAML, or has no such model.
    """
    is_json = text.lstrip().startswith("{")
    try:
        data = json.loads(text) if is_json else _yaml().load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        message = f"{spec_path}: cannot be read: {str(error).splitlines()[0]}"
        raise InputError(message, "Run specmill check, and mend the spec first.") from error
    found = _model_in(data, model)
    if found is None:
        raise InputError(
            f"{spec_path}: no model {model!r} under `models`",
            f"Add `custom: {{sql_file: {sql_file}}}` to the model by hand.",
        )
    inserted = _inserted(text, found, sql_file)
    _set(found, sql_file)
    if is_json:
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    if inserted is not None and _plain(_yaml().load(inserted)) == _plain(data):
        return inserted
    return _dumped(text, data)


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 4096  # no line that a person wrote is folded
    return yaml


def _model_in(data: Any, model: str) -> dict[str, Any] | None:
    models = data.get("models") if isinstance(data, dict) else None
    for entry in models if isinstance(models, list) else ():
        if isinstance(entry, dict) and entry.get("name") == model:
            return entry
    return None


def _set(model: dict[str, Any], sql_file: str) -> None:
    custom = model.get("custom")
    if isinstance(custom, dict):
        custom["sql_file"] = sql_file
    else:
        model["custom"] = {"sql_file": sql_file}


def _inserted(text: str, model: dict[str, Any], sql_file: str) -> str | None:
    """A line put in below the model's name, all else byte for byte; None where that cannot be."""
    if not isinstance(model, CommentedMap) or "custom" in model or model.fa.flow_style():
        return None
    line, column = model.lc.key("name")
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines[line].endswith("\r\n") else "\n"
    name_line = lines[line].rstrip("\r\n") + end
    addition = f"{' ' * column}custom: {{sql_file: {_scalar(sql_file)}}}{end}"
    return "".join((*lines[:line], name_line, addition, *lines[line + 1 :]))


def _scalar(value: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", value)
    return value if plain else json.dumps(value, ensure_ascii=False)


def _plain(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_plain(value) for value in data]
    return data


def _dumped(text: str, data: Any) -> str:
    """The whole spec written again, indented as it was."""
    yaml = _yaml()
    dash = re.search(r"^[^\s#-][^\n]*:[ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*( *)- ", text, re.MULTILINE)
    offset = len(dash.group(1)) if dash else 2
    yaml.indent(mapping=2, sequence=offset + 2, offset=offset)
    stream = StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()
