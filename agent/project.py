"""specmill verify --project DIR: a dbt project that has no spec."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from agent.terminal.progress import Progress
from tools.errors import UsageError
from tools.verify.project.report import ProjectReport
from tools.verify.project.verify import verify_project as verify
from tools.verify.worker import DbtWorker


def verify_project(
    folder: Path, select: Sequence[str], level: str | None, progress: Progress
) -> ProjectReport:
    """Checks the models of a dbt project; everything that is written goes to a scratch folder.

    Args:
        folder: of dbt_project.yml.
        select: names of models; all if empty.
        level: ``quick`` plants no faults; the default does.
        progress: shows what happens.

    Raises:
        UsageError: there is no such folder, project or model.
        InputError: dbt_project.yml cannot be read.
        ProgramMissing: dbt is missing, crashed or took too long.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder", "name the folder that holds dbt_project.yml")
    started = time.monotonic()
    progress.start(folder.resolve().name, "render: reading the project")
    with tempfile.TemporaryDirectory(prefix="specmill-project-") as scratch:
        place = Path(scratch)
        with DbtWorker(place / "state") as worker:
            report = verify(
                folder, scratch=place / "copy", worker=worker, select=select,
                level=level or "full", progress=progress.say,
            )  # fmt: skip
    detail = ", ".join(f"{t.name} {t.seconds:.1f}s" for t in report.tiers)
    seconds = time.monotonic() - started
    progress.finish(report.name or folder.name, seconds, ok=report.ok, detail=detail)
    return report
