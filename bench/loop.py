"""What the loop costs on top of a bare call of the SDK, and what a long conversation takes.

The server is a process of its own on the loopback interface, and answers at once.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import anthropic

from agent.limits import Limits, Spent
from agent.loop import Silent, converse
from agent.model.base import Delta, Json, Request, Turn
from agent.model.claude import Claude
from agent.model.scripted import call, say
from agent.talk import Conversation, ToolCall
from bench.measure import Table, median
from tests.messages_server import KEY, MessagesServer
from tools.desk import ToolResult

MODEL = "claude-sonnet-5-5"
SYSTEM = ({"type": "text", "text": "x" * 8000, "cache_control": {"type": "ephemeral"}},)
WORDS = "I look at the next file, and say in two lines what I expect to find there. " * 3
RESULT = "select order_id, customer_id, status from staging.orders where not deleted\n" * 27
FREE = Limits(turns=10_000, tokens=10**12, money=float("inf"), seconds=1e9)


def measure(*, quick: bool) -> tuple[Table, ...]:
    """Turns of the loop and bare calls alternate; then one long conversation."""
    return (_overhead(5 if quick else 15, 20), _long(60 if quick else 300))


class _Tools:
    def definitions(self) -> tuple[Json, ...]:
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
        return tuple({"name": f"tool_{n}", "input_schema": schema} for n in range(20))

    def malformed(self, _call: ToolCall) -> str:
        return ""

    def reads_only(self, _call: ToolCall) -> bool:
        return True

    def run(self, call: ToolCall) -> ToolResult:
        return ToolResult(f"{call.input['n']}\n{RESULT}")


class _Clock(Silent):
    """When requests were made, and when their first words were there."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.asked_at: list[float] = []
        self.first: list[float] = []

    def asked(self, request: Request) -> None:
        self.requests.append(request)
        self.asked_at.append(time.perf_counter())

    def delta(self, _delta: Delta) -> None:
        if len(self.first) < len(self.asked_at):
            self.first.append(time.perf_counter() - self.asked_at[-1])


def _serve(pipe: Connection, turns: int) -> None:
    def step(request: Request) -> Turn:
        number = len(request.messages) // 2
        done = say("Done.") if number >= turns - 1 else call("tool_1", n=number)
        words = {"type": "text", "text": WORDS}
        return replace(done, content=(words, *done.content))

    with MessagesServer([step] * 100_000, demands=False) as server:
        pipe.send(server.url)
        pipe.recv()


@contextmanager
def _server(turns: int) -> Iterator[str]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, turns), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("end")
        process.join()


def _loop(model: Claude, watch: _Clock) -> Conversation:
    talk = Conversation()
    talk.say("Look at every file.")
    converse(
        model,
        talk,
        SYSTEM,
        _Tools(),
        FREE,
        spent=Spent(),
        watch=watch,
        cancel=threading.Event(),
        save=lambda: None,
    )
    return talk


def _events(client: Any, request: Request) -> float:
    """A request through the SDK alone, its events read; seconds until the first words."""
    began, first = time.perf_counter(), 0.0
    for event in client.messages.create(**request.to_json(), stream=True):
        if not first and event.type == "content_block_delta":
            first = time.perf_counter() - began
    return first


def _message(client: Any, request: Request) -> float:
    """The same through the SDK's own helper, which puts the answer together."""
    began, first = time.perf_counter(), 0.0
    with client.messages.stream(**request.to_json()) as stream:
        for event in stream:
            if not first and event.type == "content_block_delta":
                first = time.perf_counter() - began
        stream.get_final_message()
    return first


def _overhead(times: int, turns: int) -> Table:
    names = ("bare SDK, events", "bare SDK, messages.stream()", "loop")
    whole: dict[str, list[float]] = {name: [] for name in names}
    first: dict[str, list[float]] = {name: [] for name in names}
    with _server(turns) as url:
        model = Claude("anthropic", MODEL, api_key=KEY, base_url=url)
        with anthropic.Anthropic(api_key=KEY, base_url=url, max_retries=0) as client:
            for _ in range(times + 1):  # the first time imports and compiles
                watch = _Clock()
                began = time.perf_counter()
                _loop(model, watch)
                whole["loop"].append((time.perf_counter() - began) / turns)
                first["loop"] += watch.first
                for name, ask in zip(names, (_events, _message), strict=False):
                    began = time.perf_counter()
                    first[name] += [ask(client, request) for request in watch.requests]
                    whole[name].append((time.perf_counter() - began) / turns)
    turn = {name: values[1:] for name, values in whole.items()}
    words = {name: values[turns:] for name, values in first.items()}
    rows = (
        *((f"a turn, {name}", *_row(turn[name], turn[names[0]])) for name in names),
        *((f"first words, {name}", *_row(words[name], words[names[0]])) for name in names),
    )
    added = (median(turn["loop"]) - median(turn[names[0]])) * 1000
    note = (
        f"{times} conversations of {turns} turns, a call and a result of 2 KB in each; the bare "
        "SDK sends the same requests and does nothing with the answers. The loop adds "
        f"{added:.1f} ms a turn to reading the events."
    )
    return Table("The loop", ("what", "ms, median", "ms, range", "ratio"), rows, (note,))


def _row(values: list[float], base: list[float]) -> tuple[str, str, str]:
    low, *_, high = statistics.quantiles(values, n=20)
    return (
        f"{median(values) * 1000:.1f}",
        f"{low * 1000:.1f}-{high * 1000:.1f}",
        f"{median(values) / median(base):.2f}",
    )


def _long(turns: int) -> Table:
    """Memory and time a turn, as a conversation grows."""
    with _server(20) as short, _server(turns) as url:
        _loop(Claude("anthropic", MODEL, api_key=KEY, base_url=short), _Clock())  # imports, caches

        class Watch(Silent):
            def __init__(self) -> None:
                self.requests: list[Request] = []
                self.at: list[float] = []
                self.resident: list[float] = []

            def asked(self, request: Request) -> None:
                self.requests.append(request)
                self.at.append(time.perf_counter())
                self.resident.append(_resident())

        watch = Watch()
        model = Claude("anthropic", MODEL, api_key=KEY, base_url=url)
        talk = _loop(model, watch)  # type: ignore[arg-type]
        tenth = max(turns // 10, 1)
        with anthropic.Anthropic(api_key=KEY, base_url=url, max_retries=0) as client:
            began = time.perf_counter()
            for request in watch.requests[-tenth:]:
                _events(client, request)
            bare = (time.perf_counter() - began) / tenth * 1000
    size = len(json.dumps(talk.to_json())) / 1e6
    grown = watch.resident[-1] - watch.resident[0]
    gaps = [(two - one) * 1000 for one, two in zip(watch.at, watch.at[1:], strict=False)]
    rows = (
        ("turns", f"{turns}"),
        ("conversation, MB of JSON", f"{size:.1f}"),
        ("memory at the start, MB", f"{watch.resident[0]:.0f}"),
        ("memory grown by, MB", f"{grown:.1f}"),
        ("memory to conversation, ratio", f"{grown / size:.1f}"),
        ("ms a turn, first tenth", f"{median(gaps[:tenth]):.1f}"),
        ("ms a turn, last tenth", f"{median(gaps[-tenth:]):.1f}"),
        ("ms a turn, last tenth, bare SDK", f"{bare:.1f}"),
    )
    note = "Each turn sends the whole conversation, as the API wants it; the server reads it, too."
    return Table("A long conversation", ("what", "value"), rows, (note,))


def _resident() -> float:
    """Memory of this process, in MB; of its peak where the system tells nothing else."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
    import resource  # noqa: PLC0415 - not on every system

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
