"""A pipeline run in memory: one DuckDB for each series of loads, rows in, tables out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import duckdb

from tools.spec.model import Spec
from tools.verify import memory
from tools.verify.dataset import Dataset, Table, kind_of
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.session import Failed, Session
from tools.verify.mutants.store import create_table, parts, quoted
from tools.verify.oracle.warehouse import FIRST_LOAD
from tools.verify.proof.compile import HASH_MACRO, MOMENT_MACRO, Compiled, Unit

QUERY_SECONDS = 5.0
_INCOMING = "specmill_incoming"

_MOMENT_SQL = (
    f"create or replace macro {MOMENT_MACRO}() as (cast('{FIRST_LOAD.isoformat(sep=' ')}' "
    "as timestamp) + to_days(cast(coalesce(getvariable('specmill_batch'), 0) as integer)))"
)

Batches = tuple[Dataset, ...]
"""What the sources hold at each of several loads."""


def moment_of(batch: int) -> dt.datetime:
    """When a load happens: a day after the one before."""
    return FIRST_LOAD + dt.timedelta(days=batch)


@dataclass(frozen=True)
class Preparing:
    """Makes a new database know the macros that a pipeline calls.

    Args:
        hashed: with how many columns the macro of digests is called.
    """

    hashed: tuple[int, ...] = ()

    def __call__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Prepares a database."""
        connection.execute("set timezone = 'UTC'")
        connection.execute(_MOMENT_SQL)
        forms = [_digest_of(count) for count in self.hashed]
        if forms:
            connection.execute(f"create or replace macro {HASH_MACRO}{', '.join(forms)}")


def _digest_of(count: int) -> str:
    names = [f"a{i}" for i in range(count)]
    texts = (f"cast({n} as varchar)" for n in names)
    parts = (f"coalesce(cast(length({t}) as varchar) || ':' || {t}, '-')" for t in texts)
    return f"({', '.join(names)}) as md5({' || '.join(parts)})"


def preparing(compiled: Compiled) -> Preparing:
    """What makes a new database know the macros that a pipeline calls."""
    return Preparing(compiled.hashed)


@dataclass(frozen=True)
class Made:
    """The tables after one load; ``failed`` says of a model why it has none.

    Args:
        tables: by name of the unit.
        failed: by name of the unit.
        blamed: units that are right to have none: something below them failed, or they are not
            for running outside of dbt.
    """

    tables: Mapping[str, Table]
    failed: Mapping[str, Failed] = field(default_factory=dict)
    blamed: frozenset[str] = frozenset()


class House:
    """A database in memory that a pipeline is loaded into again and again; a context manager.

    Args:
        compiled: the pipeline.
        spec: gives the columns of source tables that a data set does not hold.
        clock: stops queries that run too long.
        seconds: how long a query may run.
    """

    def __init__(
        self, compiled: Compiled, spec: Spec, clock: Clock, seconds: float = QUERY_SECONDS
    ) -> None:
        self._compiled, self._spec = compiled, spec
        self._connection = duckdb.connect(
            ":memory:",
            config={**memory.CONFIG, "autoinstall_known_extensions": False},
        )
        self._session = Session(self._connection, clock, seconds)
        preparing(compiled)(self._connection)
        for relation in (*compiled.sources, *(u.relation for u in compiled.units)):
            make_room(self._connection, relation)
        self._loads = 0
        self._standing: set[str] = set()
        self._late: dict[str, Failed] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._connection.close()

    def load(self, dataset: Dataset, units: Sequence[Unit], shown: Collection[str]) -> Made:
        """One load: the sources are put in place, then the units run.

        Args:
            dataset: what the sources hold now; a model that it holds is taken as given.
            units: what runs, in order.
            shown: names of units whose rows are wanted.
        """
        self._connection.execute(f"set variable specmill_batch = {self._loads}")
        self._loads += 1
        for relation, reference in self._compiled.sources.items():
            create_table(self._connection, quoted(relation), self._source(dataset, reference))
        tables, failed, blamed = dict[str, Table](), dict[str, Failed](), set[str]()
        for unit in units:
            given = dataset.table(unit.name)
            if given is not None:
                create_table(self._connection, unit.relation, given)
                tables[unit.name] = given
                continue
            problem = _before(unit, failed)
            if problem:
                failed[unit.name] = Failed("runs", problem)
                blamed.add(unit.name)
                continue
            try:
                self._in_time(unit)
                if unit.name in shown:
                    tables[unit.name] = self.table(unit.relation)
            except Failed as failure:
                failed[unit.name] = failure
        return Made(tables, failed, frozenset(blamed))

    def _source(self, dataset: Dataset, reference: str) -> Table:
        found = dataset.table(reference)
        if found is not None:
            return found
        declared = self._spec.source_table(reference)
        columns = declared[1].columns if declared else ()
        kinds = tuple((c.name, kind_of(c.type, self._spec.dialect)) for c in columns)
        return Table(kinds or (("nothing", "integer"),))

    def _in_time(self, unit: Unit) -> None:
        """Runs a unit, unless it took too long at an earlier load."""
        if unit.name in self._late:
            raise self._late[unit.name]
        try:
            self.run(unit)
        except Failed as failure:
            if failure.kind == "time":
                self._late[unit.name] = failure
            raise

    def run(self, unit: Unit) -> None:
        """Runs a unit as dbt would.

        Raises:
            Failed: when a statement fails.
        """
        if unit.incremental and unit.name in self._standing:
            self._session.run(f"create or replace temp table {_INCOMING} as {unit.incremental}")
            for statement in incoming(unit, self._names(unit.relation)):
                self._session.run(statement)
        else:
            self._session.run(f"create or replace table {unit.relation} as {unit.sql}")
            self._standing.add(unit.name)
        for hook in unit.load.post_hooks:
            self._session.run(hook)

    def _names(self, relation: str) -> list[str]:
        return [f'"{n}"' for n, _ in self._session.names(f"select * from {relation}")]

    def table(self, relation: str) -> Table:
        """The rows of a table as they are now.

        Raises:
            Failed: it cannot be read.
        """
        columns = self._session.names(f"select * from {relation}")
        rows = self._session.run(f"select * from {relation}")
        return Table(tuple((n, kind_of(k)) for n, k in columns), tuple(rows))


def _before(unit: Unit, failed: Mapping[str, Failed]) -> str:
    """Why a unit is not run at all; empty when it is."""
    below = next((b for b in unit.reads if b in failed), None)
    if unit.problem or below is None:
        return unit.problem
    return f"it reads {below}, which cannot be run: {failed[below].message}"


def incoming(unit: Unit, columns: Sequence[str]) -> list[str]:
    """The statements that bring new rows into a table that stands, as dbt-duckdb does it.

    Args:
        unit: an incremental model.
        columns: of its table, as SQL.
    """
    listed, place = ", ".join(columns), unit.relation
    insert = f"insert into {place} ({listed}) select {listed} from {_INCOMING}"
    keys = [f'"{k}"' for k in (k.strip('"') for k in unit.load.unique_key)]
    steps = {"delete", "update", "insert"} - set(unit.load.skipped)
    if unit.load.strategy == "append" or not keys:
        return [insert] if "insert" in steps else []
    same = " and ".join(f"it.{k} = {_INCOMING}.{k}" for k in keys)
    if unit.load.strategy == "merge":
        update = ", ".join(f"{c} = {_INCOMING}.{c}" for c in columns)
        values = ", ".join(f"{_INCOMING}.{c}" for c in columns)
        matched = f"when matched then update set {update}"
        new = f"when not matched then insert ({listed}) values ({values})"
        clauses = [c for c, step in ((matched, "update"), (new, "insert")) if step in steps]
        start = f"merge into {place} as it using {_INCOMING} on {same}"
        return [" ".join((start, *clauses))] if clauses else []
    delete = f"delete from {place} as it using {_INCOMING} where {same}"
    return [s for s, step in ((delete, "delete"), (insert, "insert")) if step in steps]


def run_loads(
    compiled: Compiled,
    spec: Spec,
    batches: Batches,
    clock: Clock,
    *,
    only: Collection[str] = (),
    seconds: float = QUERY_SECONDS,
) -> list[Made]:
    """The tables of a pipeline after each of several loads into an empty place.

    Args:
        compiled: the pipeline.
        spec: whose it is.
        batches: what the sources hold at each load.
        clock: stops queries that run too long.
        only: names of units that are wanted, with what they read; all if empty.
        seconds: how long a query may run.
    """
    units = compiled.needed_by(only) if only else compiled.units
    shown = {u.name for u in units}
    with House(compiled, spec, clock, seconds) as house:
        return [house.load(batch, units, shown) for batch in batches]


def make_room(connection: duckdb.DuckDBPyConnection, relation: str) -> None:
    """Makes the database and the schema that a relation is to lie in."""
    names = [f'"{p}"' for p in parts(relation)]
    if len(names) == 3:
        connection.execute(f"attach if not exists ':memory:' as {names[0]}")
    if len(names) > 1:
        connection.execute(f"create schema if not exists {'.'.join(names[:-1])}")
