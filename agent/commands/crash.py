"""The crash report of a bug: what was called, with which versions, and the traceback."""

from __future__ import annotations

import os
import platform
import tempfile
import time
import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("specmill", "langgraph", "dbt-core", "dbt-duckdb", "duckdb", "sqlglot", "click")


def write_crash(
    folder: Path | None, arguments: tuple[str, ...], error: BaseException
) -> Path | None:
    """Writes ``crash-<time>.txt`` into the folder, or a temporary one.

    Args:
        folder: the state folder of the workspace, if it is known.
        arguments: the words of the call.
        error: the exception nobody expected.

    Returns:
        The file, or ``None`` where not even the temporary folder can be written.
    """
    lines = [f"specmill {' '.join(arguments)}", f"python {platform.python_version()}"]
    lines += [f"{package} {_version(package)}" for package in _PACKAGES]
    lines += ["", "".join(traceback.format_exception(error))]
    name = f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    for known in (folder, None):
        try:
            parent = known or Path(tempfile.gettempdir()) / "specmill"
            parent.mkdir(parents=True, exist_ok=True)
            file = parent / name
            file.write_text("\n".join(lines), encoding="utf-8")
        except OSError:
            continue
        return file
    return None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
