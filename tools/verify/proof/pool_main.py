"""A process that does jobs for :mod:`tools.verify.proof.pool`.

It reads pickled messages from standard input: first the task with what all jobs need, then jobs,
each answered by one message. Modules that are named on its command line it imports before there
is anything to do. When standard input ends, the caller is gone, and so is this
process, in the middle of a job if need be.
"""

from __future__ import annotations

import importlib
import os
import pickle
import queue
import sys
import threading
from multiprocessing.connection import Connection


def _streams() -> tuple[Connection, Connection]:
    """Keeps the pipes to ourselves and points 0, 1 where a library that prints does no harm."""
    requests = Connection(os.dup(0), writable=False)
    answers = Connection(os.dup(1), readable=False)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return requests, answers


def _read(requests: Connection, inbox: queue.Queue[bytes]) -> None:
    try:
        while True:
            inbox.put(requests.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)


def main() -> None:
    """Does jobs until standard input ends."""
    requests, answers = _streams()
    inbox: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read, args=(requests, inbox), daemon=True).start()
    for name in sys.argv[1:]:
        importlib.import_module(name)
    task, ground = pickle.loads(inbox.get())  # noqa: S301  of the process that started us
    while True:
        job = pickle.loads(inbox.get())  # noqa: S301
        try:
            answer = (True, task(ground, job))
        except Exception as error:  # noqa: BLE001 - the caller says what was not tried, and why
            answer = (False, f"{type(error).__name__}: {error}")
        answers.send_bytes(pickle.dumps(answer))


if __name__ == "__main__":
    main()
