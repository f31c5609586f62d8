"""The build tier: source tables loaded, then a real ``dbt build``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools.artifact import Artifact
from tools.errors import ProgramMissing
from tools.findings import Report
from tools.spec.load import LoadedSpec
from tools.verify.data import Loading, load_sources, shown_path
from tools.verify.outcome import NodeResult
from tools.verify.replies import DbtRun
from tools.verify.reshape import reshape
from tools.verify.results import Project, findings_of, node_results
from tools.verify.worker import DbtWorker


@dataclass(frozen=True)
class Built:
    """What the build tier did."""

    report: Report
    nodes: tuple[NodeResult, ...]
    loading: Loading
    project: Project


def build(
    loaded: LoadedSpec,
    artifacts: Sequence[Artifact],
    *,
    project: Path,
    database: Path,
    roots: Sequence[Path],
    worker: DbtWorker,
    now: dt.datetime,
    others: Mapping[str, LoadedSpec],
    progress: Callable[[str], None],
) -> Built:
    """Loads the sources and builds the models of a spec, with all that they read.

    Args:
        loaded: the spec.
        artifacts: its generated files.
        project: the dbt project that holds them.
        database: the DuckDB file; it stays between runs.
        roots: where data files are looked for.
        worker: a warm dbt.
        now: the moment of the run, UTC.
        others: specs of models that this one reads, by model name.
        progress: told what happens.
    """
    specs = [loaded, *{id(s): s for s in others.values() if s is not loaded}.values()]
    tables = sum(len(s.tables) for spec in specs for s in spec.spec.sources)
    progress(f"build: loading {tables} source table{'s' if tables != 1 else ''}")
    loading = load_sources(specs, roots, worker=worker, database=database, now=now)
    about = Project(project, _shown(project, artifacts), personal_columns(specs), loading.made_up)
    if not loading.report.ok:
        return Built(loading.report, (), loading, about)
    known = {name: other.spec for name, other in others.items()}
    reshaped = reshape(loaded, known, worker=worker, database=database)
    models = model_names(artifacts)
    progress(f"build: dbt build ({len(models)} models and their tests)")
    run = worker.dbt(["build", *selection(models)], moment(now), project=project, database=database)
    expect_database(run, database)
    report = loading.report + Report.of([*reshaped, *findings_of(run, about)])
    return Built(report, node_results(run), loading, about)


def _shown(project: Path, artifacts: Sequence[Artifact]) -> str:
    """The project's folder as artifacts name it, so that all findings on a file agree."""
    for artifact in artifacts:
        parts = PurePosixPath(artifact.path).parts
        if "models" in parts:
            return str(PurePosixPath(*parts[: parts.index("models")]))
    return shown_path(project)


def moment(now: dt.datetime) -> dict[str, str]:
    """The dbt variables of a load at a moment (UTC)."""
    plain = now.astimezone(dt.UTC).replace(tzinfo=None) if now.tzinfo else now
    return {"batch_at": plain.isoformat(sep=" ")}


def selection(models: Sequence[str], *, upstream: bool = True) -> list[str]:
    """The dbt options that select models, with what they read unless told otherwise."""
    return ["--select", *(f"+{m}" if upstream else m for m in models)] if models else []


def model_names(artifacts: Sequence[Artifact]) -> list[str]:
    """The dbt models among generated files."""
    found = []
    for artifact in artifacts:
        path = PurePosixPath(artifact.path)
        if path.suffix == ".sql" and "models" in path.parts:
            found.append(path.stem)
    return found


def personal_columns(specs: Sequence[LoadedSpec]) -> Collection[str]:
    """The names, in lower case, of columns that hold personal data."""
    found: set[str] = set()
    for loaded in specs:
        for source in loaded.spec.sources:
            found |= {c.name.lower() for t in source.tables for c in t.columns if c.pii}
        for model in loaded.spec.models:
            found |= {c.name.lower() for c in model.columns if c.pii}
            found |= {c.name.lower() for c in model.aggregations if c.pii}
    return frozenset(found)


def expect_database(run: DbtRun, database: Path) -> None:
    """Stops when dbt failed because the database file is held by somebody else or damaged.

    Raises:
        ProgramMissing: then.
    """
    texts = [run.error, *(str(e["message"]) for e in run.results if e["status"] == "error")]
    for text in texts:
        if "IO Error" in text and ("lock" in text or str(database) in text or "No space" in text):
            raise ProgramMissing(
                f"the DuckDB file cannot be used: {text.strip().splitlines()[-1].strip()}",
                f"close other programs that have {shown_path(database)} open, "
                "and check that there is free disk space",
            )
