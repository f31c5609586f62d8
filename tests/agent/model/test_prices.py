"""What tokens cost; what is not known costs the most."""

from __future__ import annotations

import pytest

from agent.model.base import Usage
from agent.model.prices import DEAREST, FAMILIES, is_known, price_of


@pytest.mark.parametrize(
    ("name", "paid", "written"),
    [
        ("claude-sonnet-5-5", 2, 10),
        ("claude-sonnet-5", 2, 10),
        ("claude-sonnet-4-5-20250929", 3, 15),
        ("claude-sonnet-4-20250514", 3, 15),
        ("claude-opus-5-5", 4, 20),
        ("claude-opus-5", 5, 25),
        ("us.anthropic.claude-opus-4-8-v1:0", 5, 25),
        ("claude-opus-4-5@20251101", 5, 25),
        ("anthropic/claude-fable-5", 10, 50),
        ("claude-fable-5-1", 10, 50),
        ("claude-haiku-4-5-20251001", 1, 5),
        ("claude-haiku-5-5", 0.5, 2.5),
        ("claude-opus-4-1", 15, 75),
        ("claude-sonnet-5-9", 15, 75),
        ("claude-fable-5-2", 15, 75),
        ("claude-opus-50", 15, 75),
        ("some-other-model", 15, 75),
    ],
)
def test_the_price_of_a_name(name: str, paid: float, written: float) -> None:
    price = price_of(name)
    assert (price.input, price.output) == (paid, written)
    assert is_known(name) == (price != DEAREST)


def test_the_unknown_is_the_dearest() -> None:
    for _, price in FAMILIES:
        assert price.input <= DEAREST.input
        assert price.output <= DEAREST.output
        assert price.cache_write <= DEAREST.cache_write
        assert price.cache_read <= DEAREST.cache_read


def test_a_turn_costs_what_its_tokens_cost() -> None:
    price = price_of("claude-sonnet-4-6")
    usage = Usage(input=1_000_000, output=100_000, cache_read=1_000_000, cache_write=100_000)
    assert price.of(usage) == pytest.approx(3 + 1.5 + 0.3 + 0.375)


def test_a_request_never_costs_more_than_was_said() -> None:
    price = price_of("claude-opus-5")
    most = price.at_most(1000, 100)
    for split in (Usage(1000, 100), Usage(0, 100, 1000, 0), Usage(0, 100, 0, 1000)):
        assert price.of(split) <= most
