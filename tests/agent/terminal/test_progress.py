from __future__ import annotations

import io

import pytest

from agent.terminal.console import make_console
from agent.terminal.progress import Progress


def test_lines_where_nobody_watches() -> None:
    stream = io.StringIO()
    with Progress(make_console(file=stream)) as progress:
        progress.start("plan")
        progress.finish("plan", 0.12, ok=True, detail="13 files")
        progress.start("test")
        progress._since -= 2
        progress.say("dbt build")
        progress.say("dbt build")
        progress.finish("test", 2.0, ok=False, detail="1 error")
    assert stream.getvalue() == (
        "✓ plan         0.1s  13 files\n  test: dbt build\n✗ test         2.0s  1 error\n"
    )


def test_nothing_when_quiet() -> None:
    stream = io.StringIO()
    with Progress(make_console(file=stream), quiet=True) as progress:
        progress.start("plan")
        progress.finish("plan", 0.1, ok=True)
    assert stream.getvalue() == ""


def test_a_live_table_on_a_terminal_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    stream = io.StringIO()
    with Progress(make_console(file=stream)) as progress:
        progress.start("plan")
        progress.finish("plan", 0.1, ok=True, detail="13 files")
        progress.start("test", "dbt build")
    text = stream.getvalue()
    assert "13 files" in text
    assert text.endswith("\x1b[2K"), "the table is left on the screen"
