"""Whether sensitive columns can leave a query under another name than their own."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlglot import exp

from tools.sql.flow import exposed_columns
from tools.sql.parse import Node


def disguised(query: Node, sensitive: Collection[str]) -> str:
    """Why the values of sensitive columns could come out of a query unrecognised; empty if not.

    A column that is selected as it is keeps its name, and a hash, a count or a comparison does not
    show it. What cannot be followed counts as a disguise.

    Args:
        query: a whole query.
        sensitive: names of columns, in lower case.
    """
    return next(_disguises(query, sensitive), "") if sensitive else ""


def _disguises(query: Node, sensitive: Collection[str]) -> Iterator[str]:
    tables = {table.alias_or_name.lower() for table in query.find_all(exp.Table, exp.Subquery)}
    for select in query.find_all(exp.Select):
        for part in select.expressions:
            yield from _in_part(part, sensitive, tables)
    for alias in query.find_all(exp.TableAlias):
        if alias.args.get("columns") and not isinstance(alias.parent, exp.Values):
            yield "a table's columns are renamed by their position"
    if query.find(exp.Pivot) is not None:
        yield "a pivot renames columns"
    for union in query.find_all(exp.SetOperation):
        sides = [[p.output_name.lower() for p in s.selects] for s in (union.left, union.right)]
        if sides[0] != sides[1]:
            yield "the sides of a union name their columns differently"


def _in_part(part: Node, sensitive: Collection[str], tables: Collection[str]) -> Iterator[str]:
    """What one column of a select disguises."""
    star = part.this if isinstance(part, exp.Column) else part
    if isinstance(star, exp.Star):
        if star.args.get("rename") or star.args.get("replace"):
            yield "a star renames what it selects"
        return
    if part.find(exp.Columns, exp.Star) is not None and part.find(exp.Count) is None:
        yield "a star renames what it selects"
    for ref in exposed_columns(part):
        name = ref.name.lower()
        if name in sensitive and not _keeps(part, name):
            yield f"{name} is shown under another name"
        if ref.table is None and name in tables:
            yield f"{name} is a whole row"


def _keeps(part: Node, name: str) -> bool:
    plain = part.this if isinstance(part, exp.Alias) else part
    return isinstance(plain, exp.Column) and part.output_name.lower() == name
