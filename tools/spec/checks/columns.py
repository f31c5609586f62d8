"""Names of columns: each is one that its place can see, and only one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tools.findings import Finding, Severity
from tools.spec.checks.parts import Expression, Reference, names
from tools.spec.checks.view import ModelView, Scope, SpecView
from tools.spec.scope import Relation
from tools.spec.suggest import did_you_mean

# Words that some functions take as a unit and a parser may hand on as a column: date_part(day, x).
_UNITS = frozenset(
    "microsecond millisecond second minute hour day dow doy isodow week isoweek month quarter year "
    "isoyear epoch dayofweek dayofyear weekday".split()
)


def in_expressions(e: Expression) -> Iterator[Finding]:
    """SPEC010, SPEC011 and SPEC012 for the columns of an expression."""
    for reference in e.references():
        yield from resolve(e.of, reference)


def in_names(view: ModelView) -> Iterator[Finding]:
    """SPEC010, SPEC011 and SPEC012 for the columns that are named outside of expressions."""
    for reference in names(view):
        yield from resolve(view.of, reference)


def resolve(of: SpecView, reference: Reference) -> Iterator[Finding]:
    """What is wrong with one reference to a column; nothing if it is, or may be, one column."""
    rule = _bare if reference.ref.table is None else _qualified
    for finding in rule(of, reference):
        before = reference.before
        if before is not None and not any(rule(of, replace(reference, scope=before, before=None))):
            message = f"{reference.about}: {reference.ref} is not there once rows are grouped"
            hint = "add it to group_by, or an aggregate of it to aggregations"
            yield _error(of, reference, finding.code, message, hint)
        else:
            yield finding


def _bare(of: SpecView, reference: Reference) -> Iterator[Finding]:
    name, scope = reference.ref.name, reference.scope
    owners = [alias for alias, relation in scope.items() if relation.column(name)]
    if len(owners) > 1 and reference.home not in owners:
        message = f"{reference.about}: {name} may be {' or '.join(f'{a}.{name}' for a in owners)}"
        yield _error(of, reference, "SPEC011", message, "put the alias before it")
    elif not owners and all(r.known for r in scope.values()) and name.lower() not in _UNITS:
        known = [c.name for relation in scope.values() for c in relation.columns]
        message = f"{reference.about}: no column {name} in {_places(scope)}"
        yield _error(of, reference, "SPEC010", message, did_you_mean(name, dict.fromkeys(known)))


def _qualified(of: SpecView, reference: Reference) -> Iterator[Finding]:
    ref, scope = reference.ref, reference.scope
    found = _by_alias(scope, ref.table or "")
    if found is not None:
        if found.known and found.column(ref.name) is None:
            message = f"{reference.about}: {found.ref} has no column {ref.name}"
            hint = did_you_mean(ref.name, [c.name for c in found.columns])
            yield _error(of, reference, "SPEC010", message, hint)
    elif not any(r.column(ref.table or "") for r in scope.values()):  # else the field of a struct
        message = f"{reference.about}: {ref.table} is no alias here"
        yield _error(of, reference, "SPEC012", message, _aliases(ref.table or "", scope))


def _by_alias(scope: Scope, alias: str) -> Relation | None:
    return next((r for a, r in scope.items() if a.lower() == alias.lower()), None)


def _aliases(name: str, scope: Scope) -> str:
    by_table = next((a for a, r in scope.items() if r.ref.lower() == name.lower()), None)
    by_table = by_table or next(
        (a for a, r in scope.items() if r.ref.lower().rsplit(".", 1)[-1] == name.lower()), None
    )
    return f"it is called {by_table} here" if by_table else did_you_mean(name, scope)


def _places(scope: Scope) -> str:
    return ", ".join(dict.fromkeys(relation.ref for relation in scope.values()))


def _error(of: SpecView, reference: Reference, code: str, message: str, hint: str) -> Finding:
    return of.find(code, Severity.ERROR, message, reference.path, hint, reference.subject)


EXPRESSION_RULES = (in_expressions,)
MODEL_RULES = (in_names,)
