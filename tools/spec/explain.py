"""pydantic's errors as sentences for the person who wrote the file.

pydantic reports a union as one error a member and names the member in the path; here those are
folded into the one that fits what was written, and every path is a path of the document.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from tools.spec.positions import Path
from tools.spec.suggest import did_you_mean

_PATTERNS = {
    r"^[A-Za-z_]": "a name of letters, digits and _ that does not begin with a digit",
    r"^[^\x00": "a name without quotes, slashes, semicolons or control characters",
    r"^\d+\.\d+\.\d+": "a version such as 1.0.0",
    r"^\d+\s*(s|": "a whole number and a unit, such as 30m, 1h or 7d",
    r"^(env|vault": "a reference such as env:SHOP_DSN (never the secret itself)",
}
_EXPECTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "list_type": "a list",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
}
_DATES = ("date_", "datetime_")
_MEMBERS = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}


class Explained(NamedTuple):
    """One problem: where, what kind, in words, and what to do."""

    path: Path
    code: str
    message: str
    hint: str


def explain(
    errors: Iterable[ErrorDetails], data: Any, root: type[BaseModel]
) -> tuple[Explained, ...]:
    """The errors of a validation, each as a place in the document, a sentence and a hint.

    Args:
        errors: ``ValidationError.errors()``.
        data: what was validated: plain dicts and lists.
        root: the model that it was validated against.
    """
    placed = [_walk(error, data) for error in errors]
    return tuple(dict.fromkeys(_fold(placed, 0, root, data)))


class _Placed(NamedTuple):
    """An error with its path in the document and the union members on the way, outermost first."""

    path: Path
    members: tuple[tuple[Path, str], ...]
    error: ErrorDetails


def _walk(error: ErrorDetails, data: Any) -> _Placed:
    path: Path = ()
    members: list[tuple[Path, str]] = []
    for index, part in enumerate(error["loc"], 1):
        if (isinstance(data, dict) and part in data) or (
            isinstance(data, list) and isinstance(part, int) and part < len(data)
        ):
            path, data = (*path, part), _at(data, (part,))
        elif error["type"] == "missing" and index == len(error["loc"]):
            path = (*path, part)
        elif part != "[key]":
            members.append((path, str(part).removeprefix("constrained-")))
    return _Placed(path, tuple(members), error)


def _fold(
    placed: list[_Placed], depth: int, root: type[BaseModel], data: Any
) -> Iterator[Explained]:
    """The errors of each union: those of the member that was meant, else one for all."""
    unions: dict[Path, list[_Placed]] = {}
    for each in placed:
        if len(each.members) <= depth:
            yield _explain_one(each.path, each.error, root)
        else:
            unions.setdefault(each.members[depth][0], []).append(each)
    for union, group in unions.items():
        value = _at(data, union)
        fitting = [e for e in group if e.members[depth][1] not in _MEMBERS]
        if isinstance(value, dict) and fitting:
            yield from _fold(fitting, depth + 1, root, data)
            continue
        tags = list(dict.fromkeys(e.members[depth][1] for e in group))
        models = [m for m in known_models(root, union) if any(m.__name__ in t for t in tags)]
        keys = ", ".join(key for model in models for key in known_keys(model))
        expected = [_MEMBERS[tag] for tag in tags if tag in _MEMBERS]
        expected += [f"a mapping with one of {keys}"] if keys else []
        message = f"{_name(union)}: expected {' or '.join(expected)}, found {_found(value)}"
        yield Explained(union, "SPEC-TYPE", message, "")


def _explain_one(path: Path, error: ErrorDetails, root: type[BaseModel]) -> Explained:
    kind, context = error["type"], error.get("ctx") or {}
    value, name = error.get("input"), _name(path)
    if kind == "missing":
        return Explained(path, "SPEC-MISSING", f"key {_last(path)!r} is missing", "add it")
    if kind == "extra_forbidden":
        keys = [k for model in known_models(root, path[:-1]) for k in known_keys(model)]
        message = f"unknown key {_last(path)!r}"
        return Explained(path, "SPEC-UNKNOWN", message, did_you_mean(_last(path), keys))
    if kind == "literal_error":
        message = f"{name}: expected {context.get('expected')}, found {_found(value)}"
        choices = str(context.get("expected", "")).replace(" or ", ", ").split(", ")
        hint = did_you_mean(value, [c.strip("'") for c in choices]) if _is_text(value) else ""
        return Explained(path, "SPEC-VALUE", message, "" if hint.startswith("known") else hint)
    if kind == "string_pattern_mismatch":
        expected = _pattern(context)
        # What stands where a reference to a secret is expected may be the secret: not repeated.
        found = "other text" if "secret" in expected else _found(value)
        message = f"{name}: expected {expected}, found {found}"
        return Explained(path, "SPEC-VALUE", message, "")
    if kind.startswith(_DATES):
        message = f"{name}: expected a date such as 2026-01-31, found {_found(value)}"
        return Explained(path, "SPEC-TYPE", message, "")
    if kind in _EXPECTED:
        message = f"{name}: expected {_EXPECTED[kind]}, found {_found(value)}"
        return Explained(path, "SPEC-TYPE", message, _type_hint(kind, value))
    return Explained(path, "SPEC-VALUE", f"{name}: {_other(kind, error, context)}", "")


def _other(kind: str, error: ErrorDetails, context: Mapping[str, Any]) -> str:
    """A sentence for the errors that need no advice."""
    value = error.get("input")
    if kind == "value_error":
        return str(context.get("error", error["msg"]))
    if kind == "string_too_short":
        return "is empty"
    if kind == "string_too_long":
        length = len(value) if isinstance(value, str) else 0
        return f"at most {context.get('max_length')} characters, found {length}"
    if kind == "too_short":
        return f"expected at least {context.get('min_length')} items, found {_found(value)}"
    message = error["msg"].replace("Input should be", "has to be", 1)
    return f"{message}, found {_found(value)}"


def _type_hint(kind: str, value: Any) -> str:
    if kind == "string_type" and isinstance(value, bool | int | float):
        return "put it in quotes if it is meant as text"
    if kind == "string_type" and isinstance(value, dict):
        return "text that begins with { has to be in quotes"
    if kind in ("list_type", "model_type", "dict_type") and value is None:
        return "give it a value or remove the key"
    return ""


def _pattern(context: Mapping[str, Any]) -> str:
    pattern = str(context.get("pattern", ""))
    known = (words for start, words in _PATTERNS.items() if pattern.startswith(start))
    return next(known, f"text that matches {pattern}")


def _found(value: Any, width: int = 60) -> str:
    """What was written, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, dict):
        return "a mapping"
    text = str(value)
    return repr(text if len(text) <= width else text[: width - 3] + "...")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _last(path: Path) -> str:
    return str(path[-1]) if path else ""


def _name(path: Path) -> str:
    """A short name of a place: the last key, with its index when it is in a list."""
    keys = [i for i, part in enumerate(path) if isinstance(part, str)]
    if not keys:
        return "the file"
    tail = path[keys[-1] :]
    return str(tail[0]) + "".join(f"[{index}]" for index in tail[1:])


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def known_keys(model: type[BaseModel]) -> list[str]:
    """The keys of a part of a spec, as written in YAML."""
    return [field.alias or name for name, field in model.model_fields.items()]


def known_models(root: type[BaseModel], path: Path) -> list[type[BaseModel]]:
    """The models that may stand at a path of a document."""
    current = [root]
    for part in path:
        found = [
            model
            for parent in current
            for name, field in parent.model_fields.items()
            if part == (field.alias or name)
            for model in _models_in(field.annotation)
        ]
        # Indices and the keys of free mappings (targets: {prod: ...}) lead to the same models.
        if found or (isinstance(part, str) and any(part in known_keys(m) for m in current)):
            current = found
    return current


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for part in typing.get_args(annotation) for m in _models_in(part)]
