"""How much of a constitution a machine enforces, as data for a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tools.rules.article import Article, Constitution, Rule


@dataclass(frozen=True)
class RuleCoverage:
    """A rule: how it is checked and how many examples prove that it can fail."""

    id: str
    level: str
    on: str
    by: str
    passing: int
    failing: int
    waivers: int


@dataclass(frozen=True)
class ArticleCoverage:
    """An article and its rules; without any it is prose only."""

    id: str
    title: str
    path: str
    line: int
    machine_checked: bool
    rules: tuple[RuleCoverage, ...]


@dataclass(frozen=True)
class Coverage:
    """All articles, in order."""

    articles: tuple[ArticleCoverage, ...]

    @property
    def machine_checked(self) -> int:
        """The number of articles with at least one rule."""
        return sum(a.machine_checked for a in self.articles)

    @property
    def prose_only(self) -> int:
        """The number of articles that nothing enforces."""
        return len(self.articles) - self.machine_checked

    @property
    def rules(self) -> tuple[RuleCoverage, ...]:
        """The rules of all articles."""
        return tuple(rule for article in self.articles for rule in article.rules)

    def rows(self) -> tuple[tuple[str, ...], ...]:
        """One row a rule, one for each article without: article, rule, level, on, by, examples."""
        out: list[tuple[str, ...]] = []
        for article in self.articles:
            name = f"{article.id} {article.title}"
            if not article.rules:
                out.append((name, "", "", "", "not machine-checked", ""))
            for rule in article.rules:
                examples = f"{rule.passing} pass, {rule.failing} fail"
                out.append((name, rule.id, rule.level, rule.on, rule.by, examples))
        return tuple(out)

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "articles": [asdict(a) for a in self.articles],
            "machine_checked": self.machine_checked,
            "prose_only": self.prose_only,
            "rules": len(self.rules),
            "examples": sum(r.passing + r.failing for r in self.rules),
        }


def coverage(constitution: Constitution) -> Coverage:
    """What is enforced, rule by rule."""
    return Coverage(tuple(_article(a, constitution) for a in constitution.articles))


def _article(article: Article, constitution: Constitution) -> ArticleCoverage:
    return ArticleCoverage(
        article.id,
        article.title,
        article.location.path,
        article.location.line,
        article.machine_checked,
        tuple(_rule(r, constitution) for r in article.rules),
    )


def _rule(rule: Rule, constitution: Constitution) -> RuleCoverage:
    return RuleCoverage(
        rule.id,
        rule.level,
        rule.on,
        f"check {rule.check}" if rule.check else "CEL expression",
        sum(e.expects == "pass" for e in rule.examples),
        sum(e.expects == "fail" for e in rule.examples),
        sum(w.rule == rule.id for w in constitution.waivers),
    )
