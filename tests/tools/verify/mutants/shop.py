"""Relations, queries and random rows that keep the declared constraints."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tools.sql.equivalent.facts import Column, Declared, Facts, Reference
from tools.verify.dataset import Dataset, Table

CASES = Path(__file__).parent / "cases"
SHOP: dict[str, Any] = YAML(typ="safe").load(CASES / "shop.yaml")


def facts() -> Facts:
    """What is declared of the relations."""
    return {name: declared(given) for name, given in SHOP["relations"].items()}


def declared(given: dict[str, Any]) -> Declared:
    """A relation as a case writes it."""
    columns = tuple(
        Column(name, str(kind).removesuffix(" null"), str(kind).endswith(" null"))
        for name, kind in given["columns"].items()
    )
    references = tuple(
        Reference(tuple(r["columns"]), r["to"], tuple(r["to_columns"]))
        for r in given.get("references", [])
    )
    return Declared(columns, tuple(tuple(k) for k in given.get("keys", [])), references)


_WORDS = ["a", "b", "c", "ab", "", " a ", "A", "z", "gold", "bx"]
_NUMBERS = [0, 1, 2, 3, 4, -1, 10, 100]
_MONEY = ["0", "0.01", "1", "1.20", "2", "3", "5", "5.01", "9.99", "10", "50", "100", "-1"]
_DAYS = [dt.date(2020, 1, 1) + dt.timedelta(days=d) for d in (0, 1, 14, 15, 31, 45, 46, 60)]


def value(kind: str, rng: random.Random) -> Any:
    """A value of a type, from few, so that rows meet."""
    if kind in ("bigint", "integer"):
        return rng.choice(_NUMBERS[:5] if rng.random() < 0.8 else _NUMBERS)
    if kind == "varchar":
        return rng.choice(_WORDS[:3] if rng.random() < 0.7 else _WORDS)
    if kind.startswith("decimal"):
        return Decimal(rng.choice(_MONEY))
    if kind == "double":
        return rng.choice([0.0, 0.5, 1.0, 1.5, 2.0, -1.0])
    if kind == "boolean":
        return rng.random() < 0.5
    day = rng.choice(_DAYS)
    if kind == "date":
        return day
    return dt.datetime.combine(day, dt.time(rng.choice([0, 0, 12])))


def dataset(seed: int, size: int) -> Dataset:
    """Random rows of every relation; keys, NOT NULL and relationships hold."""
    rng = random.Random(seed)
    nulls = rng.choice([0.05, 0.3])
    tables: dict[str, Table] = {}
    for name, fact in facts().items():
        tables[name] = _table(fact, rng.randint(0, size), tables, nulls, rng)
    return Dataset(tables, name=f"seed {seed}")


def _table(
    fact: Declared, size: int, tables: dict[str, Table], nulls: float, rng: random.Random
) -> Table:
    names = [c.name for c in fact.columns]
    seen: set[tuple[int, tuple[Any, ...]]] = set()
    rows: list[tuple[Any, ...]] = []
    numbers = rng.sample(range(size * 3), size * 3)
    for number in numbers:
        row = {
            c.name: None if c.nullable and rng.random() < nulls else value(str(c.type), rng)
            for c in fact.columns
        }
        for key in fact.keys:
            if len(key) == 1:
                row[key[0]] = number
        for reference in fact.references:
            parent = tables[reference.to]
            if not parent.rows:
                return Table(tuple((c.name, str(c.type)) for c in fact.columns))
            chosen = rng.choice(parent.rows)
            for mine, theirs in zip(reference.columns, reference.to_columns, strict=True):
                row[mine] = chosen[parent.index(theirs) or 0]
        keys = {(at, tuple(row[c] for c in key)) for at, key in enumerate(fact.keys)}
        if keys & seen or len(rows) == size:
            continue
        seen |= keys
        rows.append(tuple(row[n] for n in names))
    return Table(tuple((c.name, str(c.type)) for c in fact.columns), tuple(rows))
