"""Names say what a table is and which layer it belongs to.

Anti-pattern: ``Orders2`` in marts, ``customerTable`` in staging: nobody can tell what may be built
on it, and two names that differ in case alone are one table on most platforms.

Best practice: ``snake_case`` everywhere; ``stg_`` for staging, ``int_`` for intermediate, and in
marts what kind of table it is: ``dim_``, ``fct_``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.rules.breach import Breach, Options
from tools.rules.items import Item

NAME = "naming"
ON = ("model", "column")

_SNAKE = re.compile(r"^[a-z_][a-z0-9_]*$")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


class Params(Options):
    """``prefixes`` by layer; a layer that is not named may start as it likes."""

    snake_case: bool = True
    prefixes: dict[str, list[str]] = {}
    max_length: int = 63


def check(item: Item, params: Params) -> Iterator[Breach]:
    """Yields a breach for each way in which a name is not as it should be."""
    name = item.column.name if item.column else item.model.name if item.model else ""
    if params.snake_case and not _SNAKE.match(name):
        yield Breach(f"{name} is not snake_case", f"call it {snake_case(name)}")
    if len(name) > params.max_length:
        yield Breach(f"{name} has {len(name)} characters, more than {params.max_length}")
    if item.on == "model" and item.model is not None:
        wanted = params.prefixes.get(item.model.layer, [])
        if wanted and not name.startswith(tuple(wanted)):
            hint = f"start it with {' or '.join(wanted)}"
            yield Breach(f"the name of {name} does not say that it is in {item.model.layer}", hint)


def snake_case(name: str) -> str:
    """A name as snake_case: ``DimOrder`` -> ``dim_order``."""
    return "_".join(w.lower() for w in _WORDS.split(name) if w) or name
