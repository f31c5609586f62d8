"""Data sets for one model of a project, made from what its SQL and its tests say."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

from tools.verify.dataset import Dataset
from tools.verify.fixtures.bases import Base
from tools.verify.fixtures.facts import Facts
from tools.verify.fixtures.pools import pools_of
from tools.verify.fixtures.rows import Maker, Style
from tools.verify.oracle.engine import Engine

_SLICE = 34
_MOST_SLICES = 4


@dataclass(frozen=True)
class Sets:
    """Rows for one model.

    Args:
        datasets: the ones that faults are tried on.
        simple: ordinary rows only, few keys: for loads one after the other.
    """

    datasets: tuple[Dataset, ...]
    simple: tuple[Dataset, ...]


def rows_for_model(bases: Sequence[Base], facts: Facts, sql: str) -> Sets:
    """Same SQL and types, same rows.

    Args:
        bases: the tables to fill.
        facts: what is known of their columns.
        sql: seeds the choices.
    """
    seed = int(hashlib.sha256(sql.encode()).hexdigest()[:16], 16)
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    with Engine() as engine:
        pools = pools_of(bases, facts, engine, "duckdb")
        maker = Maker(bases, facts, pools, engine, "duckdb")
        slices = maker.slices(_SLICE)
        found = []
        for style in _styles(slices):
            own = random.Random(rng.getrandbits(64))  # noqa: S311
            found.append(maker.dataset(style, own))
        simple = [
            maker.dataset(Style(f"ordinary rows {n}", rows=12, keys=4, special=0.01), rng)
            for n in (1, 2, 3)
        ]
    distinct = {repr(d.tables): d for d in reversed(found)}
    return Sets(tuple(d for d in found if distinct.get(repr(d.tables)) is d), tuple(simple))


def _styles(slices: int) -> list[Style]:
    """Of wide tables not everything is shown one thing at a time: several at once come instead."""
    found = [
        Style(f"one thing at a time, {n + 1} of {slices}", keys=10, apart=0.8, slice=(n, slices))
        for n in range(min(slices, _MOST_SLICES))
    ]
    if slices > _MOST_SLICES:
        found += [Style(f"many things at once, {n}", rows=28, special=0.6) for n in (1, 2, 3)]
    return [
        *found,
        Style("where conditions turn", rows=34, special=0.1, keys=6, turning=True),
        Style("everything at once", rows=28, special=0.35),
        Style("few keys, many ties", rows=30, keys=2, variety=2, special=0.1, apart=0.0),
        Style("each on its own", rows=26, keys=24, special=0.4, apart=1.0),
        Style("around nothing", rows=32, keys=7, special=0.1, small=True, apart=0.1),
        Style("many NULLs", rows=20, special=0.5, nulls=0.7),
        Style("a single row", rows=1, keys=1, special=0.01),
        Style("no rows", rows=0, special=0.01),
        Style("far out", rows=20, special=0.4, extreme=True),
    ]
