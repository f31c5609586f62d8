"""Faults in the way that rows of an incremental model are loaded; its SQL stays as it is.

Stands for: a merge key that is missing or incomplete, so that rows are doubled or others are
overwritten; an update that ran without its insert; a predicate or a hook that was lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import Load, Program

LOADS = MERGE_KEY, LOAD_STEP, LOAD_SETTING = "merge_key", "load_step", "load_setting"
"""The names of the operators."""

_WORDS = 50  # characters of a hook that are named


def load_faults(original: Program, operators: Collection[str] | None = None) -> list[Mutant]:
    """The mutants of a program's load, for the operators ``merge_key load_step load_setting``."""
    return [
        Mutant(operator, what, replace(original, load=load), original)
        for operator, what, load in _faults(original.load)
        if operators is None or operator in operators
    ]


def _faults(load: Load) -> Iterator[tuple[str, str, Load]]:
    key = load.unique_key
    for at, name in enumerate(key if len(key) > 1 else ()):
        rest = (*key[:at], *key[at + 1 :])
        yield MERGE_KEY, f"{name} dropped from the merge key", replace(load, unique_key=rest)
    if key and load.strategy != "append":
        added = replace(load, strategy="append", unique_key=(), predicates=())
        yield MERGE_KEY, "merge key dropped: rows are only added", added
        yield LOAD_STEP, "close without insert: new rows are left out", _without(load, "insert")
    if load.strategy == "merge" and key:
        yield LOAD_STEP, "rows that are there are not updated", _without(load, "update")
    for at, predicate in enumerate(load.predicates):
        rest = (*load.predicates[:at], *load.predicates[at + 1 :])
        yield LOAD_SETTING, f"predicate {predicate} dropped", replace(load, predicates=rest)
    for at, hook in enumerate(load.post_hooks):
        rest = (*load.post_hooks[:at], *load.post_hooks[at + 1 :])
        words = " ".join(hook.split())
        named = words if len(words) <= _WORDS else f"{words[:_WORDS].rstrip()}…"
        yield LOAD_SETTING, f"post hook {named} dropped", replace(load, post_hooks=rest)


def _without(load: Load, step: str) -> Load:
    skipped: Load = replace(load, skipped=(*load.skipped, step))  # type: ignore[arg-type]
    return skipped
