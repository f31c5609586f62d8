"""The tiers of the proof, cheapest first: static, rules, build, properties.

A tier with errors stops the deeper ones: what they would say follows from what is known already.
Whatever was not run is listed.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
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
from tools.verify.outcome import NodeResult, Outcome, Tier
from tools.verify.properties import check_properties
from tools.verify.static import check_static
from tools.verify.worker import DbtWorker

TIERS = ("static", "rules", "build", "properties")


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
) -> Outcome:
    """Runs the tiers in order.

    Args:
        subject: what is verified.
        constitution: the rules of the second tier.
        worker: a dbt process; it is started if it is not running.
        level: ``full`` tries more orders of arrival.
        progress: told what happens, such as ``build: dbt build (14 models ...)``.
        today: decides whether waivers have expired.
        now: the moment of the load, UTC; the clock's if not given.

    Raises:
        ProgramMissing: dbt is not installed, crashed or took too long, or the database file is
            locked.
    """
    worker.prepare(subject.project, subject.database)  # read by dbt while we read it ourselves
    run = _Run(
        subject, constitution, worker, level, progress, today, now or dt.datetime.now(dt.UTC)
    )
    report, tiers, nodes, not_run = Report(), list[Tier](), list[NodeResult](), list[str]()
    failed = ""
    for name in TIERS:
        if failed:
            not_run.append(f"{name}: the {failed} tier has errors")
            continue
        started = time.monotonic()
        result: _Result = getattr(run, name)()
        seconds = round(time.monotonic() - started, 3)
        tiers.append(Tier(name, seconds, result.report.ok, result.summary))
        report += result.report
        nodes += result.nodes
        not_run += result.not_run
        failed = "" if result.report.ok else name
    return Outcome(report, tuple(tiers), tuple(nodes), tuple(not_run))


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
    built: Built | None = None

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
        self.built = build(
            s.loaded, s.artifacts, project=s.project, database=s.database, roots=s.roots,
            worker=self.worker, now=self.now, others=s.others, progress=self.progress,
        )  # fmt: skip
        return _Result(self.built.report, _built(self.built.nodes), self.built.nodes)

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
