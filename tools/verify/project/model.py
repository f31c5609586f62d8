"""One model of a dbt project: what it runs, what it shows, what becomes of faults in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tools.sql.analyse import columns_in, conjuncts, nondeterministic_functions
from tools.sql.mutate.program import THIS, Load, Program, program, relations_read
from tools.sql.parse import SqlError, parse_query
from tools.sql.traced import BaseColumn, Traced, frozen, trace
from tools.verify.project.check import Checks, Found
from tools.verify.project.facts import Kept, bases_for, facts_for
from tools.verify.project.manifest import MOMENT, Node
from tools.verify.project.render import Rendered
from tools.verify.project.report import NEEDS_SPEC, Claim, ColumnFaults, ModelReport
from tools.verify.project.rows import rows_for_model
from tools.verify.project.strength import Faults, shipped_for
from tools.verify.project.tables import Relation, plain
from tools.verify.proof.declared import ShippedUnitTest

Progress = Callable[[str], None]

_STRATEGIES = {None: "append", "append": "append", "delete+insert": "delete+insert",
               "merge": "merge", "default": "delete+insert"}  # fmt: skip


@dataclass
class Shared:
    """What all models of a project share.

    Args:
        level: ``quick`` plants no faults.
        progress: told what happens.
        relations: every table that is read or made, by name.
        why: why the columns of some are not known.
        tiers: seconds so far, by tier.
    """

    level: str
    progress: Progress
    relations: dict[str, Relation] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    tiers: dict[str, float] = field(default_factory=dict)


@dataclass
class ModelCheck:
    """One model of the project.

    Args:
        shared: what all models share.
        rendered: what dbt made of the project.
        node: the model in its manifest.
        kept: what the tests of the project say that its tables keep.
        seconds: how long faults are planted in it and tried.
    """

    shared: Shared
    rendered: Rendered
    node: Node
    kept: Sequence[Kept]
    seconds: float
    not_run: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.node["name"])

    @property
    def relation(self) -> str:
        """The table that it makes."""
        return plain(self.node["relation_name"]) if self.node.get("relation_name") else self.name

    def say(self, tier: str, text: str) -> None:
        """Tells what it is busy with."""
        self.shared.progress(f"{tier}: {self.name}, {text}")

    def report(self, tests: Mapping[str, str], units: Sequence[ShippedUnitTest]) -> ModelReport:
        """What is shown of it."""
        started = time.monotonic()
        problem, given = self._program()
        found, strength = Found(stops=problem), None
        columns: tuple[ColumnFaults, ...] = ()
        types: tuple[tuple[str, str], ...] = ()
        if given is not None:
            traces, reads = self._traces(given), self._reads(given)
            types = tuple((r.name, r.origin) for r in reads)
            found = self._checked(given, traces, reads, tests)
            if not found.stops and self.shared.level == "full":
                strength, columns = self._faults(given, found, tests, units)
            elif not found.stops:
                self.not_run.append("mutants: run it with --level full")
                columns = tuple(ColumnFaults(n, n not in found.unstable) for n, _ in found.columns)
        if found.stops:
            known = self.shared.relations.get(self.relation)
            names = [str(c["name"]) for c in self.node.get("columns", {}).values()]
            names = names or list(known.columns if known else ())
            columns = tuple(ColumnFaults(n, reason=found.stops) for n in names)
            if not found.claims:
                found.claims.append(Claim("runs", "UNVERIFIED", reason=found.stops))
        found.claims.append(Claim("values", "UNVERIFIED", reason=NEEDS_SPEC))
        return ModelReport(
            self.name, str(self.node["original_file_path"]),
            str(self.node["config"].get("materialized", "")), tuple(found.claims), columns,
            strength, types, tuple(dict.fromkeys(self.not_run)),
            round(time.monotonic() - started, 2),
        )  # fmt: skip

    # -- what it runs -------------------------------------------------------------------------

    def _program(self) -> tuple[str, Program | None]:
        """What the model runs, or why that cannot be tried."""
        path, config = str(self.node["original_file_path"]), self.node["config"]
        if self.node.get("language") == "python":
            return "it is a Python model, which only dbt runs", None
        if path in self.rendered.broken:
            return f"it cannot be rendered: {self.rendered.broken[path]}", None
        code = str(self.rendered.nodes.get(str(self.node["unique_id"]), {}).get("code") or "")
        if config.get("materialized") == "ephemeral" and not code:
            return "it is ephemeral: it is tried as a part of the models that read it", None
        if not code:
            return "dbt gives no SQL for it", None
        code = code.strip().rstrip(";")
        try:
            return "", self._of(code, config)
        except SqlError as error:
            return f"its SQL cannot be read as DuckDB's: {error.message}", None
        except _Unrepeatable as error:
            return str(error), None

    def _of(self, code: str, config: Node) -> Program:
        later = ""
        if config.get("materialized") == "incremental":
            again = self.rendered.again.get(str(self.node["unique_id"]), {})
            later = str(again.get("code") or "").strip().rstrip(";")
        strategy = config.get("incremental_strategy")
        usual = "append" if not config.get("unique_key") else "delete+insert"
        strategy = strategy or (usual if later else None)
        if later and (strategy not in _STRATEGIES or config.get("incremental_predicates")):
            self.not_run.append(f"loads: the incremental strategy {strategy} is run by dbt only")
            later = ""
        for hook in ("pre-hook", "post-hook"):
            if config.get(hook):
                self.not_run.append(f"its {hook}s, which are run by dbt only")
        key = config.get("unique_key") or ()
        load = Load(
            _STRATEGIES.get(strategy, "append"),  # type: ignore[arg-type]
            (key,) if isinstance(key, str) else tuple(key),
        )
        texts = [self._frozen(t) if t else "" for t in (code, later)]
        return program(texts[0], texts[1], this=self.relation, load=load)

    def _frozen(self, sql: str) -> str:
        still = frozen(sql, MOMENT)
        if still is not None:
            self.not_run.append(f"another day: its clock stands at {MOMENT}")
        called = nondeterministic_functions(parse_query(still or sql, "duckdb"))
        if called:
            names = ", ".join(called)
            raise _Unrepeatable(f"it calls {names}, which gives another value each time")
        return still or sql

    def _reads(self, given: Program) -> list[Relation]:
        names = dict.fromkeys(n.lower() for q in given.queries for n in relations_read(q))
        found = self.shared.relations
        return [found[n] for n in names if n in found and n != THIS]

    def _traces(self, given: Program) -> list[Traced]:
        known = {
            r.name: tuple(c.lower() for c in r.columns)
            for r in self.shared.relations.values() if r.columns
        }  # fmt: skip
        found = []
        for query in given.queries:
            with suppress(SqlError):
                found.append(trace(query, known))
        return found

    # -- what it shows ------------------------------------------------------------------------

    def _bases(self, reads: Sequence[Relation], tests: Mapping[str, str]) -> list[Relation]:
        """What is filled: what the model reads, and what only its tests read."""
        found = {r.name: r for r in reads}
        for sql in tests.values():
            with suppress(SqlError):
                for name in relations_read(sql):
                    other = self.shared.relations.get(name.lower())
                    if other is not None and name.lower() != self.relation and other.columns:
                        found.setdefault(other.name, other)
        return list(found.values())

    def _checked(
        self,
        given: Program,
        traces: Sequence[Traced],
        reads: Sequence[Relation],
        tests: Mapping[str, str],
    ) -> Found:
        started = time.monotonic()
        missing = [
            n for q in given.queries for n in relations_read(q)
            if n != THIS and not self._has(n.lower())
        ]  # fmt: skip
        if missing:
            why = self.shared.why.get(missing[0].lower(), "nothing in the project makes it")
            return Found(stops=f"it reads {missing[0]}, of which no columns are known: {why}")
        self.say("fixtures", "making rows")
        bases = self._bases(reads, tests)
        kept = [k for k in self.kept if k.relation in {b.name for b in bases}]
        decided = facts_for(traces, kept, self.name, decided=True)
        loose = facts_for(traces, kept, self.name, decided=False)
        self.sets = rows_for_model(bases_for(bases, decided), decided, given.sql)
        ties = rows_for_model(bases_for(bases, loose), loose, given.sql).datasets[:6]
        self.names = {n: n for n in (b.name for b in bases)}
        self._tier("fixtures", started)
        started = time.monotonic()
        own = {n: n for n in (r.name for r in reads)}
        checks = Checks(given, own, _cursor(traces))
        found = checks.run(
            self.sets.datasets, ties, self.sets.simple, lambda t: self.say("properties", t)
        )
        self._tier("properties", started)
        return found

    def _has(self, name: str) -> bool:
        found = self.shared.relations.get(name)
        return found is not None and bool(found.columns)

    def _tier(self, name: str, started: float) -> None:
        spent = self.shared.tiers.get(name, 0.0)
        self.shared.tiers[name] = spent + time.monotonic() - started

    def _faults(
        self,
        given: Program,
        found: Found,
        tests: Mapping[str, str],
        units: Sequence[ShippedUnitTest],
    ) -> tuple[Any, tuple[ColumnFaults, ...]]:
        started = time.monotonic()
        self.say("mutants", f"{len(found.datasets)} data sets")
        shipped = shipped_for(self.relation, given, tests, units, self.shared.relations)
        faults = Faults(
            given, self.name, self.relation, found.datasets, self.names, shipped, self.kept
        )  # fmt: skip
        trial = faults.trial(found.columns, found.unstable, started + self.seconds)
        self.not_run += trial.not_run
        if not len(shipped):
            self.not_run.append("tests of the project: it has none that can be run here")
        self._tier("mutants", started)
        return trial.strength, trial.columns


class _Unrepeatable(Exception):
    """A model gives another result each time, and says so."""


def _cursor(traces: Sequence[Traced]) -> BaseColumn | None:
    """The column that an incremental form compares with its own table."""
    for traced in traces:
        for part in traced.parts:
            for condition in conjuncts(part.tree) if part.kind in ("where", "having") else ():
                places = {p for r in columns_in(condition) for p in traced.base(part.at, r)}
                outer = {p for p in places if p[0] != THIS}
                if len(outer) == 1 and f"from {THIS}" in condition.sql().lower():
                    return outer.pop()
    return None
