"""What a run is doing now: a live table on a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from agent.terminal.console import sign

_LIVE_AFTER = 0.5


@dataclass
class Done:
    """A step that is over."""

    node: str
    seconds: float
    ok: bool
    detail: str


@dataclass
class Progress:
    """Shows the steps of a run as they pass; a context manager.

    Args:
        console: where to; stderr, so that stdout holds only the answer.
        quiet: show nothing.
        verbose: say every step of a step, not only those of slow ones.
    """

    console: Console
    quiet: bool = False
    verbose: bool = False
    done: list[Done] = field(default_factory=list)
    _node: str = ""
    _detail: str = ""
    _since: float = 0.0
    _live: Live | None = None
    _spinner: Spinner = field(default_factory=lambda: Spinner("dots", style="note"))

    def __enter__(self) -> Progress:
        if self.console.is_terminal and not self.quiet:
            self._live = Live(
                get_renderable=self._table,
                console=self.console,
                refresh_per_second=8,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def start(self, node: str, detail: str = "") -> None:
        """A step begins."""
        self._node, self._detail, self._since = node, detail, time.monotonic()

    def say(self, detail: str) -> None:
        """What the running step is busy with."""
        if detail == self._detail:
            return
        self._detail = detail
        slow = self.verbose or time.monotonic() - self._since > _LIVE_AFTER
        if not self._live and not self.quiet and slow:
            self.console.print(Text(f"  {self._node}: {detail}"))

    def finish(self, node: str, seconds: float, *, ok: bool, detail: str = "") -> None:
        """A step is over."""
        step = Done(node, seconds, ok, detail)
        self.done.append(step)
        self._node = ""
        if not self._live and not self.quiet:
            mark = sign(self.console, ok=ok)
            line = f"{mark} {node:<10} {seconds:5.1f}s  {detail}".rstrip()
            self.console.print(Text(line, no_wrap=True, overflow="ellipsis"))

    def _table(self) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        for step in self.done:
            table.add_row(*step_row(self.console, step))
        if not self._node:
            return table
        running = Table.grid(padding=(0, 1))
        elapsed = time.monotonic() - self._since
        running.add_row(
            self._spinner,
            Text(f"{self._node:<10}", style="name"),
            Text(f"{elapsed:5.1f}s", style="faint"),
            Text(self._detail, style="faint", no_wrap=True, overflow="ellipsis"),
        )
        return Group(table, running) if self.done else running


def step_row(console: Console, step: Done) -> tuple[Text, Text, Text, Text]:
    """A finished step as cells: sign, name, seconds, what came of it."""
    return (
        Text(sign(console, ok=step.ok), style="ok" if step.ok else "bad"),
        Text(f"{step.node:<10}", style="name"),
        Text(f"{step.seconds:5.1f}s", style="faint"),
        Text(step.detail, no_wrap=True, overflow="ellipsis"),
    )
