"""The append-only record of a run: one JSON object a line, on disk before the run goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

Event = dict[str, Any]


class Trace:
    """Writes the events of a run; a context manager.

    Args:
        path: the file; its folder is made. An existing file is continued.
        now: the clock.
        echo: called with each event after it is on disk.
    """

    def __init__(
        self, path: Path, now: Callable[[], datetime], echo: Callable[[Event], None] | None = None
    ) -> None:
        self.path = path
        self._now = now
        self._echo = echo
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        if _is_torn(path):
            os.write(self._descriptor, b"\n")

    def __enter__(self) -> Trace:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)

    def write(self, event: str, node: str = "", **data: Any) -> Event:
        """Appends an event and waits until it is on disk.

        Args:
            event: what happened: ``start``, ``end``, ``waits``, ``note``, ...
            node: where in the graph; empty for the run itself.
            data: JSON values.

        Returns:
            The event as written.
        """
        record: Event = {"ts": self._now().isoformat(timespec="milliseconds"), "event": event}
        if node:
            record["node"] = node
        record.update(data)
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
        os.write(self._descriptor, line.encode("utf-8"))
        os.fsync(self._descriptor)
        if self._echo:
            self._echo(record)
        return record


def _is_torn(path: Path) -> bool:
    """Whether the file ends in the middle of a line, as after a power cut."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def read_trace(path: Path) -> Iterator[Event]:
    """The events of a trace; lines that are not whole JSON objects (a torn write) are skipped."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event
