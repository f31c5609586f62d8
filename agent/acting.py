"""Running the calls of an answer, and the protocols of what runs and what watches them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Protocol

from agent.model.base import Cancelled, Delta, Json, Request, Turn
from agent.talk import ToolCall
from tools.desk import ToolResult

THREADS = 8
GLANCE = 0.05
"""Seconds between looks at whether the person stopped the turn."""


class Toolbox(Protocol):
    """The tools of a conversation."""

    def definitions(self) -> tuple[Json, ...]:
        """As the API takes them; the same bytes each time, sorted by name."""
        ...

    def malformed(self, call: ToolCall) -> str:
        """Why a call names no tool, or its input doesn't fit the schema; empty if it is fine."""
        ...

    def reads_only(self, call: ToolCall) -> bool:
        """Whether the call may run beside others."""
        ...

    def run(self, call: ToolCall) -> ToolResult:
        """Runs a call; permissions, approval and snapshots are its business.

        Raises:
            Cancelled: the person stopped it.
        """
        ...


class Watcher(Protocol):
    """Is told what happens, always from the thread that converses."""

    def delta(self, delta: Delta) -> None:
        """A piece of an answer arrived."""

    def asked(self, request: Request) -> None:
        """A request is about to be made."""

    def answered(self, turn: Turn, money: float) -> None:
        """An answer is whole; ``money`` is what it cost, in USD."""

    def calling(self, call: ToolCall) -> None:
        """A call begins."""

    def called(self, call: ToolCall, result: ToolResult) -> None:
        """A call has its result, which is in the conversation; it may never have begun."""


class Silent(Watcher):
    """Watches and does nothing: a base for those that care for some events only."""

    def delta(self, delta: Delta) -> None:  # noqa: ARG002
        """Says nothing."""
        return

    def asked(self, request: Request) -> None:  # noqa: ARG002
        """Says nothing."""
        return

    def answered(self, turn: Turn, money: float) -> None:  # noqa: ARG002
        """Says nothing."""
        return

    def calling(self, call: ToolCall) -> None:  # noqa: ARG002
        """Says nothing."""
        return

    def called(self, call: ToolCall, result: ToolResult) -> None:  # noqa: ARG002
        """Says nothing."""
        return


def results(
    calls: Sequence[ToolCall], toolbox: Toolbox, watch: Watcher, cancel: threading.Event
) -> Iterator[tuple[ToolCall, ToolResult]]:
    """Runs calls; those that only read run beside each other if all of them do.

    Args:
        calls: well-formed ones.
        toolbox: runs them.
        watch: is told when each begins.
        cancel: lets no further call begin, and waits for none that only reads.

    Yields:
        Each call with its result, in order, as soon as it is there.

    Raises:
        Cancelled: ``cancel`` was set.
    """
    if len(calls) > 1 and all(toolbox.reads_only(call) for call in calls):
        yield from _beside(calls, toolbox, watch, cancel)
        return
    for call in calls:
        if cancel.is_set():
            raise Cancelled
        watch.calling(call)
        yield call, toolbox.run(call)


def _beside(
    calls: Sequence[ToolCall], toolbox: Toolbox, watch: Watcher, cancel: threading.Event
) -> Iterator[tuple[ToolCall, ToolResult]]:
    pool = ThreadPoolExecutor(min(THREADS, len(calls)), thread_name_prefix="tool")
    try:
        running: list[tuple[ToolCall, Future[ToolResult]]] = []
        for call in calls:
            watch.calling(call)
            running.append((call, pool.submit(toolbox.run, call)))
        for call, future in running:
            while not wait([future], GLANCE).done:
                if cancel.is_set():
                    raise Cancelled
            yield call, future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
