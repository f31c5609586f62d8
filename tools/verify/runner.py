"""The tiers of the proof, cheapest first: static, rules, build, oracle, properties, mutants.

A tier with errors stops the deeper ones: what they would say follows from what is known already.
Where the build has errors, models that were built are held against the spec all the same.
Whatever was not run is listed. Properties need dbt and little else: they are tried beside oracle
and mutants, and what these say counts as if they had come after. What is as it was in a former run
is taken from there, and says so.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from tools.findings import Report
from tools.rules.article import Constitution
from tools.rules.engine import Subject as RulesSubject
from tools.rules.engine import evaluate
from tools.verify.background import Beside, in_background
from tools.verify.bench import Checked
from tools.verify.build import Built, build
from tools.verify.former_run import PROOF, TIERS, FormerRun, Result
from tools.verify.outcome import NodeResult, Outcome, RowReason, Tier
from tools.verify.proof import jobs
from tools.verify.proof.agree import Case
from tools.verify.proof.cache import data_of, key_of
from tools.verify.proof.fields import Rows
from tools.verify.proof.mutation import mutants_tier
from tools.verify.proof.pool import Started, processes
from tools.verify.proof.reasons import reasons_of
from tools.verify.proof.reuse import Former, recalled
from tools.verify.proof.tier import Proof, oracle_tier, rows_for
from tools.verify.properties import check_properties
from tools.verify.static import check_static
from tools.verify.subject import Subject
from tools.verify.summaries import count, of_columns, of_faults, of_nodes, of_report
from tools.verify.worker import DbtWorker

MUTANT_SECONDS = 60.0
"""How long faults are planted and tried at most, for one spec; idle cores need less than half."""

EXPLAIN_SECONDS = 15.0
"""How long the rows that faults need are looked for, for one model."""


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
    fresh: bool = False,
    rebuild: bool = True,
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
        fresh: whether nothing is taken from a former run.
        rebuild: whether it is built even when a former run did so on the same day, and nothing
            has changed since: code, spec, data, the database itself.

    Raises:
        ProgramMissing: dbt is not installed, crashed or took too long, or the database file is
            locked.
    """
    moment, s = now or dt.datetime.now(dt.UTC), subject
    fresh = fresh or bool(explain)  # what is kept does not say why a row is there
    former = FormerRun(worker.state, s.loaded.spec.pipeline, s.database, level, moment)
    if proof:
        specs = [s.loaded, *s.others.values()]
        former.look(key_of(specs, s.project), data_of(specs, s.roots), fresh, rebuild)
    if former.known("build") is None:
        worker.prepare(s.project, s.database)  # read by dbt while we read it ourselves
    run = _Run(
        s, constitution, worker, level, progress, today, moment, proof, fresh, former, explain
    )
    try:
        outcome = run.all()
    except BaseException:
        run.end(at_once=True)
        raise
    run.end(at_once=False)
    return outcome


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
    fresh: bool
    former: FormerRun
    explain: str = ""
    built: Built | None = None
    proof: Proof = field(default_factory=Proof)
    _results: dict[str, Result] = field(default_factory=dict)
    _rows: Future[Rows] | None = None
    _beside: Beside[tuple[Checked, float]] | None = None
    _started: Started | None = None
    _planted: Result | None = None

    def all(self) -> Outcome:
        """The tiers in order."""
        report, tiers, nodes, not_run = Report(), list[Tier](), list[NodeResult](), list[str]()
        failed = ""
        if not self.proof_wanted:
            not_run.append("oracle, mutants: `specmill verify` holds the code against the spec")
        for name in TIERS:
            if name in PROOF and not self.proof_wanted:
                continue
            if failed and not (name == "oracle" and self._partly_built()):
                not_run.append(f"{name}: the {failed} tier has errors")
                continue
            if name == "mutants" and self.level != "full":
                not_run.append("mutants: run it with --level full")
                continue
            started = time.monotonic()
            result: Result = self.former.known(name) or getattr(self, name)()
            spent = time.monotonic() - started if result.seconds is None else result.seconds
            self._results[name] = result
            ok = result.report.ok
            tiers.append(Tier(name, round(spent, 3), ok, result.summary, result.since))
            report += result.report
            nodes += result.nodes
            not_run += result.not_run
            failed = failed or ("" if ok else name)
        if not failed and self.proof_wanted and not self.explain:
            self.former.keep(self._results)
        last = [r for n, r in self._results.items() if n in PROOF][-1:] or [Result(Report(), "")]
        return Outcome(
            report, tuple(tiers), tuple(nodes), tuple(not_run), last[0].verdicts,
            last[0].strengths, self.explained(),
        )  # fmt: skip

    def end(self, *, at_once: bool) -> None:
        """Leaves nothing running that was started here."""
        if self._beside is not None:
            self._beside.stop(at_once=at_once)
        if self._started is not None:
            self._started.close()

    def static(self) -> Result:
        files = [a for a in self.subject.artifacts if a.path.endswith(".sql")]
        self.progress(f"static: {count(len(files), 'SQL file')}")
        report = check_static(self.subject.loaded, self.subject.artifacts, self.subject.others)
        return Result(report, f"{count(len(files), 'SQL file')} read, {of_report(report)}")

    def rules(self) -> Result:
        rules = count(len(self.constitution.rules), "rule")
        self.progress(f"rules: {rules}")
        s = self.subject
        subject = RulesSubject(
            loaded=s.loaded, plan=s.plan, artifacts=s.artifacts, changed=s.changed, today=self.today
        )
        report = evaluate(self.constitution, subject)
        return Result(report, f"{rules}, {of_report(report)}")

    def build(self) -> Result:
        s = self.subject
        if (
            self.proof_wanted and self.former.known("oracle") is None
        ):  # while dbt builds in a process of its own
            self._rows = in_background(partial(_rows_of, s))
            number = processes() if self.level == "full" else 1
            self._started = Started(jobs.__name__, number)
        self.built = build(
            s.loaded, s.artifacts, project=s.project, database=s.database, roots=s.roots,
            worker=self.worker, now=self.now, others=s.others, progress=self.progress,
        )  # fmt: skip
        return Result(self.built.report, of_nodes(self.built.nodes), self.built.nodes)

    def oracle(self) -> Result:
        if self.built is None or not self.built.nodes or self._rows is None:
            return Result(Report(), "nothing was built", not_run=("oracle: nothing was built",))
        s = self.subject
        self.proof = oracle_tier(
            s.loaded, s.artifacts, s.others, project=self.built.project.root, database=s.database,
            worker=self.worker, progress=self.progress, rows=self._rows.result,
            former=self._formerly,
            compiled=self._begin_properties if self.built.report.ok else lambda: None,
        )  # fmt: skip
        return self._proved()

    def _partly_built(self) -> bool:
        """Whether some models were built, so that those can be held against the spec."""
        return any(n.status == "success" for n in self._models())

    def _unbuilt(self) -> frozenset[str]:
        return frozenset(n.model for n in self._models() if n.status == "error")

    def _models(self) -> list[NodeResult]:
        nodes = self.built.nodes if self.built is not None else ()
        return [n for n in nodes if n.kind == "model"]

    def _proved(self) -> Result:
        """What the oracle says; what was shown is kept for the next time."""
        proof = self.proof
        unbuilt = self._unbuilt()  # what the build says of them is said already
        report = Report.of([f for f in proof.findings if f.subject not in unbuilt])
        verdicts = proof.verdicts
        if not self.explain:
            proof.remember(self.worker.state, self.former.since)
        summary = f"{of_columns(verdicts, len(proof.rows))}, {of_report(report)}"
        return Result(
            report, summary, not_run=tuple(proof.not_run), verdicts=verdicts,
            strengths=tuple(proof.strengths.values()),
        )  # fmt: skip

    def _formerly(self, case: Case) -> Mapping[str, Former]:
        if self.fresh:
            return {}
        return recalled(self.worker.state, case, faults=self.level == "full")

    def mutants(self) -> Result:
        if self._planted is not None:
            return self._planted
        started, before = time.monotonic(), len(self.proof.not_run)
        if self.proof.case is not None:
            mutants_tier(
                self.proof, self.subject.loaded, self.subject.artifacts, seconds=MUTANT_SECONDS,
                progress=self.progress, started=self._started, stop=self._in_vain,
            )  # fmt: skip
        found = self._proved()
        return replace(
            found, summary=of_faults(found.strengths), not_run=found.not_run[before:],
            seconds=time.monotonic() - started,
        )  # fmt: skip

    def _in_vain(self) -> bool:
        """Whether the properties have errors, so that nobody asks for the mutants."""
        found = self._beside.done() if self._beside is not None else None
        return found is not None and not Report.of(found[0].findings).ok

    def explained(self) -> tuple[RowReason, ...]:
        """The rows of the model that is to be explained."""
        if not self.explain or self.proof.case is None:
            return ()
        self.progress(f"explaining the rows of {self.explain}")
        return reasons_of(self.proof, self.explain, EXPLAIN_SECONDS)

    def _begin_properties(self) -> None:
        if self._beside is None and self.former.known("properties") is None:
            self._beside = Beside(self._tried, self.worker)

    def _tried(self, worker: DbtWorker) -> tuple[Checked, float]:
        s, started = self.subject, time.monotonic()
        assert self.built is not None  # noqa: S101  there is something to try
        found = check_properties(
            s.loaded, s.artifacts, project=self.built.project, database=s.database,
            worker=worker, now=self.now, level=self.level, others=s.others,
            progress=self.progress,
        )  # fmt: skip
        return found, time.monotonic() - started

    def properties(self) -> Result:
        if self.built is None or not self.built.nodes:
            return Result(Report(), "nothing was built", not_run=("properties: nothing was built",))
        self._begin_properties()
        assert self._beside is not None  # noqa: S101  it was begun
        if self.level == "full" and self.proof_wanted and not self.former.known("mutants"):
            self._planted = self.mutants()
        found, seconds = self._beside.result()
        report = Report.of(found.findings)
        summary = f"{count(found.runs, 'load')} tried, {of_report(report)}"
        return Result(report, summary, not_run=tuple(found.not_run), seconds=seconds)


def _rows_of(subject: Subject) -> Rows:
    """The rows that a pipeline is proved on."""
    loaded = subject.loaded
    others = {name: other.spec for name, other in subject.others.items()}
    return rows_for(loaded.spec, loaded.digest, others)
