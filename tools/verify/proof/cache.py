"""Verdicts kept by content: what has not changed is not proved again.

The key holds everything that a verdict depends on: the specs, the project's files, custom code,
the versions of DuckDB and of the proof itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from tools.errors import ProgramMissing
from tools.spec.load import LoadedSpec
from tools.verify.outcome import Strength, Verdict
from tools.workspace import write_atomic

FOLDER = "proof"
_READ = (".sql", ".yml", ".yaml", ".csv", ".py")


@dataclass(frozen=True)
class Kept:
    """What was shown of a pipeline.

    Args:
        verdicts: for every column.
        strengths: what became of planted faults; empty when none was planted.
        datasets: on how many data sets.
    """

    verdicts: tuple[Verdict, ...]
    strengths: tuple[Strength, ...]
    datasets: int


def key_of(specs: Sequence[LoadedSpec], project: Path) -> str:
    """What the verdicts of a pipeline depend on, as a digest.

    Args:
        specs: its spec, and those of models that it reads.
        project: the dbt project; custom code lies beside the folder that it is in.
    """
    digest = hashlib.sha256(f"{duckdb.__version__} {own_version()}".encode())
    for loaded in specs:
        digest.update(loaded.digest.encode())
    for folder in (project, project.parent.parent / "custom"):
        for path, content in _files(folder):
            digest.update(f"{path} {hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


@cache
def own_version() -> str:
    """A digest of the code that proves."""
    digest = hashlib.sha256()
    package = Path(__file__).resolve().parents[2]
    for part in ("verify", "sql", "spec"):
        for _, content in _files(package / part):
            digest.update(content)
    return digest.hexdigest()


def _files(folder: Path) -> Iterable[tuple[str, bytes]]:
    for file in sorted(folder.rglob("*")):
        within = file.relative_to(folder)
        hidden = any(p.startswith(".") or p in ("target", "__pycache__") for p in within.parts)
        if file.suffix in _READ and not hidden and file.is_file():
            yield within.as_posix(), file.read_bytes()


def load(state: Path, pipeline: str, key: str) -> Kept | None:
    """What is kept under a key; None when there is nothing, or it cannot be read."""
    try:
        data = json.loads((state / FOLDER / f"{pipeline}.json").read_text(encoding="utf-8"))
        if data["key"] != key:
            return None
        return Kept(
            tuple(Verdict(**v) for v in data["verdicts"]),
            tuple(Strength.from_json(s) for s in data["strengths"]),
            int(data["datasets"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def save(state: Path, pipeline: str, key: str, kept: Kept) -> None:
    """Keeps what was shown; a disk that is full or read-only costs time later, nothing else."""
    data: dict[str, Any] = {
        "key": key,
        "verdicts": [asdict(v) for v in kept.verdicts],
        "strengths": [asdict(s) for s in kept.strengths],
        "datasets": kept.datasets,
    }
    with suppress(ProgramMissing, OSError):
        write_atomic(state, f"{FOLDER}/{pipeline}.json", json.dumps(data, indent=1) + "\n")
