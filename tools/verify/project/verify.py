"""The models of a dbt project, one after the other: what each of them shows without a spec."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.errors import UsageError
from tools.findings import Finding, Location, Report, Severity
from tools.sql.analyse import columns_in, conjuncts, nondeterministic_functions
from tools.sql.mutate.program import THIS, Load, Program, program, relations_read
from tools.sql.parse import SqlError, parse_query
from tools.sql.traced import BaseColumn, Traced, frozen, trace
from tools.verify.outcome import Tier
from tools.verify.project.check import Checks, Found
from tools.verify.project.facts import Kept, bases_for, facts_for, kept_by_tests
from tools.verify.project.findings import findings_of
from tools.verify.project.place import Place, open_place
from tools.verify.project.render import Rendered, render
from tools.verify.project.report import NEEDS_SPEC, Claim, ColumnFaults, ModelReport, ProjectReport
from tools.verify.project.rows import rows_for_model
from tools.verify.project.schema import derive
from tools.verify.project.strength import Faults, shipped_for
from tools.verify.project.tables import Relation, fill, outside, plain, stand_in, traced_models
from tools.verify.proof.declared import ShippedUnitTest, unit_test_of
from tools.verify.worker import DbtWorker

SECONDS = 60.0
"""How long faults are planted and tried, for all models together; a model has at least some."""

_LEAST = 2.0
_PARTS = 5  # no model takes more than this part of the time
_MOMENT = "2024-01-10 12:00:00"
_STRATEGIES = {None: "append", "append": "append", "delete+insert": "delete+insert",
               "merge": "merge", "default": "delete+insert"}  # fmt: skip

Progress = Callable[[str], None]


def verify_project(
    folder: Path,
    *,
    scratch: Path,
    worker: DbtWorker,
    select: Sequence[str] = (),
    level: str = "full",
    seconds: float = SECONDS,
    progress: Progress,
) -> ProjectReport:
    """Shows what can be shown of the models of a dbt project without a spec.

    Args:
        folder: of dbt_project.yml; nothing in it is written.
        scratch: an empty folder for copies and dbt's own files.
        worker: a warm dbt whose state is not in the project.
        select: names of models; all of the project's own if empty.
        level: ``quick`` plants no faults.
        seconds: how long faults are planted and tried, for all models together.
        progress: told what happens.

    Raises:
        UsageError: there is no such project or model.
        InputError: dbt_project.yml cannot be read.
        ProgramMissing: dbt is missing, crashed or took too long.
    """
    place = open_place(folder, scratch)
    return _Project(place, worker, level, progress, seconds).run(folder, select)


@dataclass
class _Project:
    place: Place
    worker: DbtWorker
    level: str
    progress: Progress
    seconds: float
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    relations: dict[str, Relation] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    tiers: dict[str, float] = field(default_factory=dict)

    def run(self, folder: Path, select: Sequence[str]) -> ProjectReport:
        started = time.monotonic()
        rendered = render(
            self.place, self.worker, self._stand, lambda t: self.progress(f"render: {t}")
        )
        self.tiers["render"] = time.monotonic() - started
        self.notes += [n for n in (self.place.profile.note,) if n]
        self.findings += [_broken(path, why) for path, why in rendered.broken.items()]
        if rendered.error:
            text = " ".join(rendered.error.split())[:400]
            self.findings.append(
                Finding("PROJ001", Severity.ERROR, f"dbt cannot read the project: {text}",
                        Location("dbt_project.yml"), "mend it: dbt parse says the same")
            )  # fmt: skip
            return self._report(folder, (), 0)
        models = _models(rendered.manifest, self.place.name)
        wanted = _wanted(models, select)
        tests = _tests_by_model(rendered)
        units = [unit_test_of(u, lambda r: r) for u in rendered.unit_tests]
        kept = kept_by_tests(rendered.manifest, _relations(rendered.manifest))
        found = []
        until = time.monotonic() + self.seconds
        with _quiet():
            for number, node in enumerate(wanted):
                share = max(0.0, until - time.monotonic()) / (len(wanted) - number)
                model = _Model(self, rendered, node, kept, self._share(share))
                own = [u for u in units if u.model == node["name"]]
                found.append(model.report(tests.get(str(node["unique_id"]), {}), own))
        names = {str(n["name"]) for n in wanted}
        count = sum(len(tests.get(str(n["unique_id"]), {})) for n in wanted)
        count += sum(u.model in names for u in units)
        return self._report(folder, tuple(found), count)

    def _share(self, share: float) -> float:
        return min(self.seconds / _PARTS, max(_LEAST, share))

    def _report(self, folder: Path, models: tuple[ModelReport, ...], tests: int) -> ProjectReport:
        findings = [*self.findings, *(f for m in models for f in findings_of(m))]
        tiers = tuple(
            Tier(n, round(s, 2), ok=True, summary="") for n, s in self.tiers.items()
        )  # fmt: skip
        return ProjectReport(
            str(folder), self.place.name, self.place.profile.platform, models,
            Report.of(findings), tuple(dict.fromkeys(self.notes)), tiers, _OPEN if models else (),
            tests,
        )  # fmt: skip

    def _stand(self, rendered: Rendered) -> None:
        """Settles the columns of everything that is read, and makes it in the scratch database."""
        self.progress("render: columns and types of what is read")
        self.relations, note = outside(rendered.manifest, self.place, self.worker)
        self.notes += [note] if note else []
        code = _queries(rendered)
        complete = {
            r.name: tuple(c.lower() for c in r.columns)
            for r in self.relations.values()
            if r.origin in ("database", "seed file")
        }
        traces = traced_models(code, complete)
        fill(list(self.relations.values()), traces)
        declared = _declared(rendered.manifest)
        derived, self.why = derive(code, self.relations, declared)
        unknown = [r for n, r in derived.items() if not r.columns or n in self.why]
        if unknown:  # what the models do that read them says what they have
            fill(unknown, traces)
            known = {r.name: r for r in unknown if r.columns}
            rest = {n: q for n, q in code.items() if n not in known}
            again, why = derive(rest, {**self.relations, **known}, declared)
            derived = {**again, **known}
            self.why = {**why, **{n: w for n, w in self.why.items() if n in known}}
        self.relations |= derived
        stand_in(list(self.relations.values()), self.place, self.worker)


@contextmanager
def _quiet() -> Iterator[None]:
    log = logging.getLogger("sqlglot")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


_OPEN = (
    "that the values of a column are those that are meant",
    "that no row is missing and none too many",
    "which rows may come late, change or disappear, and what is to become of them",
    "the grain: which columns tell the rows of a model apart",
)


def _broken(path: str, why: str) -> Finding:
    severity = Severity.WARNING if path.startswith(("packages", "dependencies")) else Severity.ERROR
    return Finding(
        "PROJ002", severity, f"dbt cannot read it, so it is left out here: {why}", Location(path),
        "mend it: dbt parse says the same", subject=Path(path).stem,
    )  # fmt: skip


def _models(manifest: Mapping[str, Any], project: str) -> list[Mapping[str, Any]]:
    """The project's own models, each after those that it reads."""
    nodes = {i: n for i, n in manifest.get("nodes", {}).items() if n["resource_type"] == "model"}
    done: dict[str, Mapping[str, Any]] = {}

    def visit(node_id: str) -> None:
        if node_id in done or node_id not in nodes:
            return
        for below in nodes[node_id]["depends_on"]["nodes"]:
            visit(below)
        done[node_id] = nodes[node_id]

    for node_id in sorted(nodes):
        visit(node_id)
    return [n for n in done.values() if n["package_name"] == project]


def _wanted(models: Sequence[Mapping[str, Any]], select: Sequence[str]) -> list[Mapping[str, Any]]:
    names = {str(m["name"]).lower() for m in models}
    unknown = [s for s in select if s.lower() not in names]
    if unknown:
        known = ", ".join(sorted(names)[:12]) or "none"
        raise UsageError(f"the project has no model {unknown[0]}", f"its models are: {known}")
    lowered = {s.lower() for s in select}
    return [m for m in models if not lowered or str(m["name"]).lower() in lowered]


def _relations(manifest: Mapping[str, Any]) -> dict[str, str]:
    every = {**manifest.get("sources", {}), **manifest.get("nodes", {})}
    return {i: plain(n["relation_name"]) for i, n in every.items() if n.get("relation_name")}


def _queries(rendered: Rendered) -> dict[str, str]:
    """The SQL of models by relation, each after those that it reads; clocks stand still."""
    names = _relations(rendered.manifest)
    found: dict[str, str] = {}
    manifest = rendered.manifest.get("nodes", {})
    for node in _models(rendered.manifest, "") or _every(manifest):
        code = str(rendered.nodes.get(str(node["unique_id"]), {}).get("code") or "")
        aside = str(node["original_file_path"]) in rendered.broken
        is_sql = node.get("language") != "python" and not aside
        if code and is_sql and str(node["unique_id"]) in names:
            found[names[str(node["unique_id"])]] = _still(code)
    return found


def _every(nodes: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    packages = dict.fromkeys(n["package_name"] for n in nodes.values())
    return [m for p in packages for m in _models({"nodes": nodes}, p)]


def _still(sql: str) -> str:
    with suppress(SqlError):
        return frozen(sql, _MOMENT) or sql
    return sql


def _declared(manifest: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    names = _relations(manifest)
    nodes = manifest.get("nodes", {})
    return {names[i]: n for i, n in nodes.items() if i in names and n["resource_type"] == "model"}


def _tests_by_model(rendered: Rendered) -> dict[str, dict[str, str]]:
    """The data tests of each model, compiled, by its id."""
    found: dict[str, dict[str, str]] = {}
    for node in rendered.nodes.values():
        if node["resource_type"] != "test" or not node.get("code"):
            continue
        models = [i for i in node["depends_on"]["nodes"] if str(i).startswith("model.")]
        owner = str(node.get("attached_node") or "")
        owners = [owner] if owner.startswith("model.") else models if not owner else []
        for name in owners:
            found.setdefault(name, {})[str(node["name"])] = str(node["code"]).strip().rstrip(";")
    return found


@dataclass
class _Model:
    """One model of the project."""

    project: _Project
    rendered: Rendered
    node: Mapping[str, Any]
    kept: Sequence[Kept]
    seconds: float
    not_run: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.node["name"])

    @property
    def relation(self) -> str:
        return plain(self.node["relation_name"]) if self.node.get("relation_name") else self.name

    def say(self, tier: str, text: str) -> None:
        self.project.progress(f"{tier}: {self.name}, {text}")

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
            if not found.stops and self.project.level == "full":
                strength, columns = self._faults(given, found, tests, units)
            elif not found.stops:
                self.not_run.append("mutants: run it with --level full")
                columns = tuple(ColumnFaults(n, n not in found.unstable) for n, _ in found.columns)
        if found.stops:
            known = self.project.relations.get(self.relation)
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

    def _of(self, code: str, config: Mapping[str, Any]) -> Program:
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
        still = frozen(sql, _MOMENT)
        if still is not None:
            self.not_run.append(f"another day: its clock stands at {_MOMENT}")
        called = nondeterministic_functions(parse_query(still or sql, "duckdb"))
        if called:
            names = ", ".join(called)
            raise _Unrepeatable(f"it calls {names}, which gives another value each time")
        return still or sql

    def _reads(self, given: Program) -> list[Relation]:
        names = dict.fromkeys(n.lower() for q in given.queries for n in relations_read(q))
        found = self.project.relations
        return [found[n] for n in names if n in found and n != THIS]

    def _traces(self, given: Program) -> list[Traced]:
        known = {
            r.name: tuple(c.lower() for c in r.columns)
            for r in self.project.relations.values() if r.columns
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
                    other = self.project.relations.get(name.lower())
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
            why = self.project.why.get(missing[0].lower(), "nothing in the project makes it")
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
        found = self.project.relations.get(name)
        return found is not None and bool(found.columns)

    def _tier(self, name: str, started: float) -> None:
        spent = self.project.tiers.get(name, 0.0)
        self.project.tiers[name] = spent + time.monotonic() - started

    def _faults(
        self,
        given: Program,
        found: Found,
        tests: Mapping[str, str],
        units: Sequence[ShippedUnitTest],
    ) -> tuple[Any, tuple[ColumnFaults, ...]]:
        started = time.monotonic()
        self.say("mutants", f"{len(found.datasets)} data sets")
        shipped = shipped_for(self.relation, given, tests, units, self.project.relations)
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
