"""Each limit ends a conversation, says its name, and not a step too early."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.limits import LEAST_ANSWER, Limits, Meter, Spent
from agent.model.base import Block, Request, Turn, Usage
from agent.model.prices import Price
from tools.desk import ToolResult
from tools.errors import BudgetSpent

PRICE = Price(input=3, output=15, cache_read=0.3, cache_write=3.75)
LOOK = ("look", {"a": 1})


def meter(clock: Callable[[], float] = lambda: 0.0, spent: Spent | None = None, **more: object):  # type: ignore[no-untyped-def]
    limits = Limits(price=PRICE, **more)  # type: ignore[arg-type]
    return Meter(limits, spent if spent is not None else Spent(), "m", clock)


def request(words: str = "hi", max_tokens: int = 16_000) -> Request:
    block: Block = {"type": "text", "text": words}
    return Request("m", (), (), ({"role": "user", "content": [block]},), max_tokens)


def turn(**usage: int) -> Turn:
    return Turn((), "end_turn", Usage(**usage), "m", {})


def test_turns() -> None:
    counted = meter(turns=2)
    for _ in range(2):
        counted.check()
        counted.answered(turn())
    with pytest.raises(BudgetSpent, match="turns") as caught:
        counted.check()
    assert caught.value.exit_code == 5
    assert "`turns`" in caught.value.remedy


def test_tokens() -> None:
    counted = meter(tokens=100)
    counted.answered(turn(input=10, output=80, cache_read=9))
    counted.check()
    counted.used(Usage(cache_write=1))
    with pytest.raises(BudgetSpent, match="limit on tokens"):
        counted.check()


def test_seconds_go_on_where_they_were() -> None:
    now = [100.0]
    spent = Spent(seconds=7.0)
    counted = meter(lambda: now[0], spent, seconds=10)
    now[0] = 102.0
    counted.check()
    assert spent.seconds == 9.0
    now[0] = 103.0
    with pytest.raises(BudgetSpent, match="limit on seconds"):
        counted.check()


def test_money_is_refused_before_it_is_spent() -> None:
    counted = meter(money=0.02)
    with pytest.raises(BudgetSpent, match=r"limit on money.*\$0.00 of \$0.02"):
        counted.affordable(request())


def test_an_answer_gets_the_room_that_money_leaves() -> None:
    counted = meter(money=0.10)
    allowed = counted.affordable(request())
    assert LEAST_ANSWER <= allowed.max_tokens < 16_000
    assert meter(money=5).affordable(request()).max_tokens == 16_000
    assert meter(money=float("inf")).affordable(request()).max_tokens == 16_000


def test_short_answers_may_be_asked_for() -> None:
    assert meter(money=0.02).affordable(request(max_tokens=100)).max_tokens == 100


@given(
    st.floats(0, 0.3),
    st.lists(st.tuples(st.integers(0, 30_000), st.integers(0, 9_000)), max_size=12),
)
def test_a_cap_on_money_is_hard(money: float, turns: list[tuple[int, int]]) -> None:
    """Whatever the model makes of its room, what was paid never exceeds the cap."""
    counted, words = meter(money=money), ""
    for size, wanted in turns:
        words += "x" * size
        try:
            allowed = counted.affordable(request(words))
        except BudgetSpent:
            break
        context = len(words) + 40  # a token for each byte: text cannot be denser
        output = min(wanted * 10, allowed.max_tokens)
        counted.answered(turn(cache_write=context, output=output))
        words += "y" * output
    assert counted.spent.money <= money + 1e-9


def test_what_the_service_counted_is_not_estimated_again() -> None:
    spent = Spent()
    counted = meter(spent=spent, money=0.5)
    long = request("x" * 90_000)
    counted.affordable(long)
    counted.answered(turn(cache_write=20_000))
    grown = Request("m", (), (), (*long.messages, *request("more").messages), 16_000)
    assert meter(spent=spent, money=0.5).affordable(grown).max_tokens == 16_000
    with pytest.raises(BudgetSpent):
        meter(spent=spent, money=0.42).affordable(request("y" * 90_000))


def test_a_conversation_that_shrank_is_not_underrated() -> None:
    spent = Spent()
    counted = meter(spent=spent, money=0.5)
    counted.affordable(request("y" + "x" * 90_000))
    counted.answered(turn(cache_read=20_000))
    begins = request("y" + "x" * 90_000)
    spent.sent += 1_000_000  # as if far more had been sent than is now
    with pytest.raises(BudgetSpent):
        meter(spent=spent, money=0.3).affordable(begins)


def test_room_grows_up_to_the_cap() -> None:
    counted = meter(max_tokens=1000, max_tokens_cap=3000)
    assert [counted.more_room() for _ in range(3)] == [2000, 3000, 3000]


def test_unusable_answers_in_a_row() -> None:
    counted = meter(malformed=2)
    counted.usable(False)
    counted.usable(True)
    counted.usable(False)
    with pytest.raises(BudgetSpent, match="limit on malformed"):
        counted.usable(False)


def test_the_same_result_again_and_again() -> None:
    counted = meter(repeats=3)
    assert counted.called(*LOOK, ToolResult("x")) == ""
    assert counted.called(*LOOK, ToolResult("y")) == ""
    assert "gave the same result 2 times" in counted.called(*LOOK, ToolResult("x"))
    assert counted.called("look", {"a": 2}, ToolResult("x")) == ""
    with pytest.raises(BudgetSpent, match=r"limit on repeats.*look"):
        counted.called(*LOOK, ToolResult("x"))


def test_looking_again_after_a_change_is_no_repetition() -> None:
    counted = meter(repeats=3)
    for n in range(5):
        assert counted.called(*LOOK, ToolResult("still failing", is_error=True)) == ""
        assert counted.called("edit", {"to": n}, ToolResult("done", changed=("a.sql",))) == ""


def test_an_edit_made_and_unmade_is_a_repetition() -> None:
    counted = meter(repeats=3)
    there, back = (("edit", {"to": n}) for n in (1, 2))
    done = ToolResult("done", changed=("a.sql",))
    for _ in range(2):
        counted.called(*there, done)
        counted.called(*back, done)
    with pytest.raises(BudgetSpent, match="repeats"):
        counted.called(*there, done)


def test_what_was_spent_survives_its_json() -> None:
    spent = Spent(2, Usage(1, 2, 3, 4), 0.5, 7.5, 8, 100, "abc")
    assert Spent.from_json(spent.to_json()) == spent
