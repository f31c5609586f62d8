"""Rows made by chance alone: they share nothing with the fixtures, so they can catch them out."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from typing import Any

from tools.sql.equivalent.facts import Declared
from tools.sql.equivalent.prove import Argument, Prover
from tools.sql.mutate.mutant import Mutant
from tools.verify.dataset import Dataset, Row, Table
from tools.verify.mutants.run import Given, run_mutants
from tools.verify.proof.faults import Field

_TEXT = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.'])\d+(?:\.\d+)?(?![\w.'])")
_START = dt.datetime(2023, 12, 25)  # noqa: DTZ001 - a wall-clock value of the data
_SIZES = (1, 5, 12, 30, 60)


class _Nobody(Prover):
    """Knows no arguments: what rows show counts."""

    def _prove(self, *_: Sequence[str]) -> Argument | None:
        return None


def told(place: Field, faults: Sequence[Mutant], count: int) -> list[Mutant]:
    """The faults that random rows tell from the code.

    Args:
        place: where they are planted.
        faults: of its unit.
        count: how many data sets to make.
    """
    if not faults:
        return []
    given = place.series[0][0]
    sql = place.chain.program.sql
    return told_on(place, faults, [dataset(given, place.facts, sql, n) for n in range(count)])


def told_on(place: Field, faults: Sequence[Mutant], given: Sequence[Given]) -> list[Mutant]:
    """The faults that some rows, or series of loads, tell from the code; no argument counts.

    What a fault gives counts, and not what it could give if the database broke ties in another way:
    the judge of the proof sees no other rows, either.
    """
    plain = [replace(fault, unlucky=None) for fault in faults]
    found = run_mutants(
        place.chain.program, plain, given, prepare=place.chain.prepare, prover=_Nobody({})
    )
    return [f for f, v in zip(faults, found.verdicts, strict=True) if v.status == "killed"]


def dataset(like: Dataset, facts: Mapping[str, Declared], sql: str, seed: int) -> Dataset:
    """Random rows in the tables of a data set, with the literals of a query among the values."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    size = _SIZES[seed % len(_SIZES)]
    tables = {
        name: Maker(table, facts.get(name, Declared()), sql, rng, size).table()
        for name, table in like.tables.items()
    }
    return Dataset(tables, name=f"by chance {seed}")


@dataclass(frozen=True)
class Maker:
    """Makes random rows of one table.

    Args:
        like: gives the columns.
        known: what every row keeps.
        sql: has the literals that are among the values.
        rng: decides.
        size: how many rows; values that tell things apart are about as many.
    """

    like: Table
    known: Declared
    sql: str
    rng: random.Random
    size: int

    def table(self) -> Table:
        """As many rows, but for those that break a key."""
        return self.like.with_rows(self.distinct(self.row() for _ in range(self.size)))

    def row(self) -> Row:
        """A row that keeps what is declared of single rows."""
        return self.kept(tuple(self.value(at) for at in range(len(self.like.columns))))

    def value(self, at: int) -> Any:
        """A value for a column, by its index; NULL now and then where that may be."""
        name, kind = self.like.columns[at]
        nullable = {c.name.lower(): c.nullable for c in self.known.columns}
        if nullable.get(name.lower(), True) and self.rng.random() < 0.12:
            return None
        return _value(kind.lower(), self.sql, self.rng, self.size)

    def kept(self, row: Row) -> Row:
        """A row with the copies and the constants that are declared."""
        values = list(row)
        for column in self.known.columns:
            at, copied = self.like.index(column.name), self.like.index(column.copies)
            if at is not None and copied is not None:
                values[at] = values[copied]
            if at is not None and column.constant is not None:
                values[at] = column.constant
        return tuple(values)

    def distinct(self, rows: Iterable[Row]) -> list[Row]:
        """The rows without those that break a key; the first of several stays."""
        keys = [
            [i for k in key if (i := self.like.index(k)) is not None] for key in self.known.keys
        ]
        taken: list[set[Any]] = [set() for _ in keys]
        found = []
        for row in rows:
            apart = [tuple(row[i] for i in key) for key in keys]
            if not any(a in t for a, t in zip(apart, taken, strict=True)):
                found.append(row)
                for a, t in zip(apart, taken, strict=True):
                    t.add(a)
        return found


def _value(kind: str, sql: str, rng: random.Random, size: int) -> Any:
    numbers = [Decimal(n) for n in _NUMBER.findall(sql) if len(n) < 6] or [Decimal(1)]
    near = rng.choice(numbers) + rng.choice((-1, 0, 0, 1))
    if "int" in kind:
        return int(near) if rng.random() < 0.3 else rng.randint(-1, size)
    if kind.startswith("decimal"):
        width, scale = (int(n) for n in kind.rstrip(")").partition("(")[2].split(","))
        found = near if rng.random() < 0.3 else Decimal(rng.randint(-500, 20_000)) / 100
        found = found % Decimal(10) ** (width - scale)  # else the type does not hold it
        return found.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_DOWN)
    if kind in ("double", "float", "real"):
        return float(near) if rng.random() < 0.3 else rng.randint(-8, 80) / 4
    if kind == "boolean":
        return rng.random() < 0.5
    moment = _START + dt.timedelta(hours=rng.randint(0, 24 * rng.choice((2, 20, 90))))
    if kind == "date":
        return moment.date()
    if kind.startswith("timestamp"):
        return moment
    words = [t for t in _TEXT.findall(sql) if len(t) < 20] or ["a"]
    word = rng.choice([*words, "a", "A", "b c", "", "x@y.de", "/a/b/c", "+49 (3) 1"])
    return rng.choice((word, word, word.upper(), f" {word}", word + rng.choice("ab1")))
