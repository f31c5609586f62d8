"""What tokens cost, per family of models.

The table is data: USD per million tokens, standard tier, five-minute cache writes, as listed by
https://platform.claude.com/docs/en/about-claude/pricing in October 2026. ``Limits.price`` overrides
it. A model that is in neither is priced as the dearest, so that a cap on money stays a cap.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.model.base import Usage

MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """USD per million tokens.

    Args:
        input: read for the first time, without a cache.
        output: written.
        cache_read: served from the prompt cache.
        cache_write: put into the prompt cache.
    """

    input: float
    output: float
    cache_read: float
    cache_write: float

    def of(self, usage: Usage) -> float:
        """What a turn costs, in USD."""
        return (
            usage.input * self.input
            + usage.output * self.output
            + usage.cache_read * self.cache_read
            + usage.cache_write * self.cache_write
        ) / MILLION

    def at_most(self, context: int, output: int) -> float:
        """The most that a request can cost, in USD, whatever the cache does."""
        dearest = max(self.input, self.cache_write, self.cache_read)
        return (context * dearest + output * self.output) / MILLION


# The first pattern that is found in the name wins; names of Bedrock and Vertex contain it too. A
# minor version that is not listed is another model: it may cost something else.
# Haiku 5.5 costs five times as much once a prompt is over 100,000 tokens: that price is the one
# here, since what is not known before a request must not break a cap.
FAMILIES: tuple[tuple[str, Price], ...] = (
    (r"(fable|mythos)-5-1", Price(10, 50, 0.25, 12.5)),
    (r"(fable|mythos)-5", Price(10, 50, 1, 12.5)),
    (r"opus-5-5", Price(4, 20, 0.2, 5)),
    (r"opus-(5|4-[5-9])", Price(5, 25, 0.5, 6.25)),
    (r"sonnet-5-5", Price(2, 10, 0.1, 2.5)),
    (r"sonnet-5", Price(2, 10, 0.2, 2.5)),
    (r"sonnet-4(-[56])?", Price(3, 15, 0.3, 3.75)),
    (r"haiku-5-5", Price(0.5, 2.5, 0.05, 0.625)),
    (r"haiku-4-5", Price(1, 5, 0.1, 1.25)),
)
NO_MINOR = r"(?!-\d{1,2}\b|\d)"
DEAREST = Price(15, 75, 1.5, 18.75)
"""The highest prices that the table ever had (Opus 4)."""


def price_of(model: str) -> Price:
    """The price of a model by its name.

    Args:
        model: as the endpoint calls it: ``claude-sonnet-5-5``, ``us.anthropic.claude-opus-5-v1:0``.
    """
    return next((price for name, price in FAMILIES if re.search(name + NO_MINOR, model)), DEAREST)


def is_known(model: str) -> bool:
    """Whether the price of a model is known, rather than assumed to be the highest."""
    return any(re.search(name + NO_MINOR, model) for name, _ in FAMILIES)
