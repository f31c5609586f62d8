"""Lint on specs that somebody has damaged: findings, never a traceback."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.errors import InputError
from tools.spec.graph import lint_platform, order
from tools.spec.lint import lint
from tools.spec.load import parse_spec
from tools.spec.positions import read_document

FILES = sorted(Path("specs").glob("*.yaml"))
DATA = [read_document(f.read_text("utf-8"), f.name).data for f in FILES]
JUNK: list[Any] = [
    "", "x", "order", "a.b.c", "customer_id", "order_id desc", "sum(amount)", "count(*)",
    "sum(x) over ()", "(", "'", "select 1", "a; b", "{from}", "{order_id}", "{", "now()",
    "accepted_values(...)", "scd2", "append", "marts", "staging", "one_to_many", "cross", "full",
    "shop.order", "int_orders", "dim_customer", "Ünïcode", "1", "* * * * *", "x" * 70,
    None, True, 0, -1, 1.5, [], {}, ["x"], {"x": "y"}, [{"name": "x"}],
]  # fmt: skip


def paths(data: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of every part of plain data."""
    if at:
        yield at
    listed = enumerate(data) if isinstance(data, list) else ()
    items = data.items() if isinstance(data, dict) else listed
    for key, value in items:
        yield from paths(value, (*at, key))


PATHS = [list(paths(data)) for data in DATA]


def damage(data: Any, path: tuple[str | int, ...], value: Any) -> None:
    """Set, or with ``...`` remove, the part at a path, if it is still there."""
    part = data
    for step in path[:-1]:
        try:
            part = part[step]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(part, dict) or (isinstance(part, list) and int(path[-1]) < len(part)):
        if value is ...:
            part.pop(path[-1], None) if isinstance(part, dict) else part.pop(int(path[-1]))
        else:
            part[path[-1]] = value


@st.composite
def damaged(draw: st.DrawFn) -> str:
    which = draw(st.integers(0, len(DATA) - 1))
    data = json.loads(json.dumps(DATA[which]))
    for path in draw(st.lists(st.sampled_from(PATHS[which]), min_size=1, max_size=3)):
        damage(data, path, draw(st.sampled_from([..., *JUNK])))
    return json.dumps(data)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_lint_of_a_damaged_spec(text: str) -> None:
    try:
        loaded = parse_spec(text, path="x.json", file=Path("/specs/x.json"))
    except InputError:
        return
    for finding in (*lint(loaded), *lint_platform([loaded])):
        assert finding.location is not None
        assert finding.message
    with contextlib.suppress(InputError):
        order(loaded.spec, loaded)
