"""Verdicts kept by content: what has not changed is not proved again.

The key holds everything that the proof of a pipeline depends on: the specs, the project's files,
custom code, the versions of the proof itself and of what it is made with. What a build and its
properties give hangs on the source data too.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tools.errors import ProgramMissing
from tools.findings import Report
from tools.spec.load import LoadedSpec
from tools.spec.resolve import data_file
from tools.verify.data_declared import declared_tables
from tools.verify.outcome import NodeResult, Strength, Verdict
from tools.workspace import write_atomic

FOLDER = "proof"
_READ = (".sql", ".yml", ".yaml", ".csv", ".py")
_MADE_WITH = ("duckdb", "sqlglot", "dbt-core", "dbt-duckdb", "z3-solver")


@dataclass(frozen=True)
class Passed:
    """What a tier said that found no error.

    Args:
        since: when that was, UTC, ISO 8601.
        summary: in a line.
        report: what there was to say.
        not_run: what was not checked, and why.
    """

    since: str
    summary: str
    report: Report = field(default_factory=Report)
    not_run: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kept:
    """What was shown of a pipeline, which had no errors.

    Args:
        level: at which it was verified.
        data: a digest of the source data.
        built: a digest of what was in the database at the end, and when it was filled.
        tiers: what each of the deeper tiers said, by name.
        nodes: what dbt did.
        verdicts: for every column.
        strengths: what became of planted faults; empty when none was planted.
    """

    level: str
    data: str
    built: str
    tiers: Mapping[str, Passed]
    nodes: tuple[NodeResult, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    strengths: tuple[Strength, ...] = ()


def key_of(specs: Sequence[LoadedSpec], project: Path) -> str:
    """What the verdicts of a pipeline depend on, as a digest.

    Args:
        specs: its spec, and those of models that it reads.
        project: the dbt project; custom code lies beside the folder that it is in.
    """
    digest = hashlib.sha256(own_version().encode())
    for loaded in specs:
        digest.update(loaded.digest.encode())
    for folder in (project, project.parent.parent / "custom"):
        for path, content in _files(folder):
            digest.update(f"{path} {hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def data_of(specs: Sequence[LoadedSpec], roots: Sequence[Path]) -> str:
    """The source data of a pipeline, as a digest; tables without a file have made-up rows.

    Args:
        specs: its spec, and those of models that it reads.
        roots: folders under which data files are looked for.
    """
    digest = hashlib.sha256()
    for item in declared_tables(specs):
        file = data_file(item.loaded, item.source, item.table, roots)
        content = "made up"
        if file is not None:
            with file.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{item.source.name}.{item.table.name} {file} {content}\n".encode())
    return digest.hexdigest()


def state_of(database: Path, data: str, day: str) -> str:
    """What a database holds, as a digest: it is as the last verification of that day left it.

    Args:
        database: the DuckDB file; of one that is not there nothing is said: empty text.
        data: the digest of the source data.
        day: some tests look at the calendar.
    """
    try:
        found = database.stat()
    except OSError:
        return ""
    text = f"{database} {found.st_size} {found.st_mtime_ns} {found.st_ino} {data} {day}"
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def own_version() -> str:
    """A digest of the code that proves, and of what it is made with."""
    digest = hashlib.sha256(sys.version.encode())
    for name in _MADE_WITH:
        with suppress(PackageNotFoundError):
            digest.update(f"{name} {version(name)}\n".encode())
    package = Path(__file__).resolve().parents[2]
    for part in ("verify", "sql", "spec"):
        for _, content in _files(package / part):
            digest.update(content)
    digest.update((package / "layout.py").read_bytes())
    return digest.hexdigest()


def _files(folder: Path) -> Iterable[tuple[str, bytes]]:
    for file in sorted(folder.rglob("*")):
        within = file.relative_to(folder)
        hidden = any(p.startswith(".") or p in ("target", "__pycache__") for p in within.parts)
        if file.suffix in _READ and not hidden and file.is_file():
            yield within.as_posix(), file.read_bytes()


def load(state: Path, pipeline: str, key: str) -> Kept | None:
    """What is kept under a key; None when there is nothing, or it is not as it was written."""
    try:
        data = json.loads((state / FOLDER / f"{pipeline}.json").read_text(encoding="utf-8"))
        kept = data["kept"]
        if data["key"] != key or data["sha256"] != _sha256(kept):
            return None
        tiers = {
            name: Passed(
                t["since"], t["summary"], Report.from_json(t["report"]), tuple(t["not_run"])
            )
            for name, t in kept["tiers"].items()
        }
        return Kept(
            kept["level"], kept["data"], kept["built"], tiers,
            tuple(NodeResult(**n) for n in kept["nodes"]),
            tuple(Verdict(**v) for v in kept["verdicts"]),
            tuple(Strength.from_json(s) for s in kept["strengths"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def save(state: Path, pipeline: str, key: str, kept: Kept) -> None:
    """Keeps what was shown; a disk that is full or read-only costs time later, nothing else."""
    tiers = {
        name: {
            "since": t.since, "summary": t.summary, "report": t.report.to_json(),
            "not_run": list(t.not_run),
        }
        for name, t in kept.tiers.items()
    }  # fmt: skip
    body: dict[str, Any] = {
        "level": kept.level,
        "data": kept.data,
        "built": kept.built,
        "tiers": tiers,
        "nodes": [asdict(n) for n in kept.nodes],
        "verdicts": [asdict(v) for v in kept.verdicts],
        "strengths": [asdict(s) for s in kept.strengths],
    }
    data = {"key": key, "sha256": _sha256(body), "kept": body}
    with suppress(ProgramMissing, OSError):
        write_atomic(state, f"{FOLDER}/{pipeline}.json", json.dumps(data, indent=1) + "\n")


def _sha256(body: Any) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
