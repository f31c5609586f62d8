"""The properties tier: loads repeated, shuffled and replayed in scratch databases."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from tools import layout
from tools.artifact import Artifact
from tools.findings import Finding, Severity
from tools.spec.load import LoadedSpec
from tools.spec.transform import Model
from tools.verify.bench import Bench, Checked
from tools.verify.build import model_names
from tools.verify.evolution import check_evolution
from tools.verify.incremental_properties import check_increments
from tools.verify.intervals import broken, questions
from tools.verify.results import Project
from tools.verify.scd2_properties import check_histories
from tools.verify.scratch import LoadFailed, Scratch, evidence_of, tables_of
from tools.verify.worker import DbtWorker, QueryTooLong


def check_properties(
    loaded: LoadedSpec,
    artifacts: Sequence[Artifact],
    *,
    project: Project,
    database: Path,
    worker: DbtWorker,
    now: dt.datetime,
    level: str,
    others: Mapping[str, LoadedSpec],
    progress: Callable[[str], None],
) -> Checked:
    """What must hold of every load, tried on the database that was just built.

    The built database is only read and copied; the copies are removed.

    Args:
        loaded: the spec.
        artifacts: its generated files.
        project: the dbt project.
        database: the built DuckDB file.
        worker: a warm dbt.
        now: the moment of the build, UTC.
        level: ``quick``, or ``full`` for more orders of arrival.
        others: specs of models that this one reads, by model name.
        progress: told what happens.
    """
    specs = [loaded, *others.values()]
    bench = Bench(
        loaded, {name: s.spec for name, s in others.items()}, database, worker, project, level,
        frozenset(
            (s.spec.landing(source).lower(), t.name.lower())
            for s in specs for source in s.spec.sources for t in source.tables
        ),
        progress,
    )  # fmt: skip
    total = Checked()
    try:
        for check in (
            partial(_intervals, bench),
            partial(_again, bench, model_names(artifacts), now),
            partial(check_histories, bench),
            partial(check_increments, bench),
            partial(_evolution, bench, model_names(artifacts), now),
        ):
            found = check()
            total.findings += found.findings
            total.not_run += found.not_run
            total.runs += found.runs
    except QueryTooLong as late:
        total.findings.append(_late(late, bench))
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)
        with suppress(OSError):
            bench.folder.parent.rmdir()  # kept while another run uses it
    return total


def _late(late: QueryTooLong, bench: Bench) -> Finding:
    """A view that never ends is seen by whoever looks at it first."""
    named = re.findall(r"\w+", late.statement.lower())
    models = [m.name for m in bench.loaded.spec.models if m.name.lower() in named]
    first, _, rest = late.message.partition("\n")
    about = f"{' or '.join(models)} cannot be looked at: " if models else ""
    return Finding(
        "PRO011", Severity.ERROR, about + first, bench.place(models[0]) if models else None,
        "; ".join(rest.splitlines()),
        evidence=late.statement, subject=models[0] if models else "",
    )  # fmt: skip


def _evolution(bench: Bench, models: Sequence[str], now: dt.datetime) -> Checked:
    if bench.level != "full":
        return Checked(not_run=["schema evolution: run it with --level full"])
    return check_evolution(bench, models, now)


def _histories(bench: Bench) -> list[Model]:
    return [m for m in bench.loaded.spec.models if m.load.strategy == "scd2"]


def _intervals(bench: Bench) -> Checked:
    """The invariants of the histories as they were just built."""
    checked = Checked()
    schemas = bench.loaded.spec.schemas
    for model in _histories(bench):
        log_name = layout.change_log_name(model)
        tables = tables_of(
            bench.worker, bench.database,
            [(getattr(schemas, model.layer), model.name), (schemas.intermediate, log_name)],
        )  # fmt: skip
        dim = tables.get(model.name.lower())
        if dim is None:
            continue
        asked = questions(model, dim, tables.get(log_name.lower()))
        answers = bench.worker.sql(bench.database, [q.sql for q in asked])
        personal = bench.project.personal
        where = bench.place(model.name)
        checked.findings += broken(
            model, asked, answers, where=where, when="as built", personal=personal
        )
    return checked


def _again(bench: Bench, models: Sequence[str], now: dt.datetime) -> Checked:
    """The same source once more, an hour later: every table stays as it is."""
    checked = Checked()
    bench.progress(f"properties: {len(models)} models, the same load again")
    schemas = bench.loaded.spec.schemas
    names = [(getattr(schemas, m.layer), m.name) for m in bench.loaded.spec.models]
    scratch = Scratch(bench.database, bench.folder / "again", bench.worker, bench.project)
    try:
        scratch.run(models, now + dt.timedelta(hours=1))
    except LoadFailed as failed:
        checked.findings.append(Finding(
            "PRO008", Severity.ERROR, f"the same load again fails: {failed.message}",
        ))  # fmt: skip
        return checked
    checked.runs = scratch.runs
    for model in bench.loaded.spec.models:
        table = scratch.tables(names).get(model.name.lower())
        if table is None or not table.compared():
            continue
        found = scratch.difference_from(bench.database, table, table.local)
        if found:
            checked.findings.append(Finding(
                "PRO001", Severity.ERROR, f"the same load again changes {model.name}",
                bench.place(model.name), "its rows may depend on nothing but the source and the "
                "batch", evidence=evidence_of(found, bench.project), subject=model.name,
            ))  # fmt: skip
    return checked
