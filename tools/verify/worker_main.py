"""The background process that holds dbt and DuckDB; started by :mod:`tools.verify.worker`.

It reads one JSON request a line from standard input and answers each with one JSON line on what
was standard output when it started. Whatever dbt prints goes to the log file instead. When
standard input ends, the caller is gone, and so is this process, in the middle of a build if need
be: a caller that was killed leaves nothing running.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import queue
import sys
import threading
import time
from types import ModuleType
from typing import Any, TextIO

from tools.verify import memory
from tools.verify.worker_sql import StatementError, execute

Request = dict[str, Any]

_SHARE = 0.9
"""Of the machine's memory, for this process: DuckDB uses files before it has that much, and what
only an expression makes fails the model, not the machine."""
_RARELY = (50_000, 20, 50)
"""How often to look for garbage: a manifest is a million objects that stay, and looking through
them time and again is a sixth of what a small command costs."""


def _private_streams() -> tuple[TextIO, TextIO]:
    """Keeps the protocol's pipes to ourselves and points 0, 1 where dbt can do no harm."""
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, replies


def _read(requests: TextIO, inbox: queue.Queue[Request]) -> None:
    for line in requests:
        inbox.put(json.loads(line))
    os._exit(0)


def _handle(request: Request, engine: ModuleType) -> dict[str, Any]:
    """The reply to one request; errors are data too, so the process lives on."""
    try:
        if request["op"] == "dbt":
            return {"dbt": engine.invoke(request)}
        return {"rows": execute(*(request[k] for k in ("database", "statements", "query_seconds")))}
    except StatementError as error:
        return {"error": error.to_json()}
    except Exception as error:  # noqa: BLE001 - reported to the caller, who decides what it means
        return {"error": {"kind": "internal", "message": f"{type(error).__name__}: {error}"}}


def main() -> None:
    """Serves requests until standard input ends."""
    requests, replies = _private_streams()
    memory.keep_within(_SHARE)
    inbox: queue.Queue[Request] = queue.Queue()
    threading.Thread(target=_read, args=(requests, inbox), daemon=True).start()

    def reply(data: dict[str, Any]) -> None:
        print(json.dumps(data), file=replies, flush=True)

    started = time.monotonic()
    try:
        engine = importlib.import_module("tools.verify.worker_dbt")
    except ImportError as error:
        reply({"hello": {"missing": f"{error.name or 'dbt'}: {error}"}})
        return
    gc.set_threshold(*_RARELY)
    if inbox.empty():
        engine.warm_up()
    reply({"hello": {"versions": engine.versions(), "seconds": time.monotonic() - started}})
    while True:
        request = inbox.get()
        reply({"id": request["id"], **_handle(request, engine)})
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    main()
