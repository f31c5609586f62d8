"""A column whose name says that it is about a person says whether it is.

Anti-pattern: ``email`` and ``date_of_birth`` flow to a mart as any other column; the first to
notice is whoever asks for their data to be erased.

Best practice: ``pii: true`` where the column holds personal data, an explicit ``pii: false`` where
it only looks so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.findings import Location
from tools.rules.breach import Breach, Options
from tools.rules.items import Item
from tools.spec.source import Column
from tools.spec.transform import Measure, OutputColumn

NAME = "pii_tagged"
ON = ("column", "source")

_SPLIT = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_ABOUT = ("id", "key", "count", "flag", "type", "status", "verified", "at", "hash")


class Params(Options):
    """``names``: words that give a column away; ``first name`` stands for two in a row."""

    names: list[str] = [
        "email", "e mail", "phone", "mobile", "msisdn", "fax", "ssn", "social security",
        "passport", "birth", "birthday", "birthdate", "dob", "address", "street", "postal code",
        "zip", "first name", "last name", "full name", "surname", "iban", "credit card",
        "card number", "ip", "national id", "tax id", "gender", "latitude", "longitude",
    ]  # fmt: skip


def check(item: Item, params: Params) -> Iterator[Breach]:
    """Yields a breach for each column that looks personal and does not say."""
    columns: list[tuple[Column | OutputColumn | Measure, str, Location | None]] = []
    if item.column is not None:
        columns = [(item.column, item.name, item.location)]
    elif item.table is not None:
        columns = [
            (column, f"{item.name}.{column.name}", item.at("columns", c))
            for c, column in enumerate(item.table.columns)
        ]
    for column, name, where in columns:
        word = looks_personal(column.name, params.names)
        if word and "pii" not in column.model_fields_set:
            message = f"{name} looks like personal data ({word}) and does not say whether it is"
            yield Breach(message, "add pii: true, or pii: false if it is none", where, name)


def looks_personal(name: str, words: list[str]) -> str | None:
    """The word that gives a name away; none when it is about such a thing (``email_count``)."""
    parts = [p.lower() for p in _SPLIT.split(name) if p]
    if not parts or parts[0] in ("is", "has", "num", "n"):
        return None
    text = f" {' '.join(parts)} "
    for word in words:
        if f" {word} " in text and not (parts[-1] in _ABOUT and not word.endswith(parts[-1])):
            return word
    return None
