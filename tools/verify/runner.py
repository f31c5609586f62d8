"""The tiers of the proof, cheapest first: static, rules, build, oracle, properties, mutants.

A tier with errors stops the deeper ones: what they would say follows from what is known already.
Whatever was not run is listed.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tools.artifact import Artifact
from tools.findings import Report
from tools.plan import Plan
from tools.rules.article import Constitution
from tools.rules.engine import Change, evaluate
from tools.rules.engine import Subject as RulesSubject
from tools.spec.load import LoadedSpec
from tools.verify.build import Built, build
from tools.verify.outcome import NodeResult, Outcome, RowReason, Strength, Tier
from tools.verify.proof.cache import Kept, key_of, load, save
from tools.verify.proof.fields import Rows
from tools.verify.proof.mutation import mutants_tier
from tools.verify.proof.reasons import reasons_of
from tools.verify.proof.tier import Proof, oracle_tier, rows_for
from tools.verify.properties import check_properties
from tools.verify.static import check_static
from tools.verify.worker import DbtWorker

TIERS = ("static", "rules", "build", "oracle", "properties", "mutants")
PROOF = frozenset({"oracle", "mutants"})
"""The tiers that hold the code against an independent reading of the spec."""

MUTANT_SECONDS = 60.0
"""How long faults are planted and tried at most, for one spec; idle cores need less than half."""

EXPLAIN_SECONDS = 15.0
"""How long the rows that faults need are looked for, for one model."""


@dataclass(frozen=True)
class Subject:
    """What is verified.

    Args:
        loaded: the spec.
        plan: its plan.
        artifacts: the generated files, as they are on disk.
        project: the dbt project that holds them (``.../generated/dbt``).
        database: the DuckDB file; it stays between runs.
        roots: folders under which data files are looked for.
        others: specs of models that this one reads, by model name.
        changed: what the run changes, for rules on the diff.
    """

    loaded: LoadedSpec
    plan: Plan
    artifacts: tuple[Artifact, ...]
    project: Path
    database: Path
    roots: tuple[Path, ...]
    others: Mapping[str, LoadedSpec] = field(default_factory=dict)
    changed: tuple[Change, ...] = ()


@dataclass(frozen=True)
class _Result:
    """What one tier found."""

    report: Report
    summary: str
    nodes: tuple[NodeResult, ...] = ()
    not_run: tuple[str, ...] = ()


def verify(
    subject: Subject,
    *,
    constitution: Constitution,
    worker: DbtWorker,
    level: Literal["quick", "full"] = "quick",
    progress: Callable[[str], None],
    today: dt.date,
    now: dt.datetime | None = None,
    proof: bool = False,
    explain: str = "",
) -> Outcome:
    """Runs the tiers in order.

    Args:
        subject: what is verified.
        constitution: the rules of the second tier.
        worker: a dbt process; it is started if it is not running.
        level: ``full`` plants faults too, and tries more orders of arrival.
        progress: told what happens, such as ``build: dbt build (14 models ...)``.
        today: decides whether waivers have expired.
        now: the moment of the load, UTC; the clock's if not given.
        proof: whether the code is held against an independent reading of the spec as well.
        explain: a model of which every row that it is proved on is to be given with its reason.

    Raises:
        ProgramMissing: dbt is not installed, crashed or took too long, or the database file is
            locked.
    """
    worker.prepare(subject.project, subject.database)  # read by dbt while we read it ourselves
    run = _Run(
        subject, constitution, worker, level, progress, today, now or dt.datetime.now(dt.UTC),
        proof, explain,
    )  # fmt: skip
    report, tiers, nodes, not_run = Report(), list[Tier](), list[NodeResult](), list[str]()
    failed = ""
    if not proof:
        not_run.append("oracle, mutants: `specmill verify` holds the code against the spec")
    for name in TIERS:
        if name in PROOF and not proof:
            continue
        if failed:
            not_run.append(f"{name}: the {failed} tier has errors")
            continue
        if name == "mutants" and level != "full":
            not_run.append("mutants: run it with --level full")
            continue
        started = time.monotonic()
        result: _Result = getattr(run, name)()
        seconds = round(time.monotonic() - started, 3)
        tiers.append(Tier(name, seconds, result.report.ok, result.summary))
        report += result.report
        nodes += result.nodes
        not_run += result.not_run
        failed = "" if result.report.ok else name
    kept = run.kept or Kept((), (), 0)
    return Outcome(
        report, tuple(tiers), tuple(nodes), tuple(not_run), kept.verdicts, kept.strengths,
        run.explained(),
    )  # fmt: skip


@dataclass
class _Run:
    """One verification; the build's result is what the properties start from."""

    subject: Subject
    constitution: Constitution
    worker: DbtWorker
    level: str
    progress: Callable[[str], None]
    today: dt.date
    now: dt.datetime
    proof_wanted: bool
    explain: str = ""
    built: Built | None = None
    proof: Proof = field(default_factory=Proof)
    kept: Kept | None = None
    _rows: Future[Rows] | None = None
    _key: str = ""

    def static(self) -> _Result:
        files = [a for a in self.subject.artifacts if a.path.endswith(".sql")]
        self.progress(f"static: {_count(len(files), 'SQL file')}")
        report = check_static(self.subject.loaded, self.subject.artifacts, self.subject.others)
        return _Result(report, f"{_count(len(files), 'SQL file')} read, {_errors(report)}")

    def rules(self) -> _Result:
        count = len(self.constitution.rules)
        self.progress(f"rules: {_count(count, 'rule')}")
        s = self.subject
        subject = RulesSubject(
            loaded=s.loaded, plan=s.plan, artifacts=s.artifacts, changed=s.changed, today=self.today
        )
        report = evaluate(self.constitution, subject)
        return _Result(report, f"{_count(count, 'rule')}, {_errors(report)}")

    def build(self) -> _Result:
        s = self.subject
        if self.proof_wanted:
            self._prepare_proof()
        self.built = build(
            s.loaded, s.artifacts, project=s.project, database=s.database, roots=s.roots,
            worker=self.worker, now=self.now, others=s.others, progress=self.progress,
        )  # fmt: skip
        return _Result(self.built.report, _built(self.built.nodes), self.built.nodes)

    def _prepare_proof(self) -> None:
        s = self.subject
        self._key = key_of([s.loaded, *s.others.values()], s.project)
        self.kept = load(self.worker.state, s.loaded.spec.pipeline, self._key)
        strengths = self.kept.strengths if self.kept else ()
        if self.level == "full" and (not strengths or any(s.not_tried for s in strengths)):
            self.kept = None
        if self.explain:
            self.kept = None  # what is kept does not say why a row is there
        if self.kept is None:
            self._rows = _in_background(self._datasets)  # dbt builds in a process of its own

    def _datasets(self) -> Rows:
        s = self.subject
        others = {name: other.spec for name, other in s.others.items()}
        return rows_for(s.loaded.spec, s.loaded.digest, others)

    def oracle(self) -> _Result:
        if self.kept is not None:
            return _Result(Report(), f"{_columns(self.kept)}, unchanged since it was shown")
        if self.built is None or not self.built.nodes or self._rows is None:
            return _Result(Report(), "nothing was built", not_run=("oracle: nothing was built",))
        s = self.subject
        self.proof = oracle_tier(
            s.loaded, s.artifacts, s.others, project=self.built.project.root, database=s.database,
            worker=self.worker, progress=self.progress, rows=self._rows.result,
        )  # fmt: skip
        report = Report.of(self.proof.findings)
        self._keep(report)
        summary = f"{_columns(self.kept)}, {_errors(report)}"
        return _Result(report, summary, not_run=tuple(self.proof.not_run))

    def mutants(self) -> _Result:
        before = len(self.proof.not_run)
        if self.proof.case is not None:
            mutants_tier(
                self.proof, self.subject.loaded, self.subject.artifacts, seconds=MUTANT_SECONDS,
                progress=self.progress, state=None if self.explain else self.worker.state,
            )  # fmt: skip
            self._keep(Report.of(self.proof.findings))
        report = Report.of(self.proof.findings)
        summary = _faults(self.kept.strengths if self.kept else ())
        return _Result(report, summary, not_run=tuple(self.proof.not_run[before:]))

    def explained(self) -> tuple[RowReason, ...]:
        """The rows of the model that is to be explained."""
        if not self.explain or self.proof.case is None:
            return ()
        self.progress(f"explaining the rows of {self.explain}")
        return reasons_of(self.proof, self.explain, EXPLAIN_SECONDS)

    def _keep(self, report: Report) -> None:
        """Keeps what was shown for the next time, when it holds."""
        proof = self.proof
        self.kept = Kept(proof.verdicts, tuple(proof.strengths.values()), len(proof.rows))
        if report.ok and proof.case is not None:
            save(self.worker.state, self.subject.loaded.spec.pipeline, self._key, self.kept)

    def properties(self) -> _Result:
        if self.built is None or not self.built.nodes:
            return _Result(
                Report(), "nothing was built", not_run=("properties: nothing was built",)
            )
        s = self.subject
        found = check_properties(
            s.loaded, s.artifacts, project=self.built.project, database=s.database,
            worker=self.worker, now=self.now, level=self.level, others=s.others,
            progress=self.progress,
        )  # fmt: skip
        report = Report.of(found.findings)
        summary = f"{_count(found.runs, 'load')} tried, {_errors(report)}"
        return _Result(report, summary, not_run=tuple(found.not_run))


def _in_background(make: Callable[[], Rows]) -> Future[Rows]:
    pool = ThreadPoolExecutor(1, thread_name_prefix="fixtures")
    try:
        return pool.submit(make)
    finally:
        pool.shutdown(wait=False)


def _columns(kept: Kept | None) -> str:
    """Such as ``19 of 20 columns as the spec says, 13 data sets``."""
    if kept is None or not kept.verdicts:
        return "no column could be held against the spec"
    right = sum(v.kind == "TESTED" for v in kept.verdicts)
    columns = _count(len(kept.verdicts), "column")
    return f"{right} of {columns} as the spec says, {_count(kept.datasets, 'data set')}"


def _faults(strengths: Sequence[Strength]) -> str:
    killed, survived = (sum(getattr(s, n) for s in strengths) for n in ("killed", "undecided"))
    left = sum(s.not_tried for s in strengths)
    rate = f"{killed / (killed + survived):.0%}" if killed + survived else "none"
    more = f", {left} not tried" if left else ""
    return f"{rate} of {_count(killed + survived, 'planted fault')} told from the code{more}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _errors(report: Report) -> str:
    return _count(len(report.errors), "error") if report.errors else "no errors"


def _built(nodes: Sequence[NodeResult]) -> str:
    models = [n for n in nodes if n.kind == "model"]
    tests = [n for n in nodes if n.kind in ("test", "unit_test")]
    passed = sum(n.status == "pass" for n in tests)
    made = sum(n.status == "success" for n in models)
    return f"{made} of {_count(len(models), 'model')} built, {passed} of {len(tests)} tests pass"
