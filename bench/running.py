"""``specmill run`` against plain ``dbt build`` of what it made, and where the time goes."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from bench.measure import Failed, Table, beside, environment, median, seconds, spread

_WORKSPACE = Path(__file__).parent / "workspace"
_SPEC = "specs/dim_shipment.yaml"
_PIPELINE = "dim_shipment"


@dataclass(frozen=True)
class Timeline:
    """A run as seen from outside: its JSON events with the second in which each arrived.

    Args:
        total: seconds from the start of the process to its end.
        events: seconds since the start of the process, and the event.
    """

    total: float
    events: tuple[tuple[float, dict[str, Any]], ...]

    @property
    def tiers(self) -> dict[str, float]:
        """The seconds of each tier of the test."""
        tiers = self.events[-1][1].get("state", {}).get("outcome", {}).get("tiers", [])
        return {tier["name"]: tier["seconds"] for tier in tiers}

    def parts(self) -> Iterator[tuple[str, float]]:
        """Seconds from the start to the first event, of each node and its tiers, and at the end."""
        first, last = self.events[0][0], self.events[-1][0]
        yield "start, until the first event", first
        nodes = [(e["node"], e["seconds"]) for _, e in self.events if e["event"] == "end"]
        for node, spent in nodes:
            yield node, spent
            if node == "test":
                yield from ((f"  {name}", seconds) for name, seconds in self.tiers.items())
        yield "between nodes: checkpoints, trace", last - first - sum(spent for _, spent in nodes)
        yield "end, after the last event", self.total - last


def measure(*, quick: bool) -> tuple[Table, ...]:
    """Runs and builds in turn, each from nothing, so that a busy machine meets both."""
    found: dict[str, list[float]] = {}
    lines: dict[str, list[Timeline]] = {}
    with tempfile.TemporaryDirectory(prefix="specmill-bench-") as folder:
        for number in range(1 if quick else 5):
            for level in ("quick", "full"):
                root = make_workspace(Path(folder) / f"{level}-{number}")
                line = run(root, level)
                lines.setdefault(level, []).append(line)
                found.setdefault(f"specmill run --level {level}", []).append(line.total)
                found.setdefault("dbt build", []).append(plain_build(root))
    return (_ratios(found), *(_where(level, each) for level, each in lines.items()))


def _ratios(found: dict[str, list[float]]) -> Table:
    base = median(found["dbt build"])
    rows = tuple(
        (name, f"{median(v):.2f}", spread(v), f"{median(v) / base:.2f}")
        for name, v in sorted(found.items())
    )
    note = (
        "`dbt build` is a cold start on the project that the run before it made, with the same "
        "source tables in an empty database. A run builds once as well; beside that its tier "
        "properties loads again and again, in other orders, while the code is held against the "
        "spec."
    )
    return Table("Run", ("command", "s, median", "s, range", "ratio"), rows, (note,))


def _where(level: str, lines: Sequence[Timeline]) -> Table:
    """The run of median length, part by part."""
    line = sorted(lines, key=lambda each: each.total)[len(lines) // 2]
    rows = [(name, f"{spent:.2f}", f"{spent / line.total:.0%}") for name, spent in line.parts()]
    rows.append(("all", f"{line.total:.2f}", "100%"))
    title = f"Where the seconds go, specmill run --level {level}"
    note = "Properties are tried beside oracle and mutants: together they take less than their sum."
    return Table(title, ("part", "s", "share"), tuple(rows), (note,))


def make_workspace(root: Path) -> Path:
    """A repository that holds the spec and its data, committed."""
    shutil.copytree(_WORKSPACE, root)
    identity = ("-c", "user.name=Bench", "-c", "user.email=bench@example.invalid")
    for argv in (
        ("init", "--quiet"),
        ("add", "--all"),
        (*identity, "-c", "commit.gpgsign=false", "commit", "--quiet", "--message", "spec"),
    ):
        seconds(["git", *argv], cwd=root)
    return root


def run(root: Path, level: str) -> Timeline:
    """Runs the spec and listens.

    Raises:
        Failed: it did not end with 0.
    """
    argv = [beside("specmill"), "run", _SPEC, "--level", level, "--json"]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        started = time.perf_counter()
        with subprocess.Popen(
            argv, cwd=root, env=environment(), stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process:
            events = [
                (time.perf_counter() - started, json.loads(line)) for line in process.stdout or ()
            ]
        total = time.perf_counter() - started
        if process.returncode:
            errors.seek(0)
            reason = events[-1][1].get("reason", "") if events else ""
            said = f"{reason}\n{errors.read()}"
            raise Failed(f"{' '.join(argv)} ended with {process.returncode}: {said}")
    return Timeline(total, tuple(events))


def plain_build(root: Path) -> float:
    """Seconds of a cold ``dbt build`` of the project that a run left, on the same source tables.

    Raises:
        Failed: dbt failed.
    """
    project = root / ".specmill" / "work" / _PIPELINE / "generated" / "dbt"
    with tempfile.TemporaryDirectory(prefix="specmill-bench-") as folder:
        database = Path(folder) / f"{_PIPELINE}.duckdb"
        shutil.copy(root / ".specmill" / "db" / f"{_PIPELINE}.duckdb", database)
        _leave_sources(database)
        argv = [
            *(beside("dbt"), "build", "--project-dir", str(project)),
            *("--profiles-dir", str(project), "--target-path", f"{folder}/target"),
            *("--log-path", f"{folder}/logs", "--no-send-anonymous-usage-stats"),
        ]
        return seconds(argv, cwd=Path(folder), env=environment(SPECMILL_DUCKDB_PATH=str(database)))


def _leave_sources(database: Path) -> None:
    """Takes everything that a run built out of a database; the source tables stay."""
    with duckdb.connect(str(database)) as connection:
        schemas = connection.execute(
            "select schema_name from information_schema.schemata where catalog_name = "
            "current_database() and schema_name not in "
            "('raw', 'main', 'information_schema', 'pg_catalog')"
        ).fetchall()
        for (schema,) in schemas:
            connection.execute(f'drop schema "{schema}" cascade')
