"""Faults planted in a model: which rows tell them, and which the project's own tests notice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from tools.sql.equivalent.facts import Column, Declared
from tools.sql.mutate.enumerate import mutants
from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import THIS, Program, relations_read, renamed
from tools.sql.parse import SqlError
from tools.verify.dataset import Dataset, Table
from tools.verify.fixtures.admit import largest
from tools.verify.mutants.bench import Rig, Setting
from tools.verify.mutants.run import run_mutants
from tools.verify.mutants.session import Failed
from tools.verify.mutants.shipped import ShippedResult, TestQuery, shipped_kill_rate
from tools.verify.mutants.unit import UnitTest
from tools.verify.mutants.verdict import MutationResult, Verdict
from tools.verify.outcome import Strength, Survivor
from tools.verify.project.check import QUERY_SECONDS, prepare
from tools.verify.project.facts import Kept
from tools.verify.project.report import ColumnFaults
from tools.verify.project.tables import Relation, plain
from tools.verify.proof.declared import ShippedUnitTest

_SHOWN = 20
_CELLS = 25_000
_FIRST, _TESTED = 0.55, 0.85  # of the time: until then faults, until then the tests, then columns
_TESTED_SETS = 4
_TRIES = 30


@dataclass(frozen=True)
class Shipped:
    """The tests that a project has for a model.

    Args:
        queries: data tests that can be run here.
        units: unit tests that can be run here.
        not_run: others, and why.
    """

    queries: tuple[TestQuery, ...] = ()
    units: tuple[UnitTest, ...] = ()
    not_run: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.queries) + len(self.units)


def shipped_for(
    relation: str,
    program: Program,
    tests: Mapping[str, str],
    units: Sequence[ShippedUnitTest],
    known: Mapping[str, Relation],
) -> Shipped:
    """The tests of a model as they can be run here.

    Args:
        relation: of the model, without quotes.
        program: what it runs.
        tests: data tests by name, compiled.
        units: unit tests.
        known: what is read, by name.
    """
    queries, ready, not_run = [], [], []
    for name, sql in tests.items():
        try:
            others = [r.lower() for r in relations_read(renamed(sql, relation))]
        except SqlError as error:
            not_run.append(f"test {name}: {error.message}")
            continue
        unknown = [r for r in others if r != THIS and r not in known]
        if unknown:
            not_run.append(f"test {name}: it reads {unknown[0]}, of which nothing is known")
        else:
            queries.append(TestQuery(name, sql))
    for unit in units:
        made = None if unit.problem else _unit(unit, program, known, relation)
        if made is None:
            not_run.append(f"unit test {unit.name}: {unit.problem or 'its rows do not fit'}")
        else:
            ready.append(made)
    return Shipped(tuple(queries), tuple(ready), tuple(not_run))


def _unit(
    unit: ShippedUnitTest, program: Program, known: Mapping[str, Relation], relation: str
) -> UnitTest | None:
    tables = {}
    query = program.incremental if unit.incremental else program.sql
    if not query or not unit.expected:
        return None
    given = {plain(name): rows for name, rows in unit.given.items()}
    for name in relations_read(query):
        source = known.get(relation if name == THIS else name.lower())
        if source is None:
            return None
        rows = given.get(relation if name == THIS else name.lower(), ())
        lowered = [{str(k).lower(): v for k, v in row.items()} for row in rows]
        table = Table(tuple(source.columns.items()))
        values = [tuple(r.get(n.lower()) for n in table.names) for r in lowered]
        tables[name] = table.with_rows(values)
    names = list(dict.fromkeys(str(n) for row in unit.expected for n in row))
    expected = Table(
        tuple((n, "varchar") for n in names), tuple(tuple(r.get(n) for n in names)
                                                    for r in unit.expected),
    )  # fmt: skip
    return UnitTest(unit.name, tables, expected, unit.incremental)


@dataclass(frozen=True)
class Trial:
    """What became of the faults of one model."""

    strength: Strength
    columns: tuple[ColumnFaults, ...]
    not_run: tuple[str, ...] = ()


@dataclass(frozen=True)
class Faults:
    """The faults of one model.

    Args:
        program: what it runs.
        name: of the model.
        relation: its own, without quotes.
        datasets: rows on which it runs.
        relations: the name in the SQL -> the reference in the data sets.
        shipped: the project's tests of it.
        kept: what the project's tests claim of what it reads.
    """

    program: Program
    name: str
    relation: str
    datasets: Sequence[Dataset]
    relations: Mapping[str, str]
    shipped: Shipped
    kept: Sequence[Kept] = ()

    def trial(self, columns: Sequence[tuple[str, str]], unstable: Sequence[str], until: float
              ) -> Trial:  # fmt: skip
        """Plants faults and runs the tests on those that some rows tell from the model.

        Args:
            columns: of the model's result.
            unstable: those that depend on the order of rows.
            until: of ``time.monotonic()``.
        """
        started = time.monotonic()
        facts = self._facts()
        try:
            some = mutants(self.program, facts)
        except SqlError as error:
            return Trial(Strength(self.name, problem=error.message), ())
        own = {r: t for r, t in self.relations.items() if t in self._read()}
        found = run_mutants(
            self.program, some, self._affordable(), relations=own, prepare=prepare,
            deadline=started + (until - started) * _FIRST, facts=facts, query_seconds=QUERY_SECONDS,
        )  # fmt: skip
        killed = [v for v in found.of("killed") if v.how != "error"]
        tested = started + (until - started) * _TESTED
        noticed, notes = self._noticed([v.mutant for v in killed], tested)
        caught = {
            id(m): by for m, by in zip(noticed.mutants, noticed.caught, strict=True)
        } if noticed else {}  # fmt: skip
        return Trial(
            self._strength(found, noticed, round(time.monotonic() - started, 2)),
            self._columns(columns, unstable, killed, caught, until),
            (*self.shipped.not_run, *notes),
        )

    def _affordable(self) -> list[Dataset]:
        """The data sets that can be opened in time: each value of a wide table costs."""
        found: list[Dataset] = []
        cells = 0
        for dataset in self.datasets:
            cells += sum(len(t.rows) * len(t.columns) for t in dataset.tables.values())
            if not found or cells <= _CELLS:
                found.append(dataset)
        return found

    def _read(self) -> set[str]:
        return {n.lower() for q in self.program.queries for n in relations_read(q)} - {THIS}

    def _facts(self) -> dict[str, Declared]:
        """Types, and which columns hold no NULL in any data set."""
        found = {}
        for name in self._read():
            tables = [t for d in self.datasets if (t := d.table(name)) is not None]
            if tables:
                found[name] = self._declared(name, tables)
        return found

    def _declared(self, name: str, tables: Sequence[Table]) -> Declared:
        """What the project's tests claim and every data set keeps."""
        claims = [c for c in self.kept if c.relation == name]
        keys = [c.columns for c in claims if c.kind == "unique"]
        never = {c.columns[0] for c in claims if c.kind == "not_null"}
        columns = tuple(
            Column(n, k, n.lower() not in never or any(None in _values(t, (n,)) for t in tables))
            for n, k in tables[0].columns
        )
        held = (k for k in keys if all(_distinct(_values(t, k)) for t in tables))
        return Declared(columns, tuple(held))

    def _noticed(
        self, some: Sequence[Mutant], until: float
    ) -> tuple[ShippedResult | None, list[str]]:
        if not len(self.shipped) or not some:
            return None, []
        found = shipped_kill_rate(
            self.program, some, self._holding(), relation=self.relation,
            tests=self.shipped.queries, unit_tests=self.shipped.units, relations=self.relations,
            prepare=prepare, deadline=until, query_seconds=QUERY_SECONDS,
        )  # fmt: skip
        notes = [f"test {n}: it fails on the model itself on all rows made" for n in found.blind]
        if found.not_tried:
            notes.append(f"the project's tests on {found.not_tried} faults: time was up")
        return found, notes

    def _holding(self) -> list[Dataset]:
        """Data sets, and the largest parts of some on which all of the project's tests pass."""
        found = list(self.datasets[: 2 * _TESTED_SETS])
        queries = [renamed(t.sql, self.relation) for t in self.shipped.queries]
        if not queries:
            return found
        with ExitStack() as stack:
            rig = Rig(Setting(self.relations, prepare, QUERY_SECONDS), stack)

            def passes(batches: tuple[Dataset, ...]) -> bool:
                bench = rig.bench("", batches)
                try:
                    bench.expect(Program(self.program.sql))
                    session = bench.session()
                    session.run(f"create or replace temp table {THIS} as {self.program.sql}")
                    return not any(session.run(f"select 1 from ({q}) limit 1") for q in queries)
                except Failed:
                    return False

            for dataset in self.datasets[:_TESTED_SETS]:
                if not passes((dataset,)):
                    part = largest((dataset,), passes, _TRIES)[0]
                    named = replace(part, name=f"{dataset.name}, as the tests want it")
                    found += [named] if part.size else []
        return found

    def _strength(
        self, found: MutationResult, noticed: ShippedResult | None, seconds: float
    ) -> Strength:
        tally = found.tally
        caught = [c for c in (noticed.caught if noticed else ()) if c is not None]
        killed = [v for v in found.of("killed") if v.how != "error"]
        return Strength(
            self.name, tally.killed, tally.undecided, tally.equivalent, tally.not_tried,
            len(caught), len(noticed.caught) if noticed else len(killed), seconds,
            tuple(
                Survivor(v.mutant.operator, v.mutant.description, v.mutant.diff)
                for v in found.of("undecided")[:_SHOWN]
            ),
            found.problem,
        )  # fmt: skip

    def _columns(
        self,
        columns: Sequence[tuple[str, str]],
        unstable: Sequence[str],
        killed: Sequence[Verdict],
        caught: Mapping[int, str | None],
        until: float,
    ) -> tuple[ColumnFaults, ...]:
        """How many faults change each column, and how many of those a test notices."""
        changed, seen = Counter[str](), Counter[str]()
        for verdict, names in self._changes(columns, killed, until):
            changed.update(names)
            if caught.get(id(verdict.mutant)) is not None:
                seen.update(names)
        return tuple(ColumnFaults(n, n not in unstable, changed[n], seen[n]) for n, _ in columns)

    def _changes(
        self, columns: Sequence[tuple[str, str]], killed: Sequence[Verdict], until: float
    ) -> list[tuple[Verdict, list[str]]]:
        found = []
        by_set: dict[str, list[Verdict]] = {}
        for verdict in killed:
            by_set.setdefault(verdict.by.removesuffix(", rows reversed"), []).append(verdict)
        named = {d.name: d for d in self.datasets}
        with ExitStack() as stack:
            own = {r: t for r, t in self.relations.items() if t in self._read()}
            rig = Rig(Setting(own, prepare, QUERY_SECONDS), stack)
            for name, verdicts in by_set.items():
                if name not in named or time.monotonic() > until:
                    continue
                batches = (named[name],) * (2 if self.program.incremental else 1)
                bench = rig.bench(name, batches)
                try:
                    bench.expect(self.program)
                    before = _bags(bench.rows(self.program)[-1], columns)
                    for verdict in verdicts:
                        after = _bags(bench.rows(verdict.mutant.program)[-1], columns)
                        found.append((verdict, [c for c in before if before[c] != after.get(c)]))
                except Failed:
                    continue
        return found


def _values(table: Table, columns: Sequence[str]) -> list[object]:
    """The values of some columns; plain values of one."""
    places = [i for i in (table.index(c) for c in columns) if i is not None]
    if len(places) == 1:
        return [row[places[0]] for row in table.rows]
    return [tuple(row[i] for i in places) for row in table.rows]


def _distinct(values: Sequence[object]) -> bool:
    return len(set(map(repr, values))) == len(values)


def _bags(
    rows: Sequence[tuple[object, ...]], columns: Sequence[tuple[str, str]]
) -> dict[str, Counter[str]]:
    return {n: Counter(repr(r[i]) for r in rows) for i, (n, _) in enumerate(columns)}
