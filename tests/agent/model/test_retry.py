"""Trying again: how long, how often, and that a person can end it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.model.base import Cancelled, ModelUnreachable, Usage
from agent.model.retry import Retry, Transient, retried


class Cancel(threading.Event):
    """Sleeps no time, and remembers for how long it should have."""

    def __init__(self, clock: list[float], stop_at: int = 1_000) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._clock = clock
        self._stop_at = stop_at

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        self._clock[0] += timeout or 0.0
        return len(self.pauses) >= self._stop_at


def fails(*errors: Exception | str) -> Callable[[], str]:
    left = list(errors)

    def attempt() -> str:
        step = left.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    return attempt


def setup(**more: float) -> tuple[Retry, Cancel]:
    clock = [0.0]
    retry = Retry(chance=lambda: 1.0, clock=lambda: clock[0], **more)  # type: ignore[arg-type]
    return retry, Cancel(clock)


def test_pauses_double_up_to_the_longest() -> None:
    retry, cancel = setup(longest=5.0)
    told: list[str] = []
    done = retried(
        retry, fails(*[Transient("down")] * 5, "up"), lambda why, _: told.append(why), cancel
    )
    assert done == "up"
    assert cancel.pauses == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert told[0] == "down; trying again in 1.0 s"


@given(
    st.integers(1, 30),
    st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)),
    st.floats(0, 1),
)
def test_a_pause_is_within_its_bounds(number: int, after: float | None, chance: float) -> None:
    retry = Retry(chance=lambda: chance)
    pause = retry.pause(number, after)
    if after is None or not 0 <= after < float("inf"):
        assert 0 <= pause <= min(retry.longest, 2 ** (number - 1))
    else:
        assert after <= pause <= after + retry.first


def test_the_service_is_not_asked_before_it_wants() -> None:
    retry, cancel = setup()
    retried(retry, fails(Transient("busy", after=7.0), "up"), lambda *_: None, cancel)
    assert cancel.pauses == [8.0]


def test_it_gives_up_after_so_many_attempts() -> None:
    retry, cancel = setup(attempts=3)
    used: list[Usage] = []
    with pytest.raises(ModelUnreachable, match=r"3 attempts in 3 s\): down") as caught:
        retried(
            retry,
            fails(*[Transient("down", usage=Usage(input=1))] * 3),
            lambda _, usage: used.append(usage),
            cancel,
        )
    assert caught.value.exit_code == 6
    assert used == [Usage(input=1)] * 3
    assert len(cancel.pauses) == 2


def test_it_gives_up_when_the_service_asks_for_too_long() -> None:
    retry, cancel = setup(seconds=60.0)
    with pytest.raises(ModelUnreachable, match="asks to wait 91 s"):
        retried(retry, fails(Transient("busy", after=90.0)), lambda *_: None, cancel)
    assert cancel.pauses == []


def test_it_gives_up_after_so_many_seconds() -> None:
    retry, cancel = setup(attempts=100, seconds=10.0)
    with pytest.raises(ModelUnreachable, match="4 attempts"):
        retried(retry, fails(*[Transient("down")] * 100), lambda *_: None, cancel)
    assert sum(cancel.pauses) == 7.0


def test_a_pause_ends_when_the_person_says_so() -> None:
    retry, _ = setup()
    with pytest.raises(Cancelled):
        retried(retry, fails(Transient("down")), lambda *_: None, Cancel([0.0], stop_at=1))


def test_other_failures_are_not_tried_again() -> None:
    retry, cancel = setup()
    with pytest.raises(KeyError):
        retried(retry, fails(KeyError("bug")), lambda *_: None, cancel)
    assert cancel.pauses == []
