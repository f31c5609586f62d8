"""The constitution as data: articles, rules, examples, gates, waivers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tools.findings import Finding, Location, Severity

Level = Literal["MUST", "SHOULD"]

SEVERITY: Mapping[Level, Severity] = {"MUST": Severity.ERROR, "SHOULD": Severity.WARNING}
"""What a breach of a rule weighs."""


@dataclass(frozen=True)
class Example:
    """A ``pass`` or ``fail`` block of a rule.

    ``language`` is ``sql`` (a query) or ``yaml`` (a fragment, see :mod:`tools.rules.examples`).
    """

    expects: Literal["pass", "fail"]
    language: Literal["yaml", "sql"]
    text: str
    location: Location


@dataclass(frozen=True)
class Rule:
    """A rule that a machine enforces: a registered ``check``, or a CEL expression ``expr``.

    Args:
        id: the article's id and a number, ``A2.R1``.
        level: MUST stops a run, SHOULD warns.
        on: what it looks at; see :mod:`tools.rules.items`.
        check: the name of a registered check, or None.
        options: what ``with:`` gives to the check.
        expr: a CEL expression that has to be true, or None.
        when: a CEL expression; where it is false the rule does not apply.
        message: what to say when ``expr`` is false.
        hint: what to do about it.
        location: where the block starts.
        examples: its ``pass`` and ``fail`` blocks, in order.
    """

    id: str
    level: Level
    on: str
    check: str | None
    options: Mapping[str, Any]
    expr: str | None
    when: str | None
    message: str
    hint: str
    location: Location
    examples: tuple[Example, ...] = ()

    @property
    def article(self) -> str:
        """The id of its article."""
        return self.id.split(".", 1)[0]


@dataclass(frozen=True)
class Gate:
    """A place where a run waits for a person: ``before`` names the step that does not start."""

    id: str
    before: Literal["generate", "commit"]
    when: str | None
    message: str
    location: Location

    @property
    def what(self) -> Literal["spec", "code"]:
        """What the person approves: the spec before code is made, the code before the commit."""
        return "spec" if self.before == "generate" else "code"


@dataclass(frozen=True)
class Article:
    """A section ``## A2 Grain and joins {#A2}``: prose for people, rules for the machine."""

    id: str
    title: str
    prose: str
    location: Location
    rules: tuple[Rule, ...] = ()
    gates: tuple[Gate, ...] = ()

    @property
    def machine_checked(self) -> bool:
        """Whether any rule enforces it."""
        return bool(self.rules)


@dataclass(frozen=True)
class Waiver:
    """An exception that a person answers for, until a date.

    ``path`` is a glob over the path of the file that a finding is in and over its subject.
    """

    rule: str
    path: str
    reason: str
    owner: str
    expires: dt.date
    location: Location


@dataclass(frozen=True)
class Constitution:
    """All articles of a folder, in order of file and line, and the waivers beside them."""

    folder: str
    articles: tuple[Article, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    notes: tuple[Finding, ...] = field(default=())

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of all articles."""
        return tuple(rule for article in self.articles for rule in article.rules)

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The gates of all articles."""
        return tuple(gate for article in self.articles for gate in article.gates)

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that id."""
        return next((r for r in self.rules if r.id == rule_id), None)

    def article(self, article_id: str) -> Article | None:
        """The article of that id."""
        return next((a for a in self.articles if a.id == article_id), None)
