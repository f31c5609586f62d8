"""Trying again: exponential backoff with full jitter, the service's own wish honoured, two caps."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from agent.model.base import Cancelled, ModelUnreachable, Usage

T = TypeVar("T")
NOTHING = Usage()


class Transient(Exception):
    """An attempt failed in a way that the next one may not.

    Args:
        why: in words for a person.
        after: seconds that the service asks to wait; ``None`` if it doesn't say.
        usage: tokens that were used for nothing.
    """

    def __init__(self, why: str, after: float | None = None, usage: Usage = NOTHING) -> None:
        super().__init__(why)
        self.why = why
        self.after = after
        self.usage = usage


@dataclass(frozen=True)
class Retry:
    """How long to keep trying.

    Args:
        attempts: at most, the first one included.
        seconds: in all, attempts and pauses.
        first: seconds that the first pause lasts at most; each next one may last twice as long.
        longest: seconds that a pause lasts at most, unless the service asks for more.
        chance: a number from 0 to 1; spreads clients that failed together.
        clock: in seconds.
    """

    attempts: int = 8
    seconds: float = 300.0
    first: float = 1.0
    longest: float = 60.0
    chance: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic

    def pause(self, attempt: int, after: float | None) -> float:
        """Seconds to wait after a failed attempt.

        Args:
            attempt: counted from one.
            after: what the service asks for; never undercut.
        """
        ceiling: float = min(self.longest, self.first * 2.0 ** min(attempt - 1, 60))
        spread = ceiling * self.chance()
        if after is None or not math.isfinite(after) or after < 0:
            return spread
        return after + min(spread, self.first)


def retried(
    retry: Retry,
    attempt: Callable[[], T],
    again: Callable[[str, Usage], None],
    cancel: threading.Event,
) -> T:
    """The result of the first attempt that succeeds.

    Args:
        retry: how often and how long.
        attempt: raises ``Transient`` if it is worth another try.
        again: told of each failure, why and what it cost, before the pause.
        cancel: ends a pause at once.

    Raises:
        Cancelled: ``cancel`` was set.
        ModelUnreachable: it failed too often, or for too long.
    """
    began = retry.clock()
    number = 1
    while True:
        try:
            return attempt()
        except Transient as failure:
            pause = retry.pause(number, failure.after)
            spent = retry.clock() - began
            last = number >= retry.attempts or spent + pause > retry.seconds
            if last:
                again(f"{failure.why}; giving up", failure.usage)
                raise _gave_up(failure, number, spent, pause) from failure
            again(f"{failure.why}; trying again in {pause:.1f} s", failure.usage)
            if cancel.wait(pause):
                raise Cancelled from failure
            number += 1


def _gave_up(failure: Transient, number: int, spent: float, pause: float) -> ModelUnreachable:
    tried = f"{number} attempt{'s' if number > 1 else ''} in {spent:.0f} s"
    asks = f", and it asks to wait {pause:.0f} s" if failure.after and failure.after > 60 else ""
    return ModelUnreachable(
        f"The model's service keeps failing ({tried}{asks}): {failure.why}.",
        "Try again later; what was done until here is kept.",
    )
