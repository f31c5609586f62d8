"""All mutants of a program, in a fixed order, each once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from sqlglot import exp

from tools.sql.audit import line_of
from tools.sql.equivalent.facts import Facts
from tools.sql.mutate.change import Change, applied
from tools.sql.mutate.grouped import everywhere
from tools.sql.mutate.loads import LOADS, load_faults
from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import THIS, Program, canonical, text_of
from tools.sql.mutate.query import Query
from tools.sql.mutate.registry import registered
from tools.sql.mutate.text import Cut, Text
from tools.sql.parse import Node, parse_query


@dataclass(frozen=True)
class _Fault:
    """One form of a query with a fault, and what tells the fault from others in another form."""

    operator: str
    what: str
    sql: str
    line: int
    column: int
    path: str
    cut: Cut | None
    key: tuple[str, str, str, int]
    unlucky: str = ""


def mutants(
    program: Program | str,
    facts: Facts | None = None,
    *,
    operators: Collection[str] | None = None,
) -> tuple[Mutant, ...]:
    """The mutants of a program: operators in alphabetical order, places in the order of the text.

    A fault in a text that both forms of an incremental model share is planted in both. Nothing is
    executed: some mutants may not bind, and some may be equivalent to the original.

    Args:
        program: what the model runs, or its query.
        facts: columns, types and keys of the relations that it reads, as far as they are known.
        operators: names of the operators to use; all when it is None.

    Raises:
        SqlError: when a form is not one query.
        KeyError: an operator that does not exist.
    """
    given = Program(program) if isinstance(program, str) else program
    forms = [canonical(q) for q in given.queries]
    original = Program(forms[0], forms[1] if len(forms) > 1 else "", given.load)
    faults = [_faults(query, facts or {}, operators) for query in given.queries]
    one = len(faults) == 1
    found = _single(faults[0], original) if one else _paired(faults[0], faults[1], original)
    if given.incremental:
        found += load_faults(original, operators)
    seen = {original}
    unique = []
    for mutant in sorted(found, key=lambda m: (m.operator, m.location)):
        if mutant.program not in seen:
            seen.add(mutant.program)
            unique.append(mutant)
    return tuple(unique)


def _single(faults: list[_Fault], original: Program) -> list[Mutant]:
    found = []
    for fault in faults:
        made = _mutant(fault, replace(original, sql=fault.sql), original)
        unlucky = replace(original, sql=fault.unlucky) if fault.unlucky else None
        found.append(replace(made, cut=fault.cut, unlucky=unlucky))
    return found


def _paired(first: list[_Fault], later: list[_Fault], original: Program) -> list[Mutant]:
    """Mutants of both forms: what is the same fault in both is one mutant."""
    others = {f.key: f for f in first}
    found = []
    for fault in later:
        twin = others.pop(fault.key, None)
        sql = twin.sql if twin is not None else original.sql
        made = _mutant(fault, replace(original, sql=sql, incremental=fault.sql), original)
        cut = twin.cut if twin is not None else None
        unlucky = None
        if fault.unlucky:
            start = twin.unlucky if twin is not None else original.sql
            unlucky = replace(original, sql=start, incremental=fault.unlucky)
        found.append(replace(made, cut=cut, later=fault.cut, unlucky=unlucky))
    return found + _single(list(others.values()), original)


def _mutant(fault: _Fault, program: Program, original: Program) -> Mutant:
    place = (fault.line, fault.column, fault.path)
    return Mutant(fault.operator, fault.what, program, original, *place)


def _faults(sql: str, facts: Facts, operators: Collection[str] | None) -> list[_Fault]:
    query = Query(parse_query(sql, "duckdb"), facts, THIS)
    known = registered()
    names = known if operators is None else [n for n in sorted(operators) if n not in LOADS]
    return [fault for name in names for fault in _of_operator(name, query)]


def _of_operator(name: str, query: Query) -> Iterator[_Fault]:
    """The faults of one operator; they are told apart by their CTE, their words, their turn."""
    turns: dict[tuple[str, str], int] = {}
    text = Text(query.tree)
    for given in list(registered()[name].changes(query)):
        change = everywhere(given, query)
        with applied(change):
            sql, cut = text.changed([e.node for e in change.edits])
        unlucky = ""
        if change.unlucky:
            with applied(replace(change, edits=change.unlucky)):
                unlucky = text_of(query.tree)
        cte = change.site.find_ancestor(exp.CTE)
        words = (cte.alias if cte is not None else "", change.what)
        turns[words] = turns.get(words, 0) + 1
        line, column = place(change)
        key = (name, *words, turns[words])
        yield _Fault(name, change.what, sql, line, column, path_of(change.site), cut, key, unlucky)


def place(change: Change) -> tuple[int, int]:
    """Line and column of the first name or literal of the site, from 1; zeros when unknown."""
    found = [
        # The tokenizer gives the column of the last letter.
        (int(m["line"]), max(1, int(m["col"]) - int(m["end"]) + int(m["start"])))
        for node in change.site.walk()
        if (m := node.meta).get("line") and m.get("start") is not None
    ]
    return min(found) if found else (line_of(change.site), 0)


def path_of(node: Node) -> str:
    """The way from the root of the tree to a node."""
    steps: list[str] = []
    at: Node | None = node
    while at is not None and at.parent is not None:
        steps.append(f"{at.arg_key}[{at.index}]" if at.index is not None else str(at.arg_key))
        at = at.parent
    return ".".join(reversed(steps)) or type(node).__name__.lower()
