"""A few made-up rows for source tables without data: typed, keyed, joined, with NULLs and repeats.

They are for reading: small numbers, round times, names that say what they stand for. The same spec
gives the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.spec.load import LoadedSpec
from tools.spec.source import Column, SourceTable
from tools.sql.parse import SqlError
from tools.sql.render import type_sql
from tools.verify.sample_facts import Facts, Place, facts_of
from tools.verify.sample_values import family, value_of

ROWS = 8
_ORPHAN = 90
"""Values from here on stand for partners that no table has."""

Row = dict[str, str | None]


@dataclass(frozen=True)
class _Table:
    name: str
    table: SourceTable
    dialect: str

    def place(self, column: str) -> Place:
        return (self.name.lower(), column.lower())

    def kind(self, column: Column) -> str:
        try:
            return type_sql(column.type, self.dialect, "duckdb")
        except SqlError:
            return "varchar"


def sample_rows(
    specs: Sequence[LoadedSpec],
    digest: str,
    existing: Mapping[Place, Sequence[str]] | None = None,
) -> dict[str, list[Row]]:
    """Rows for every source table of the specs.

    Args:
        specs: the specs whose tables and models count.
        digest: hexadecimal; decides where NULLs and repeats fall.
        existing: values of columns that have real data, for join partners.

    Returns:
        rows by ``source.table``; values are text that DuckDB casts to the declared types.
    """
    facts = facts_of(specs)
    tables = [
        _Table(f"{source.name}.{table.name}", table, loaded.spec.dialect)
        for loaded in specs
        for source in loaded.spec.sources
        for table in source.tables
    ]
    pools = _pools(tables, facts, existing or {})
    seed = int(digest[:8] or "0", 16)
    return {t.name: _Maker(t, facts, pools, seed).rows() for t in tables}


def _pools(
    tables: Sequence[_Table], facts: Facts, existing: Mapping[Place, Sequence[str]]
) -> dict[Place, list[str]]:
    """The values that joined columns share, by the representative of their group.

    A column that is a key of its table decides: those it is joined to take their values from it.
    """
    pools: dict[Place, list[str]] = {}
    owned: set[Place] = set()
    for table in tables:
        for column in table.table.columns:
            place = table.place(column.name)
            root = facts.root(place)
            if place not in facts.groups:
                continue
            owner = (place[1],) in facts.unique.get(place[0], [])
            if root in pools and (not owner or root in owned):
                continue
            found = list(existing.get(place, ()))
            own = facts.literals.get(place) or []
            made = [value_of(column.name, table.kind(column), i) for i in range(ROWS)]
            pools[root] = found or own or list(dict.fromkeys(made))
            owned |= {root} if owner or found else set()
    return pools


@dataclass(frozen=True)
class _Maker:
    """Makes the rows of one table."""

    table: _Table
    facts: Facts
    pools: Mapping[Place, list[str]]
    seed: int

    @property
    def keys(self) -> list[tuple[str, ...]]:
        return self.facts.unique.get(self.table.name.lower(), [])

    def rows(self) -> list[Row]:
        rows: list[Row] = []
        taken: list[set[tuple[str | None, ...]]] = [set() for _ in self.keys]
        for number in range(ROWS):
            columns = enumerate(self.table.table.columns)
            row = {c.name: self.value(at, c, number) for at, c in columns}
            lowered = {k.lower(): v for k, v in row.items()}
            found = [tuple(lowered.get(k) for k in key) for key in self.keys]
            if any(f in t for f, t in zip(found, taken, strict=True)):
                continue  # a shared pool ran out: fewer rows, but every key stays unique
            for values, known in zip(found, taken, strict=True):
                known.add(values)
            rows.append(row)
        return rows

    def value(self, at: int, column: Column, number: int) -> str | None:
        place, kind = self.table.place(column.name), self.table.kind(column)
        shared = place in self.facts.groups
        pool = self.pools.get(self.facts.root(place)) if shared else None
        position = _position(place[1], number, self.keys)
        if position is not None:
            beyond = 0 if pool is None else _ORPHAN
            if pool is not None and position < len(pool):
                return pool[position]
            return value_of(column.name, kind, beyond + position)
        required = not column.nullable or place in self.facts.required
        if not required and (number + at + self.seed) % 4 == 3:
            return None
        if pool is None:
            return _free_value(place, column.name, kind, number + at, self.facts)
        if place in self.facts.covering:
            return pool[number % len(pool)]
        if number == ROWS - 1 and place not in self.facts.whole | self.facts.restricted:
            return value_of(column.name, kind, _ORPHAN)
        return pool[(number * 2 // 3) % len(pool)]


def _position(name: str, number: int, keys: Sequence[tuple[str, ...]]) -> int | None:
    """Which distinct value a key column takes in a row; None when it is in no key.

    Of several columns together the last one counts 0, 1 and the others change every other row.
    """
    for key in sorted(keys, key=len):
        if name in key:
            if len(key) == 1:
                return number
            return number % 2 if name == key[-1] else number // 2
    return None


def _free_value(place: Place, name: str, kind: str, number: int, facts: Facts) -> str:
    literals = facts.literals.get(place, [])
    if literals and family(kind) in ("text", "other"):
        more = [] if place in facts.restricted else [value_of(name, kind, 0)]
        choices = [*literals, *more]
        return choices[number % len(choices)]
    return value_of(name, kind, number, key=False)
