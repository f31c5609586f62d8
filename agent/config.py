"""Settings: read once from ``specmill.toml``, the environment and flags, frozen, passed down.

A later source wins: built-in defaults, ``specmill.toml``, ``SPECMILL_<KEY>``, command-line flags.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

from tools.errors import InputError
from tools.findings import Finding, Location, Severity

FILE = "specmill.toml"
Level = Literal["quick", "full"]


@dataclass(frozen=True)
class Settings:
    """What a person may set; the field names are the keys of ``specmill.toml``.

    Args:
        level: how much is proved: ``quick`` tries few orders of arrival, ``full``
            many and faults planted in the code; empty leaves it to the workflow.
        target: the target of the spec that the result is meant for.
        commit: whether the result is committed on a branch of its own.
        branch_prefix: what stands before the pipeline's name in the branch.
        workflow: the workflow of every run; empty lets the spec choose.
        approvals: file of the approval records, relative to the workspace; a tracked path
            shares them.
        data: further folders in which data files of sources are looked for.
    """

    level: Level | Literal[""] = ""
    target: str = "duckdb"
    commit: bool = True
    branch_prefix: str = "specmill/"
    workflow: str = ""
    approvals: str = ".specmill/approvals.jsonl"
    data: tuple[str, ...] = ()

    def with_flags(self, **flags: Any) -> Settings:
        """These settings with every flag that was given (is not ``None``) in its place."""
        return replace(self, **{key: value for key, value in flags.items() if value is not None})


def load_settings(root: Path, environ: Mapping[str, str]) -> Settings:
    """The settings of the workspace at ``root``.

    Raises:
        InputError: ``specmill.toml`` or a ``SPECMILL_*`` variable is wrong; with file and line.
    """
    settings = Settings()
    file = root / FILE
    if file.is_file():
        settings = replace(settings, **_read(file))
    return replace(settings, **_from_environment(environ))


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise _wrong(f"not UTF-8 text: {error.reason}", 1) from error
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+), column (\d+)", str(error))
        line, column = (int(found[1]), int(found[2])) if found else (1, 0)
        message = re.sub(r"\s*\(at .*\)$", "", str(error))
        raise _wrong(f"not TOML: {message}", line, column=column) from error
    known = [field.name for field in fields(Settings)]
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
            raise _wrong(f"unknown key {key!r}", _line_of(text, key), hint=hint)
    return {key: _checked(key, value, _line_of(text, key)) for key, value in data.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in fields(Settings):
        name = f"SPECMILL_{field.name.upper()}"
        if name not in environ:
            continue
        raw: Any = environ[name]
        if field.name == "commit":
            raw = {"1": True, "true": True, "0": False, "false": False}.get(raw.lower(), raw)
        elif field.name == "data":
            raw = [part for part in raw.split(":") if part]
        values[field.name] = _checked(field.name, raw, 0, source=name)
    return values


def _checked(key: str, value: Any, line: int, *, source: str = FILE) -> Any:
    """The value if its type is the one of the field; what the field holds otherwise is an error."""
    default = getattr(Settings, key)
    if key == "level" and value not in get_args(Level):
        raise _wrong(f"level is 'quick' or 'full', not {value!r}", line, source=source)
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise _wrong(f"{key} is true or false, not {value!r}", line, source=source)
        return value
    if isinstance(default, tuple):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise _wrong(f"{key} is a list of texts, not {value!r}", line, source=source)
        return tuple(cast("list[str]", value))
    if not isinstance(value, str):
        raise _wrong(f"{key} is a text, not {value!r}", line, source=source)
    if key == "branch_prefix" and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", value):
        raise _wrong(f"{key} {value!r} cannot start a branch name", line, source=source)
    if key == "approvals" and (value.startswith("/") or ".." in value.split("/") or not value):
        raise _wrong(f"{key} {value!r} is not a path inside the workspace", line, source=source)
    return value


def _line_of(text: str, key: str) -> int:
    pattern = re.compile(rf"^\s*\[?\s*[\"']?{re.escape(key)}[\"']?\s*[=\].]")
    return next((n for n, line in enumerate(text.splitlines(), 1) if pattern.match(line)), 1)


def _wrong(
    message: str, line: int, *, column: int = 0, hint: str = "", source: str = FILE
) -> InputError:
    where = Location(source, line, column)
    finding = Finding("CFG001", Severity.ERROR, message, where, hint=hint)
    return InputError(f"{where}: {message}", hint or f"correct {source}", findings=(finding,))
