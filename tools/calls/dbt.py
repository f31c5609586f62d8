"""Runs dbt."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from tools import layout
from tools.calls._cage import note
from tools.calls._dbt import DbtProject, project_of, stopped_with, worker
from tools.calls._output import listed, shaped
from tools.calls._rows import select as rows_of
from tools.calls._specs import personal
from tools.desk import Desk, ToolError, ToolResult
from tools.findings import Report
from tools.verify.build import moment
from tools.verify.replies import DbtRun
from tools.verify.results import Project, findings_of, node_results

EFFECT = "run"

Command = Literal["compile", "build", "run", "test", "ls", "show"]

_GOOD = frozenset({"success", "pass", "skipped", "warn", "no-op"})


def dbt(
    desk: Desk,
    command: Command,
    select: str = "",
    *,
    project: str = "",
    pipeline: str = "",
    limit: Annotated[int, Field(ge=1, le=100)] = 10,
) -> ToolResult:
    """Run dbt on the development database (DuckDB): what went wrong comes first, with its place.

    compile shows the SQL of the selected models, build makes and tests them, run only makes them,
    test only tests them, ls lists what a selection means, show gives rows of one built model.

    Args:
        command: What dbt does.
        select: What it does it to, in dbt's own syntax, such as dim_order, +dim_order or
            tag:daily; empty for everything.
        project: The folder of the dbt project; needed only where there are several.
        pipeline: The pipeline whose database is used; needed only where there are several.
        limit: For show: how many rows.
    """
    words = select.split()
    if any(word.startswith("-") for word in words):
        raise ToolError("select holds names and selectors, no options.")
    if command == "show" and not words:
        raise ToolError("show needs the name of one model in select.")
    place = project_of(desk, project, pipeline)
    run = _run(desk, place, "compile" if command == "show" else command, words)
    about = Project(place.folder, "" if place.name == "." else place.name, personal(desk))
    failed = listed(Report.of(findings_of(run, about)))
    if command == "ls":
        text = "\n".join(run.listed) or "[nothing is selected]"
    elif command == "compile":
        text = _code(run)
    elif command == "show" and run.success:
        text = _shown(desk, place, run, limit)
    else:
        text = _summary(run)
    whole = "\n".join(part for part in (failed, text, note()) if part)
    return shaped(desk, "dbt", whole, tail=0.65, error=not run.success)


def _run(desk: Desk, place: DbtProject, command: str, words: list[str]) -> DbtRun:
    warm = worker(desk)
    generated = place.name == str(layout.DBT)
    variables = moment(datetime.now(UTC)) if generated else {}
    arguments = [command, *(["--select", *words] if words else [])]
    with stopped_with(desk, warm):
        return warm.dbt(
            arguments,
            variables,
            project=place.folder,
            database=place.database,
            profiles=place.profiles,
        )


def _code(run: DbtRun) -> str:
    parts = [
        f"-- {node['original_file_path']}\n{node['code'].strip()}"
        for node in run.nodes.values()
        if node.get("code") and node["resource_type"] in ("model", "snapshot", "analysis")
    ]
    return "\n\n".join(parts) or "[nothing was compiled]"


def _shown(desk: Desk, place: DbtProject, run: DbtRun, limit: int) -> str:
    models = [node for node in run.nodes.values() if node["resource_type"] == "model"]
    if len(models) != 1:
        raise ToolError(f"show takes one model; {len(models)} are selected.")
    relation = models[0]["relation"]
    sql = f"select * from {relation}" if relation else models[0]["code"]
    return rows_of(desk, place.database, sql, limit).text()


def _summary(run: DbtRun) -> str:
    nodes = node_results(run)
    bad = [node for node in nodes if node.status not in _GOOD]
    told = [node for node in nodes if node in bad or node.kind not in ("test", "unit_test")]
    lines = [f"{node.kind} {node.name}: {node.status}" for node in told]
    passed = sum(node.kind in ("test", "unit_test") and node not in bad for node in nodes)
    lines += [f"{passed} tests pass"] if passed else []
    ok = "ok" if run.success else "failed"
    return "\n".join(
        [*lines, f"[dbt {ok}: {len(nodes)} nodes, {len(bad)} bad, {run.seconds:.1f} s]"]
    )
