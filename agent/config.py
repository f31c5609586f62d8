"""Settings: read once from ``specmill.toml``, the environment and flags, frozen, passed down.

A later source wins: built-in defaults, ``specmill.toml``, ``SPECMILL_<KEY>``, command-line flags.

``specmill.toml`` comes with a repository, so whoever wrote the repository wrote it. What would send
the person's work somewhere else, spend more of their money or run things unasked counts only with
their consent (:mod:`agent.trust`); :func:`load_settings` leaves it out.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args
from urllib.parse import urlsplit

from tools.errors import InputError
from tools.findings import Finding, Location, Severity

FILE = "specmill.toml"
KEY_VARIABLE = "ANTHROPIC_API_KEY"
Level = Literal["quick", "full"]
Provider = Literal["anthropic", "bedrock", "vertex"]

_CHOICES: dict[str, tuple[str, ...]] = {"level": get_args(Level), "provider": get_args(Provider)}
_KEY_NAMES = frozenset({"key", "apikey", "anthropicapikey", "token", "authtoken", "secret"})
_KEY_SIGN = "sk-ant-"


@dataclass(frozen=True)
class Rules:
    """What tools may do unasked, only after a question, and never; see :mod:`agent.permissions`."""

    allow: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


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
        model: the name of the model, as its provider spells it.
        provider: whose service answers: ``anthropic`` (or anything that speaks the Messages
            API, by ``base_url``), ``bedrock`` or ``vertex``.
        base_url: address of the service; empty for the provider's own.
        max_tokens: tokens of one answer.
        money: US dollars that one call of the command line may spend.
        turns: answers of the model that one call may use.
        seconds: that one call may take with the model.
        query_seconds: that one query of a model or test may take when specmill builds it.
        permissions: the table of rules ``allow``, ``ask`` and ``deny``.
    """

    level: Level | Literal[""] = ""
    target: str = "duckdb"
    commit: bool = True
    branch_prefix: str = "specmill/"
    workflow: str = ""
    approvals: str = ".specmill/approvals.jsonl"
    data: tuple[str, ...] = ()
    model: str = "claude-sonnet-5-5"
    provider: Provider = "anthropic"
    base_url: str = ""
    max_tokens: int = 16_000
    money: float = 5.0
    turns: int = 60
    seconds: float = 1800.0
    query_seconds: float = 60.0
    permissions: Rules = Rules()

    def with_flags(self, **flags: Any) -> Settings:
        """These settings with every flag that was given (is not ``None``) in its place."""
        return replace(self, **{key: value for key, value in flags.items() if value is not None})


@dataclass(frozen=True)
class FileSettings:
    """What ``specmill.toml`` says, read once, so that what is consented to is what is used.

    Args:
        values: by field of :class:`Settings`.
    """

    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def guarded(self) -> dict[str, Any]:
        """What counts only with the person's consent, by key, as JSON values."""
        found = {key: self.values[key] for key in ("base_url", "provider") if key in self.values}
        if self.values.get("money", 0) > Settings.money:
            found["money"] = self.values["money"]
        allow = self.values.get("permissions", Rules()).allow
        return found | ({"permissions.allow": list(allow)} if allow else {})

    @property
    def unguarded(self) -> dict[str, Any]:
        """What counts anyway: rules that forbid or ask hold without anybody's consent."""
        found = {key: value for key, value in self.values.items() if key not in self.guarded}
        if "permissions" in found:
            found["permissions"] = replace(found["permissions"], allow=())
        return found


def load_settings(root: Path, environ: Mapping[str, str]) -> Settings:
    """The settings of the workspace at ``root``, less what would need the person's consent.

    Raises:
        InputError: ``specmill.toml`` or a ``SPECMILL_*`` variable is wrong; with file and line.
    """
    return combined(read_file(root).unguarded, environ)


def combined(values: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """The settings of values of a file and of the environment.

    Raises:
        InputError: a variable is wrong.
    """
    return replace(Settings(), **{**values, **from_environment(environ)})


def read_file(root: Path) -> FileSettings:
    """What ``specmill.toml`` in a folder says; nothing without one.

    Raises:
        InputError: it is wrong; with file and line.
    """
    file = root / FILE
    if not file.is_file():
        return FileSettings()
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
    _refuse_keys(data, text)
    _refuse_unknown(data, [field.name for field in fields(Settings)], text)
    if isinstance(data.get("permissions"), dict):
        _refuse_unknown(data["permissions"], [field.name for field in fields(Rules)], text)
    return FileSettings(
        {key: _checked(key, value, _line_of(text, key)) for key, value in data.items()}
    )


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """What the environment sets, by field of :class:`Settings`.

    Raises:
        InputError: a variable is wrong.
    """
    values: dict[str, Any] = {}
    if address := environ.get("ANTHROPIC_BASE_URL"):
        values["base_url"] = _checked("base_url", address, 0, source="ANTHROPIC_BASE_URL")
    for known in fields(Settings):
        name = f"SPECMILL_{known.name.upper()}"
        if name in environ and known.name != "permissions":
            raw = _parsed(known.name, environ[name])
            values[known.name] = _checked(known.name, raw, 0, source=name)
    return values


def _parsed(key: str, raw: str) -> Any:
    """A variable's text as the type of its field; left as it is where it is none."""
    default = getattr(Settings, key)
    if isinstance(default, bool):
        return {"1": True, "true": True, "0": False, "false": False}.get(raw.lower(), raw)
    if isinstance(default, int | float):
        try:
            return type(default)(raw)
        except ValueError:
            return raw
    if isinstance(default, tuple):
        return [part for part in raw.split(":") if part]
    return raw


def _refuse_unknown(table: Mapping[str, Any], known: list[str], text: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
            raise _wrong(f"unknown key {key!r}", _line_of(text, key), hint=hint)


def _refuse_keys(data: Mapping[str, Any], text: str) -> None:
    """A file that goes into git holds no key of a person; what it holds is not repeated."""
    for key in data:
        if re.sub(r"[^a-z]", "", key.lower()) in _KEY_NAMES:
            raise _key_in_file(key, _line_of(text, key))
    for number, line in enumerate(text.splitlines(), 1):
        if _KEY_SIGN in line:
            raise _key_in_file("a key", number)


def _key_in_file(what: str, line: int) -> InputError:
    hint = (
        f"take it out of {FILE}, revoke it if it was ever committed, and put the new one into "
        f"your own environment: export {KEY_VARIABLE}=..."
    )
    return _wrong(f"{what} does not belong in a file of the repository", line, hint=hint)


def _checked(key: str, value: Any, line: int, *, source: str = FILE) -> Any:
    """The value if its type is the one of the field; what the field holds otherwise is an error."""
    default = getattr(Settings, key)
    if key in _CHOICES and value not in _CHOICES[key]:
        *most, last = (repr(choice) for choice in _CHOICES[key])
        says = f"{key} is {', '.join(most)} or {last}, not {value!r}"
        raise _wrong(says, line, source=source)
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise _wrong(f"{key} is true or false, not {value!r}", line, source=source)
        return value
    if isinstance(default, int | float):
        return _number(key, value, line, source)
    if isinstance(default, Rules):
        return _rules(value, line, source)
    if isinstance(default, tuple):
        return _texts(key, value, line, source)
    if not isinstance(value, str):
        raise _wrong(f"{key} is a text, not {value!r}", line, source=source)
    if says := _not_usable(key, value):
        shown = "" if key == "base_url" else f" {value!r}"  # it may hold a password
        raise _wrong(f"{key}{shown} {says}", line, source=source)
    return value


def _not_usable(key: str, value: str) -> str:
    """What is wrong with a text; empty if nothing."""
    if key == "branch_prefix" and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", value):
        return "cannot start a branch name"
    if key == "approvals" and (value.startswith("/") or ".." in value.split("/") or not value):
        return "is not a path inside the workspace"
    if key == "model" and not re.fullmatch(r"\S+", value):
        return "is not a model's name"
    if key == "base_url" and value and not _is_address(value):
        return "is not an address such as https://host/path, without name and password"
    return ""


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in value
    except ValueError:
        return False


def _number(key: str, value: Any, line: int, source: str) -> int | float:
    kind = type(getattr(Settings, key))
    usable = isinstance(value, int | kind) and not isinstance(value, bool)
    if not usable or not 0 < value < float("inf"):
        what = "a whole number" if kind is int else "a number"
        raise _wrong(f"{key} is {what} above 0, not {value!r}", line, source=source)
    return cast("int | float", kind(value))


def _texts(key: str, value: Any, line: int, source: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(f"{key} is a list of texts, not {value!r}", line, source=source)
    return tuple(cast("list[str]", value))


def _rules(value: Any, line: int, source: str) -> Rules:
    if not isinstance(value, dict):
        raise _wrong(f"permissions is a table, not {value!r}", line, source=source)
    return Rules(**{key: _texts(key, rules, line, source) for key, rules in value.items()})


def _line_of(text: str, key: str) -> int:
    pattern = re.compile(rf"^\s*\[?\s*[\"']?{re.escape(key)}[\"']?\s*[=\].]")
    return next((n for n, line in enumerate(text.splitlines(), 1) if pattern.match(line)), 1)


def _wrong(
    message: str, line: int, *, column: int = 0, hint: str = "", source: str = FILE
) -> InputError:
    where = Location(source, line, column)
    finding = Finding("CFG001", Severity.ERROR, message, where, hint=hint)
    return InputError(f"{where}: {message}", hint or f"correct {source}", findings=(finding,))
