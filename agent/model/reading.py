"""Reading a stream in a thread of its own, so that a turn can end while the network is silent."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from agent.model.base import Cancelled, Json

GLANCE = 0.05
"""Seconds between looks at whether the person stopped the turn."""
STREAMS = ("text/event-stream", "application/vnd.amazon.eventstream")


class NotAStream(Exception):
    """The endpoint answered with something else: a page of a proxy, another API."""


class ReadFailed(Exception):
    """The request, or the stream, failed.

    Args:
        error: with this.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Reader(threading.Thread):
    """Opens a stream and reads its events.

    Args:
        opened: makes the request; gives the SDK's stream, a context manager.
    """

    def __init__(self, opened: Callable[[], Any]) -> None:
        super().__init__(name="model", daemon=True)
        self._opened = opened
        self._queue: queue.SimpleQueue[Json | Exception | None] = queue.SimpleQueue()
        self._response: Any = None
        self._left = threading.Event()

    def run(self) -> None:
        """Puts the events into the queue; at the end ``None``, or what went wrong."""
        try:
            with self._opened() as stream:
                self._response = stream.response
                kind = str(self._response.headers.get("content-type", STREAMS[0]))
                if not kind.startswith(STREAMS):
                    raise NotAStream(kind)
                for event in stream:
                    if self._left.is_set():
                        return
                    self._queue.put(event.to_dict())
            self._queue.put(None)
        except Exception as error:  # noqa: BLE001 - raised again in the thread of the turn
            self._queue.put(error)

    def events(self, cancel: threading.Event) -> Iterator[Json]:
        """The events as they come.

        Raises:
            Cancelled: ``cancel`` was set.
            ReadFailed: with whatever the request or the stream failed.
        """
        while True:
            try:
                item = self._queue.get(timeout=GLANCE)
            except queue.Empty:
                if cancel.is_set():
                    raise Cancelled from None
                continue
            if cancel.is_set():
                raise Cancelled
            if item is None:
                return
            if isinstance(item, Exception):
                raise ReadFailed(item)
            yield item

    def leave(self) -> None:
        """Ends the reading, also of a connection on which nothing arrives."""
        self._left.set()
        if self._response is not None and self.is_alive():
            _hang_up(self._response)


def _hang_up(response: Any) -> None:
    """Wakes a thread that waits for bytes: closing a socket does not do that, shutting it does."""
    stream = response.extensions.get("network_stream")
    found = stream.get_extra_info("socket") if stream is not None else None
    if isinstance(found, socket.socket):
        try:
            socket.socket.shutdown(found, socket.SHUT_RDWR)
        except OSError:
            return  # it is closed already
