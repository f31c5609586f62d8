"""Rules against a subject: findings, waived or not.

Codes: the id of a rule for its breaches; ``CON013`` a rule that cannot be evaluated, ``CON014`` a
generated file that cannot be read, ``CON020`` waivers; and the notes of the constitution itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from tools.findings import Finding, Report, Severity
from tools.rules import cel
from tools.rules.article import SEVERITY, Constitution, Gate, Rule
from tools.rules.breach import Breach
from tools.rules.items import Item, items
from tools.rules.registry import Check, registered
from tools.rules.subject import Change, SqlFile, Subject, View
from tools.rules.waivers import apply_waivers, unused_waivers

__all__ = ["Change", "SqlFile", "Subject", "evaluate", "gates"]


def evaluate(
    constitution: Constitution, subject: Subject, *, checks: Mapping[str, Check] | None = None
) -> Report:
    """Every rule against everything it looks at.

    A breach of a MUST is an error, of a SHOULD a warning; with a valid waiver it is a note. What
    cannot be evaluated is never a pass: it is a finding of the rule's weight.

    Args:
        constitution: the rules.
        subject: what they are about; parts that are missing are not looked at.
        checks: the registered checks; those of this installation by default.
    """
    known = registered() if checks is None else checks
    view = View(subject)
    cached = lru_cache(maxsize=None)(lambda on: items(view, on))
    findings = [f for rule in constitution.rules for f in _judge(rule, cached(rule.on), known)]
    names = frozenset(view.names()) if constitution.waivers else frozenset()
    return Report.of(
        (
            *apply_waivers(findings, constitution.waivers, subject.today),
            *unused_waivers(constitution, findings, names),
            *_unreadable(view),
            *constitution.notes,
        )
    )


def gates(constitution: Constitution, subject: Subject) -> tuple[Gate, ...]:
    """The gates that a run of the subject's spec has to pass.

    A gate whose ``when`` cannot be evaluated holds: better a person too many than none.
    """
    variables = {"spec": View(subject).spec_json}
    found = []
    for gate in constitution.gates:
        try:
            wanted = gate.when is None or cel.holds(gate.when, variables)
        except cel.CelError:
            wanted = True
        if wanted:
            found.append(gate)
    return tuple(found)


def _judge(rule: Rule, about: tuple[Item, ...], checks: Mapping[str, Check]) -> Iterator[Finding]:
    check = checks[rule.check] if rule.check else None
    params = check.params.model_validate(rule.options) if check else None
    for item in about:
        if item.unreadable is not None:
            yield _no_sql(item)
            continue
        try:
            if rule.when is not None and not cel.holds(rule.when, _used(rule.when, item)):
                continue
            if rule.expr is not None:
                if not cel.holds(rule.expr, _used(rule.expr, item)):
                    yield _finding(rule, item, Breach(rule.message))
                continue
        except cel.CelError as error:
            yield _not_evaluated(rule, item, error.message)
            continue
        for breach in check.run(item, params) if check else ():
            yield _finding(rule, item, breach)


def _used(expression: str, item: Item) -> dict[str, Any]:
    """The variables that an expression names: converting the others to CEL would cost the most."""
    names = cel.variables_of(expression)
    return {k: v for k, v in item.variables.items() if k in names}


def _finding(rule: Rule, item: Item, breach: Breach) -> Finding:
    return Finding(
        code=rule.id,
        severity=SEVERITY[rule.level],
        message=breach.message,
        location=breach.location or item.location,
        hint=breach.hint or rule.hint,
        evidence=breach.evidence,
        subject=breach.subject or item.name,
        fix=breach.fix,
    )


def _not_evaluated(rule: Rule, item: Item, why: str) -> Finding:
    return Finding(
        "CON013",
        SEVERITY[rule.level],
        f"{rule.id} cannot be evaluated on {item.name}: {why}",
        rule.location,
        "correct the expression; a rule without an answer is not a rule that passed",
        subject=item.name,
    )


def _no_sql(item: Item) -> Finding:
    why = item.unreadable.message if item.unreadable else ""
    return Finding(
        "CON014",
        Severity.ERROR,
        f"no rule can look at {item.name}: its SQL {why}",
        item.location,
        "correct the SQL",
        subject=item.name,
    )


def _unreadable(view: View) -> Iterator[Finding]:
    for finding in view.unreadable if view.subject.artifacts else ():
        yield replace(
            finding, code="CON014", message=f"no rule can look at this file: {finding.message}"
        )
