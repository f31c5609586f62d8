from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.trace import Trace, read_trace


def now() -> datetime:
    return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_events_are_lines_of_json_in_order(tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []
    with Trace(tmp_path / "a" / "trace.jsonl", now, seen.append) as trace:
        trace.write("run", spec="specs/x.yaml")
        trace.write("start", "plan", kind="plan")
    text = (tmp_path / "a" / "trace.jsonl").read_text()
    assert [json.loads(line) for line in text.splitlines()] == seen
    assert seen[1] == {
        "ts": "2026-01-02T03:04:05.000+00:00",
        "event": "start",
        "node": "plan",
        "kind": "plan",
    }


def test_an_event_is_on_disk_when_it_is_echoed(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    sizes: list[int] = []
    with Trace(path, now, lambda _: sizes.append(path.stat().st_size)) as trace:
        trace.write("a")
        trace.write("b")
    assert sizes[0] > 0
    assert sizes[1] > sizes[0]


def test_a_torn_line_is_skipped_and_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text('{"event":"a"}\n{"event":"to')
    with Trace(path, now) as trace:
        trace.write("b")
    assert [event["event"] for event in read_trace(path)] == ["a", "b"]


def test_no_file_is_no_events(tmp_path: Path) -> None:
    assert list(read_trace(tmp_path / "none.jsonl")) == []
