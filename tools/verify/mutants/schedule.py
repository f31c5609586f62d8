"""The order in which mutants are tried, and the threads that try them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from tools.sql.mutate.mutant import Mutant


def round_robin(mutants: Sequence[Mutant]) -> list[int]:
    """Indexes of mutants, one of each operator in turn, so that each has its share of the time."""
    groups: dict[str, list[int]] = {}
    for index, mutant in enumerate(mutants):
        groups.setdefault(mutant.operator, []).append(index)
    turns = zip_longest(*(groups[name] for name in sorted(groups)))
    return [index for turn in turns for index in turn if index is not None]


def work(
    order: Sequence[int], task: Callable[[int], None], deadline: float | None, threads: int
) -> None:
    """Does a task for each index, by several threads, until the deadline.

    Args:
        order: the indexes.
        task: what to do with one; what it raises ends the work and is raised here.
        deadline: of ``time.monotonic()``; None is never.
        threads: how many.
    """
    left: Iterator[int] = iter(order)
    lock = threading.Lock()
    errors: list[BaseException] = []

    def loop() -> None:
        while not errors and (deadline is None or time.monotonic() < deadline):
            with lock:
                index = next(left, None)
            if index is None:
                return
            try:
                task(index)
            except BaseException as error:  # noqa: BLE001  carried to the thread that waits
                errors.append(error)

    if threads <= 1:
        loop()
    else:
        pool = [threading.Thread(target=loop, name=f"mutants-{n}") for n in range(threads)]
        for thread in pool:
            thread.start()
        for thread in pool:
            thread.join()
    if errors:
        raise errors[0]
