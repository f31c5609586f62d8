"""The fewest rows that still tell a mutant from the original.

The method is delta debugging: ddmin of Zeller and Hildebrandt, "Simplifying and isolating
failure-inducing input" (2002).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def smallest(
    items: Sequence[Item], holds: Callable[[Sequence[Item]], bool], checks: int = 200
) -> list[Item]:
    """A subset that still holds and of which (checks permitting) no single item can go.

    Args:
        items: for which it holds.
        holds: the test; asked at most ``checks`` times.
        checks: the limit.
    """
    kept, parts, asked = list(items), 2, 0
    while len(kept) > 1 and asked < checks:
        size = -(-len(kept) // parts)
        for start in range(0, len(kept), size):
            fewer = kept[:start] + kept[start + size :]
            asked += 1
            if fewer and holds(fewer):
                kept, parts = fewer, max(parts - 1, 2)
                break
            if asked >= checks:
                break
        else:
            if parts >= len(kept):
                break
            parts = min(len(kept), parts * 2)
    return kept
