"""A branch of a CASE is missing, out of order, or its ELSE is another one.

Stands for: a forgotten category, bands that are tested in the wrong order so that the first
swallows the second, an ELSE that was left out and gives NULL.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from sqlglot import exp

from tools.sql.mutate.change import Change, Edit, swap, text
from tools.sql.mutate.query import Query

NAME = "case_branch"


def changes(query: Query) -> Iterator[Change]:
    """Each branch dropped, neighbours swapped, results exchanged, ELSE dropped or changed."""
    for node in query.all(exp.Case, exp.If):
        if isinstance(node, exp.Case):
            yield from _branches(node)
            yield from _default(node)
        elif isinstance(node, exp.If) and not isinstance(node.parent, exp.Case):
            yield from _choice(node)


def _branches(case: exp.Case) -> Iterator[Change]:
    ifs = case.args["ifs"]
    for at, branch in enumerate(ifs):
        what = f"branch when {text(branch.this)} dropped"
        rest = [*ifs[:at], *ifs[at + 1 :]]
        default = case.args.get("default")
        if rest:
            yield Change(branch, what, (Edit(case, "ifs", rest),))
        else:
            by = default.copy() if default is not None else exp.null()
            yield Change(branch, what, (swap(case, by),))
    for at, (one, two) in enumerate(pairwise(ifs)):
        order = [*ifs[:at], two, one, *ifs[at + 2 :]]
        what = f"branches when {text(one.this, 30)} and when {text(two.this, 30)} change places"
        yield Change(one, what, (Edit(case, "ifs", order),))
        results = one.args["true"], two.args["true"]
        if results[0] != results[1]:
            what = f"results {text(results[0], 30)} and {text(results[1], 30)} change places"
            edits = Edit(one, "true", results[1].copy()), Edit(two, "true", results[0].copy())
            yield Change(one, what, edits)


def _default(case: exp.Case) -> Iterator[Change]:
    default, last = case.args.get("default"), case.args["ifs"][-1].args["true"]
    if default is not None and not isinstance(default, exp.Null):
        yield Change(default, f"else {text(default)} dropped", (Edit(case, "default", None),))
    if default is None or default != last:
        was = f"else {text(default)}" if default is not None else "no else"
        what = f"{was} becomes else {text(last)}"
        yield Change(default or last, what, (Edit(case, "default", last.copy()),))


def _choice(node: exp.If) -> Iterator[Change]:
    yes, no = node.args.get("true"), node.args.get("false")
    if yes is not None and no is not None and yes != no:
        edits = Edit(node, "true", no.copy()), Edit(node, "false", yes.copy())
        yield Change(node, f"results of {text(node)} change places", edits)
