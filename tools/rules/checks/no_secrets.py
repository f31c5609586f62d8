"""Secrets are referred to, never written down.

Anti-pattern: ``password: hunter2`` in a spec or a profile. It is in the history of the repository
for ever, and in every copy of it.

Best practice: ``connection: env:SHOP_DSN`` in the spec, ``env_var('SHOP_DSN')`` in generated files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tools.findings import Location
from tools.rules.breach import Breach, Options
from tools.rules.items import Item

NAME = "no_secrets"
ON = ("spec",)

_SHAPES = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}\b"),
    "a Slack token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "an API key": re.compile(r"\bsk-[A-Za-z0-9_-]{20,}"),
    "a signed token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}"),
    "a password in an address": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s:/@]+:[^\s:/@{}$]+@"),
    "a password": re.compile(
        r"(?i)\b(?:password|passwd|pwd|secret_key|api_?key|private_key)\s*=\s*['\"]?[^\s'\"{}$<;,]{4,}"
    ),
}
_YAML_KEY = re.compile(
    r"(?i)^\s*-?\s*(?:password|passwd|pwd|secret|token|api_?key|private_key)\s*:\s*(?P<value>\S.*)$"
)
_REFERENCE = re.compile(r"""^['"]?\s*(?:\{\{|env:|vault:|secret:|\$\{|<|null\b|~|#)""")


class Params(Options):
    """``ignore``: texts that only look like secrets."""

    ignore: list[str] = []


def check(item: Item, params: Params) -> Iterator[Breach]:
    """Yields a breach for each text of the spec and line of a generated file that holds one."""
    hint = "take it out, make it void where it was issued, and refer to it: env:NAME"
    for path, text in _strings(item.view.spec_json, ()):
        what = secret_in(text, params.ignore)
        if what:
            place = ".".join(str(p) for p in path)
            yield Breach(f"{place} holds {what}", hint, item.view.at(*path))
    for artifact in item.view.subject.artifacts:
        for number, line in enumerate(artifact.content.splitlines(), 1):
            what = secret_in(line, params.ignore) or _keyed(line, params.ignore)
            if what:
                where = Location(artifact.path, number)
                yield Breach(f"the file holds {what}", hint, where, artifact.path)


def _strings(
    value: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*path, index))


def secret_in(text: str, ignore: list[str]) -> str | None:
    """What kind of secret a text holds, by its shape; the value itself is not repeated."""
    for what, shape in _SHAPES.items():
        found = shape.search(text)
        if found and not any(word in found.group() for word in ignore):
            return what
    return None


def _keyed(line: str, ignore: list[str]) -> str | None:
    found = _YAML_KEY.match(line)
    if not found or _REFERENCE.match(found["value"]):
        return None
    return None if any(word in found["value"] for word in ignore) else "a password"
