"""The models of a dbt project, one after the other: what each of them shows without a spec."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.findings import Finding, Location, Report, Severity
from tools.sql.quiet import without_warnings
from tools.verify.outcome import Tier
from tools.verify.project import manifest
from tools.verify.project.facts import kept_by_tests
from tools.verify.project.findings import findings_of
from tools.verify.project.model import ModelCheck, Progress, Shared
from tools.verify.project.place import Place, open_place
from tools.verify.project.render import Rendered, render
from tools.verify.project.report import ModelReport, ProjectReport
from tools.verify.project.schema import derive
from tools.verify.project.tables import fill, outside, stand_in, traced_models
from tools.verify.proof.declared import unit_test_of
from tools.verify.worker import DbtWorker

SECONDS = 60.0
"""How long faults are planted and tried, for all models together; a model has at least some."""

_LEAST = 2.0
_PARTS = 5  # no model takes more than this part of the time


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
    return _Project(place, worker, Shared(level, progress), seconds).run(folder, select)


@dataclass
class _Project:
    place: Place
    worker: DbtWorker
    shared: Shared
    seconds: float
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def run(self, folder: Path, select: Sequence[str]) -> ProjectReport:
        started = time.monotonic()
        rendered = render(
            self.place, self.worker, self._stand, lambda t: self.shared.progress(f"render: {t}")
        )
        self.shared.tiers["render"] = time.monotonic() - started
        self.notes += [n for n in (self.place.profile.note,) if n]
        self.findings += [_broken(path, why) for path, why in rendered.broken.items()]
        if rendered.error:
            text = " ".join(rendered.error.split())[:400]
            self.findings.append(
                Finding("PROJ001", Severity.ERROR, f"dbt cannot read the project: {text}",
                        Location("dbt_project.yml"), "mend it: dbt parse says the same")
            )  # fmt: skip
            return self._report(folder, (), 0)
        every = manifest.models(rendered.manifest)
        models = [m for m in every if m["package_name"] == self.place.name]
        wanted = manifest.wanted(models, select)
        tests = manifest.tests_by_model(rendered)
        units = [unit_test_of(u, lambda r: r) for u in rendered.unit_tests]
        kept = kept_by_tests(rendered.manifest, manifest.relations(rendered.manifest))
        found = []
        until = time.monotonic() + self.seconds
        with without_warnings():
            for number, node in enumerate(wanted):
                share = max(0.0, until - time.monotonic()) / (len(wanted) - number)
                model = ModelCheck(self.shared, rendered, node, kept, self._share(share))
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
            Tier(n, round(s, 2), ok=True, summary="") for n, s in self.shared.tiers.items()
        )  # fmt: skip
        return ProjectReport(
            str(folder), self.place.name, self.place.profile.platform, models,
            Report.of(findings), tuple(dict.fromkeys(self.notes)), tiers, _OPEN if models else (),
            tests,
        )  # fmt: skip

    def _stand(self, rendered: Rendered) -> None:
        """Settles the columns of everything that is read, and makes it in the scratch database."""
        self.shared.progress("render: columns and types of what is read")
        self.shared.relations, note = outside(rendered.manifest, self.place, self.worker)
        self.notes += [note] if note else []
        code = manifest.queries(rendered)
        complete = {
            r.name: tuple(c.lower() for c in r.columns)
            for r in self.shared.relations.values()
            if r.origin in ("database", "seed file")
        }
        traces = traced_models(code, complete)
        fill(list(self.shared.relations.values()), traces)
        declared = manifest.declared(rendered.manifest)
        derived, self.shared.why = derive(code, self.shared.relations, declared)
        unknown = [r for n, r in derived.items() if not r.columns or n in self.shared.why]
        if unknown:  # what the models do that read them says what they have
            fill(unknown, traces)
            known = {r.name: r for r in unknown if r.columns}
            rest = {n: q for n, q in code.items() if n not in known}
            again, why = derive(rest, {**self.shared.relations, **known}, declared)
            derived = {**again, **known}
            self.shared.why = {**why, **{n: w for n, w in self.shared.why.items() if n in known}}
        self.shared.relations |= derived
        stand_in(list(self.shared.relations.values()), self.place, self.worker)


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
