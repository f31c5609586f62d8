"""Sources: extracts that can show what is claimed of them, by columns that are there."""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Finding, Severity
from tools.spec.checks.columns import resolve
from tools.spec.checks.expressions import of_one_row
from tools.spec.checks.parts import Expression
from tools.spec.checks.view import SpecView
from tools.spec.edges import Path
from tools.spec.scope import relation
from tools.spec.source import Source, SourceTable
from tools.spec.suggest import did_you_mean


def _tables(of: SpecView) -> Iterator[tuple[Path, Source, SourceTable]]:
    for s, source in enumerate(of.spec.sources):
        for t, table in enumerate(source.tables):
            yield ("sources", s, "tables", t), source, table


def deletes(of: SpecView) -> Iterator[Finding]:
    """SPEC060: each way to see a delete needs the extract that shows it."""
    for path, source, table in _tables(of):
        name, how = f"{source.name}.{table.name}", table.deletes.how
        message = hint = ""
        if how == "absence" and table.extract != "full":
            message = f"deletes of {name} show by absence, and its extract is {table.extract}"
            hint = "absence shows in a full extract only: set extract: full, or deletes: predicate"
        elif how == "operation" and (table.extract != "cdc" or table.operation is None):
            lacks = "operation is not declared" if table.extract == "cdc" else "extract is not cdc"
            message = f"deletes of {name} show by operation, and its {lacks}"
            hint = "set extract: cdc and operation: {column: ...}"
        elif how == "predicate" and table.deletes.predicate is None:
            message = f"deletes of {name} show by a predicate, and none is given"
            hint = "write deletes.predicate, such as is_deleted"
        elif how != "predicate" and table.deletes.predicate is not None:
            message = f"deletes of {name} have a predicate, and how is {how}"
            hint = "set how: predicate, or drop the predicate"
        if message:
            yield of.find("SPEC060", Severity.ERROR, message, (*path, "deletes"), hint, name)


def feeds(of: SpecView) -> Iterator[Finding]:
    """SPEC062: what an extract continues from, and what a change feed says of each row."""
    for path, source, table in _tables(of):
        name = f"{source.name}.{table.name}"
        if table.extract == "incremental" and table.cursor is None:
            message = f"{name} is extracted incrementally and has no cursor"
            hint = "write cursor with the column that grows with each change, or extract: full"
            yield of.find("SPEC062", Severity.ERROR, message, (*path, "extract"), hint, name)
        if table.extract == "cdc" and table.operation is None:
            message = f"{name} is a change feed without operation: its deletes look like changes"
            hint = "write operation: {column: ..., deleted: [D]}"
            yield of.find("SPEC062", Severity.ERROR, message, (*path, "extract"), hint, name)
        if table.extract != "cdc" and table.operation is not None:
            message = f"{name} declares operation, and its extract is {table.extract}"
            hint = "set extract: cdc, or drop operation"
            yield of.find("SPEC062", Severity.ERROR, message, (*path, "operation"), hint, name)


def columns_exist(of: SpecView) -> Iterator[Finding]:
    """SPEC061: key, cursor, load time and operation are declared columns."""
    for path, source, table in _tables(of):
        named: list[tuple[Path, str]] = [
            (("primary_key", i), name) for i, name in enumerate(table.primary_key)
        ]
        named += [((s,), v) for s in ("cursor", "loaded_at") if (v := getattr(table, s))]
        if table.operation is not None:
            named.append((("operation", "column"), table.operation.column))
        for where, name in named if table.columns else ():
            if table.column(name) is None:
                full = f"{source.name}.{table.name}"
                message = f"{full}: {where[0]} names {name}, which is none of its columns"
                hint = did_you_mean(name, [c.name for c in table.columns])
                yield of.find("SPEC061", Severity.ERROR, message, (*path, *where), hint, full)


def predicates(of: SpecView) -> Iterator[Finding]:
    """The codes of expressions, for ``deletes.predicate``."""
    for path, source, table in _tables(of):
        if table.deletes.predicate is None:
            continue
        name = f"{source.name}.{table.name}"
        seen = relation(of.spec, name, table.name)
        e = Expression(
            of=of,
            path=(*path, "deletes", "predicate"),
            text=table.deletes.predicate,
            scope={table.name: seen},
            home=table.name,
            place="predicate",
            about=f"deletes of {name}",
            subject=name,
        )
        yield from of_one_row(e)
        for reference in e.references():
            yield from resolve(of, reference)


SPEC_RULES = (deletes, feeds, columns_exist, predicates)
