"""A Messages API on the loopback interface: real HTTP, real event streams, a script, bad manners.

    with MessagesServer([say("hello"), overloaded(), call("read_file", path="a.sql")]) as server:
        ... base_url=server.url ...
        server.check()

A step answers one request. Misbehaviour is a step of its own: the client's next attempt gets the
step after it. Each request is held against what the service demands; ``check`` raises the faults.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from agent.model.base import Block, Json, Request, Turn
from agent.model.cache import PromptCache
from agent.model.scripted import answer, finished
from agent.model.validity import conversation_of, violations

KEY = "test-key"
Event = tuple[str, Json]


@dataclass(frozen=True)
class Refusal:
    """An answer that is no answer: a status with an error."""

    status: int
    kind: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None


@dataclass(frozen=True)
class Broken:
    """An event stream with something wrong.

    Args:
        turn: what would have been answered.
        events: how many of its events are sent.
        then: written after them, as it is.
        pause: seconds between events.
        raw: bytes that replace the stream.
        hold: waited for before the stream goes on after ``events``; set it to let it end.
        drop: whether the connection is closed without the end of the HTTP answer.
    """

    turn: Turn
    events: int = 1_000_000
    then: bytes = b""
    pause: float = 0.0
    raw: bytes | None = None
    hold: threading.Event | None = None
    drop: bool = False


Step = Turn | Refusal | Broken | Callable[[Request], "Turn | Refusal | Broken"]


def rate_limit(retry_after: str = "0") -> Refusal:
    """429 with ``retry-after``: seconds, or an HTTP date."""
    headers = (("retry-after", retry_after),) if retry_after else ()
    return Refusal(429, "rate_limit_error", "Number of requests has exceeded your limit", headers)


def overloaded() -> Refusal:
    """529."""
    return Refusal(529, "overloaded_error", "Overloaded")


def failing(status: int = 500) -> Refusal:
    """A fault of the service."""
    return Refusal(status, "api_error", "Internal server error")


def unauthorized() -> Refusal:
    """401."""
    return Refusal(401, "authentication_error", "invalid x-api-key")


def forbidden() -> Refusal:
    """403."""
    return Refusal(403, "permission_error", "Your API key does not have permission")


def too_long() -> Refusal:
    """400 for more than the model's context holds."""
    return Refusal(
        400, "invalid_request_error", "prompt is too long: 210007 tokens > 200000 maximum"
    )


def invalid(message: str = "messages: something is wrong") -> Refusal:
    """Another 400."""
    return Refusal(400, "invalid_request_error", message)


def proxy_page(status: int = 502) -> Refusal:
    """What stands between answers with a page instead of JSON."""
    return Refusal(status, "", "", body=b"<html><h1>Bad Gateway</h1></html>")


def cut_stream(turn: Turn, after_events: int = 4) -> Broken:
    """The stream ends in the middle of an answer, in good order."""
    return Broken(turn, events=after_events)


def dropped(turn: Turn, after_events: int = 4) -> Broken:
    """The connection is lost in the middle of an answer."""
    return Broken(turn, events=after_events, drop=True)


def error_event(turn: Turn, after_events: int = 4, kind: str = "overloaded_error") -> Broken:
    """The stream itself reports an error."""
    error = {"type": "error", "error": {"type": kind, "message": "Overloaded"}}
    return Broken(turn, events=after_events, then=_frame("error", error))


def garbage(turn: Turn, after_events: int = 3) -> Broken:
    """An event whose data is no JSON."""
    text = b'event: content_block_delta\ndata: {"type": "content_bl\n\n'
    return Broken(turn, events=after_events, then=text)


def not_a_stream() -> Broken:
    """200, and a page where a stream should be."""
    return Broken(answer(), raw=b"<html>Sign in to the wireless network</html>")


def slow_drip(turn: Turn, pause: float = 0.02) -> Broken:
    """Every event on its own, with a pause before it."""
    return Broken(turn, pause=pause)


def stalled(turn: Turn, hold: threading.Event, after_events: int = 4) -> Broken:
    """Goes silent in the middle of an answer until ``hold`` is set."""
    return Broken(turn, events=after_events, hold=hold)


def truncated_tool_call(tool: str, partial: str) -> Turn:
    """A call that the limit on tokens cut off: ``partial`` is what there is of its JSON."""
    return answer(
        {"type": "tool_use", "id": "", "name": tool, "input": {}, "_json": partial},
        stop="max_tokens",
    )


class MessagesServer:
    """The server; a context manager.

    Args:
        steps: what is answered, in order.
        key: that clients must send.
        chunk: characters in a delta.
        demands: whether requests are held against what the service demands.
    """

    def __init__(
        self, steps: Sequence[Step], key: str = KEY, chunk: int = 24, *, demands: bool = True
    ) -> None:
        self.steps = list(steps)
        self.requests: list[Json] = []
        self.headers: list[dict[str, str]] = []
        self.faults: list[str] = []
        self.key = key
        self.chunk = chunk
        self.demands = demands
        self._lock = threading.Lock()
        self._cache = PromptCache()
        self._earlier: dict[str, Json] = {}
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.messages = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> MessagesServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def check(self) -> None:
        """Raises what requests did wrong.

        Raises:
            AssertionError: with each fault.
        """
        assert not self.faults, "\n".join(self.faults)

    def take(self, body: Json, headers: dict[str, str]) -> Turn | Refusal | Broken:
        """The step that answers a request."""
        with self._lock:
            number = len(self.requests) + 1
            self.requests.append(body)
            self.headers.append(headers)
            given = headers.get("x-api-key") or headers.get("authorization", "").partition(" ")[2]
            if given != self.key:
                return unauthorized()
            if self.demands:
                begins = conversation_of(body)
                found = violations(body, self._earlier.get(begins))
                if body.get("stream") is not True:
                    found = (*found, "the answer is not streamed")
                if found:
                    self.faults += [f"request {number}: {fault}" for fault in found]
                    return invalid("; ".join(found))
                self._earlier[begins] = body
            if not self.steps:
                self.faults.append(f"request {number}: the script was at its end")
                return invalid("the script is at its end")
            return self._made(self.steps.pop(0), body, number)

    def _made(self, step: Step, body: Json, number: int) -> Turn | Refusal | Broken:
        request = Request(
            body["model"],
            tuple(body.get("system", ())),
            tuple(body.get("tools", ())),
            tuple(body["messages"]),
            body["max_tokens"],
        )
        made = step if isinstance(step, Turn | Refusal | Broken) else step(request)
        if isinstance(made, Turn):
            return finished(made, number, request, self._cache)
        if isinstance(made, Broken):
            return replace(made, turn=finished(made.turn, number, request, self._cache))
        return made


def events_of(turn: Turn, chunk: int) -> Iterator[Event]:
    """An answer as the events of its stream."""
    usage = turn.usage
    message = {
        "id": "msg_test",
        "type": "message",
        "role": "assistant",
        "model": turn.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": usage.input,
            "output_tokens": 1,
            "cache_read_input_tokens": usage.cache_read,
            "cache_creation_input_tokens": usage.cache_write,
        },
    }
    yield "message_start", {"type": "message_start", "message": message}
    yield "ping", {"type": "ping"}
    for index, block in enumerate(turn.content):
        begun, deltas = _pieces(block, chunk)
        yield _indexed("content_block_start", index, content_block=begun)
        for delta in deltas:
            yield _indexed("content_block_delta", index, delta=delta)
        yield _indexed("content_block_stop", index)
    delta = {"stop_reason": turn.stop_reason, "stop_sequence": None}
    if turn.detail:
        delta["stop_details"] = {"type": "refusal", "category": None, "explanation": turn.detail}
    yield (
        "message_delta",
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": usage.output}},
    )
    yield "message_stop", {"type": "message_stop"}


def _pieces(block: Block, chunk: int) -> tuple[Block, Iterator[Json]]:
    if block["type"] == "text":
        pieces = ({"type": "text_delta", "text": part} for part in _cut(block["text"], chunk))
        return {**block, "text": ""}, pieces
    if block["type"] == "thinking":
        return {**block, "thinking": "", "signature": ""}, _thoughts(block, chunk)
    if block["type"] == "tool_use":
        text = block.get("_json", json.dumps(block["input"], ensure_ascii=False))
        begun = {k: v for k, v in block.items() if k != "_json"} | {"input": {}}
        parts = _cut(text if text != "{}" else "", chunk)
        return begun, ({"type": "input_json_delta", "partial_json": part} for part in parts)
    return block, iter(())


def _thoughts(block: Block, chunk: int) -> Iterator[Json]:
    for part in _cut(block["thinking"], chunk):
        yield {"type": "thinking_delta", "thinking": part}
    yield {"type": "signature_delta", "signature": block["signature"]}


def _cut(text: str, chunk: int) -> Iterator[str]:
    yield from (text[n : n + chunk] for n in range(0, len(text), chunk))


def _indexed(name: str, index: int, **more: Any) -> Event:
    return name, {"type": name, "index": index, **more}


def _frame(name: str, data: Json) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    messages: MessagesServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up in the middle of answers on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Says nothing."""

    def do_POST(self) -> None:
        """Answers a request."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.partition("?")[0] != "/v1/messages":
            self._refuse(Refusal(404, "not_found_error", f"no such path: {self.path}"))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        made = self.server.messages.take(body, headers)
        if isinstance(made, Refusal):
            self._refuse(made)
        else:
            self._stream(made if isinstance(made, Broken) else Broken(made))

    def _refuse(self, refusal: Refusal) -> None:
        error = {"type": refusal.kind, "message": refusal.message}
        body = refusal.body
        if body is None:
            body = json.dumps({"type": "error", "error": error}).encode()
        self.send_response(refusal.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        for name, value in refusal.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, script: Broken) -> None:
        self.send_response(200)
        kind = "text/event-stream" if script.raw is None else "text/html"
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        if script.raw is not None:
            self._chunk(script.raw)
        else:
            self._events(script)
        if script.drop:
            self.close_connection = True
        else:
            self._chunk(b"")

    def _events(self, script: Broken) -> None:
        for number, (name, data) in enumerate(events_of(script.turn, self.server.messages.chunk)):
            if number >= script.events:
                if script.hold is None:
                    break
                script.hold.wait()
            if script.pause:
                time.sleep(script.pause)
            self._chunk(_frame(name, data))
        if script.then:
            self._chunk(script.then)

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()
