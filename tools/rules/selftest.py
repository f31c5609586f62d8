"""The proof that rules can fail: each failing example has to break its rule, no passing one may."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tools.errors import InputError
from tools.findings import Finding, Report, Severity
from tools.rules.article import Article, Constitution, Example, Rule
from tools.rules.engine import evaluate
from tools.rules.examples import subject_of
from tools.rules.registry import Check, registered

_FAULTS = ("CON013", "CON014")


def self_test(constitution: Constitution, *, checks: Mapping[str, Check] | None = None) -> Report:
    """Every example of every rule, evaluated with that rule alone.

    Codes: ``CON011`` a failing example passes, so the rule cannot fail; ``CON012`` a passing
    example fails; ``CON010`` an example that is not one.

    Args:
        constitution: the rules; waivers are left aside.
        checks: the registered checks; those of this installation by default.
    """
    known = registered() if checks is None else checks
    return Report.of(
        finding
        for article in constitution.articles
        for rule in article.rules
        for example in rule.examples
        for finding in _try(article, rule, example, known)
    )


def _try(
    article: Article, rule: Rule, example: Example, checks: Mapping[str, Check]
) -> Iterator[Finding]:
    alone = Constitution("", (replace(article, rules=(rule,), gates=()),))
    try:
        report = evaluate(alone, subject_of(example, rule.on), checks=checks)
    except InputError as error:
        yield from error.findings
        return
    faults = [f for f in report if f.code in _FAULTS]
    broken = [f for f in report if f.code == rule.id]
    if faults:
        message = f"this {example.expects} example of {rule.id} is not judged: {faults[0].message}"
        yield Finding("CON010", Severity.ERROR, message, example.location, subject=rule.id)
    elif example.expects == "fail" and not broken:
        message = f"{rule.id} cannot fail: its failing example passes"
        hint = f"correct the example, or {rule.check or 'the expression'}"
        yield Finding("CON011", Severity.ERROR, message, example.location, hint, subject=rule.id)
    elif example.expects == "pass" and broken:
        message = f"{rule.id} fails its passing example: {broken[0].message}"
        hint = f"correct the example, or {rule.check or 'the expression'}"
        yield Finding("CON012", Severity.ERROR, message, example.location, hint, subject=rule.id)
