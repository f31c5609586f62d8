"""Claude through the ``anthropic`` SDK, whose only importer this is.

The SDK is imported when the first request is made: that takes about a second. Its own retries are
off, since it doesn't retry what goes wrong in the middle of a stream; ``retry`` does both.
"""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Callable
from typing import Any, Literal

from agent.model.base import Cancelled, Delta, Json, Request, RequestRefused, Turn, Usage
from agent.model.failures import KEYS, Fault, meaning
from agent.model.reading import NotAStream, Reader, ReadFailed
from agent.model.retry import Retry, Transient, retried
from agent.model.stream import Answer, Garbled
from agent.model.thinking import Thinking, wanted
from tools.errors import NeedsModel, ProgramMissing

IDLE = 300.0
"""Seconds without a byte after which a connection counts as lost."""
CONNECT = 10.0
ClientKind = Literal["anthropic", "bedrock", "vertex"]


class Claude:
    """A ``Model`` behind the Messages API.

    Args:
        client_kind: which of the SDK's clients.
        model: its name, as the endpoint calls it.
        api_key: empty leaves it to the SDK: environment, profile, cloud credentials.
        base_url: of an endpoint that speaks the Messages API; empty for the usual one.
        context_window: in tokens.
        retry: how long to keep trying.
        thinking: what requests say about it; ``None`` for what suits the model.
    """

    def __init__(
        self,
        client_kind: ClientKind,
        model: str,
        *,
        api_key: str = "",
        base_url: str = "",
        context_window: int = 200_000,
        retry: Retry | None = None,
        thinking: Json | None = None,
    ) -> None:
        self.name = model
        self.context_window = context_window
        self._kind = client_kind
        self._api_key = api_key
        self._base_url = base_url
        self._retry = retry or Retry()
        self._says = thinking if thinking is not None else wanted(model)
        self._thinking = Thinking()
        self._client: Any = None

    def warm(self) -> None:
        """Does before the first request what takes a second: while a person types, say."""
        if self._client is None:
            self._client = self._made()

    def turn(self, request: Request, on: Callable[[Delta], None], cancel: threading.Event) -> Turn:
        """Answers one request; see ``Model``."""
        while True:
            try:
                return retried(
                    self._retry,
                    lambda: self._attempt(request, on, cancel),
                    lambda why, usage: on(Delta("retry", why, usage)),
                    cancel,
                )
            except RequestRefused as refused:
                if not self._thinking.refused(request, refused.message):
                    raise
                on(Delta("retry", "thinking of earlier answers does not hold any more"))

    def _attempt(
        self, request: Request, on: Callable[[Delta], None], cancel: threading.Event
    ) -> Turn:
        if cancel.is_set():
            raise Cancelled
        answer = Answer(request.model)
        reader = Reader(lambda: self._open(request))
        reader.start()
        try:
            for event in reader.events(cancel):
                delta = answer.add(event)
                if delta is not None and delta.text:
                    on(delta)
        except Cancelled:
            raise Cancelled(answer.used()) from None
        except Garbled as error:
            raise Transient(f"the stream is garbled: {error}", usage=answer.used()) from error
        except ReadFailed as failed:
            raise self._failure(failed.error, answer.used()) from failed.error
        finally:
            reader.leave()
        if not answer.complete:
            raise Transient("the stream broke off", usage=answer.used())
        return answer.turn()

    def _open(self, request: Request) -> Any:
        body = {name: value for name, value in request.to_json().items() if value}
        body["messages"] = self._thinking.sent(request)
        if self._says:
            body["thinking"] = self._says
        if self._client is None:
            self._client = self._made()
        return self._client.messages.create(**body, stream=True)

    def _made(self) -> Any:
        import anthropic  # noqa: PLC0415 - it takes a second

        given: dict[str, Any] = {"base_url": self._base_url or None}
        if self._api_key and self._kind != "vertex":
            given["api_key"] = self._api_key
        kinds: dict[str, Any] = {
            "anthropic": anthropic.Anthropic,
            "bedrock": anthropic.AnthropicBedrock,
            "vertex": anthropic.AnthropicVertex,
        }
        timeout = anthropic.Timeout(IDLE, connect=CONNECT)
        client = kinds[self._kind](max_retries=0, timeout=timeout, **given)
        weakref.finalize(self, client.close)  # connections are kept open between turns
        return client

    def _failure(self, error: Exception, used: Usage) -> Exception:
        """What an exception of the SDK, or of what is below it, means."""
        import anthropic  # noqa: PLC0415
        import httpx2  # noqa: PLC0415

        if isinstance(error, anthropic.APIStatusError):
            headers = {name.lower(): value for name, value in error.response.headers.items()}
            said, code = error.api_message or error.message, error.error_code or ""
            fault = Fault(error.status_code, error.type or "", said, headers, code)
            return meaning(fault, self._kind, used)
        if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
            return Transient(f"the stream is garbled: {error}", usage=used)
        if isinstance(error, anthropic.APIError | httpx2.HTTPError):
            cause = error.__cause__ or error
            return Transient(f"the connection failed: {cause or type(cause).__name__}", usage=used)
        if isinstance(error, NotAStream):
            return RequestRefused(
                f"The endpoint answers with {error}, not with a stream of events.",
                "Check the base URL.",
            )
        if isinstance(error, ImportError) or type(error).__name__ == "MissingDependencyError":
            return ProgramMissing(
                f"The client for {self._kind} lacks a package: {error}",
                f"Install specmill[{self._kind}].",
            )
        if self._is_about_keys(error) or isinstance(error, anthropic.AnthropicError):
            why = "no key is set" if self._kind == "anthropic" else str(error).rstrip(".")
            return NeedsModel(f"The model cannot be asked: {why}.", KEYS[self._kind])
        return error

    def _is_about_keys(self, error: Exception) -> bool:
        """Whether the SDK, or a cloud's library, found no credentials; they have no common type."""
        if self._kind == "anthropic":
            return isinstance(error, TypeError) and "authentication" in str(error)
        module = type(error).__module__.partition(".")[0]
        return module in ("botocore", "google") or isinstance(error, ValueError | RuntimeError)
