"""The constitution's files to articles and rules, every error with file and line.

A constitution is a folder of markdown files (``README.md`` aside) and ``waivers.yaml``. An article
is a section ``## A2 Grain and joins {#A2}``. In it, fenced blocks count by their first word:

- ``rule``: YAML with ``id``, ``level``, ``on``, and ``check`` + ``with`` or ``expr`` + ``message``;
  optionally ``when`` and ``hint``. :mod:`tools.rules.items` lists the CEL variables of each ``on``.
- ``pass``, ``fail``: examples of the rule block above them; :mod:`tools.rules.examples` says what
  they hold. A second word, ``sql`` or ``yaml``, says which when it is not the usual one.
- ``gate``: YAML with ``id``, ``before: generate | commit``, ``message``, optionally ``when``: a
  place where every run waits for a person.

Any other block is prose.

Codes: ``CON001`` file, ``CON002`` fence, ``CON003`` heading or block out of place, ``CON004`` what
a block says, ``CON005`` unknown check, ``CON006`` its options, ``CON007`` CEL, ``CON008``
duplicate id, ``CON009`` missing example, ``CON010`` MUST that nothing enforces,
``CON020`` waiver; as a note, ``CON015`` an article that is prose only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tools.errors import InputError, UsageError
from tools.findings import Finding, Location, Severity
from tools.rules.article import Article, Constitution, Gate, Rule
from tools.rules.read import problem, read_articles
from tools.rules.registry import Check, registered
from tools.rules.waivers import read_waivers
from tools.workspace import read_text

MAX_BYTES = 512 * 1024
"""A file of the constitution is prose for people; a longer one is something else."""

MAX_FILES = 200

WAIVERS = "waivers.yaml"


def load_constitution(folder: Path) -> Constitution:
    """Read and check the constitution in a folder.

    Raises:
        UsageError: there is no such folder, or a file in it cannot be opened.
        InputError: anything in it is wrong; the findings say where, all of them at once.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder", "give the folder that holds the constitution")
    texts: dict[str, str] = {}
    findings: list[Finding] = []
    for path in _files(folder):
        shown = f"{folder.name}/{path.name}"
        try:
            texts[shown] = read_text(path, limit=MAX_BYTES)
        except InputError as error:
            findings.extend(_moved(error.findings, shown))
    return parse_constitution(texts, folder=folder.name, findings=findings)


def parse_constitution(
    texts: Mapping[str, str],
    *,
    folder: str = "constitution",
    findings: Iterable[Finding] = (),
    checks: Mapping[str, Check] | None = None,
) -> Constitution:
    """A constitution from the texts of its files; pure.

    Args:
        texts: shown path to text; the one called ``waivers.yaml`` holds the waivers.
        folder: its name.
        findings: what is wrong already.
        checks: the registered checks; those of this installation by default.

    Raises:
        InputError: anything in it is wrong.
    """
    known = registered() if checks is None else checks
    wrong = list(findings)
    articles: list[Article] = []
    for path, text in texts.items():
        if path.rsplit("/", 1)[-1] != WAIVERS:
            read, problems = read_articles(text, path, known)
            articles.extend(read)
            wrong.extend(problems)
    if not articles and not wrong:
        hint = "write a section such as '## A1 Naming {#A1}' in a .md file there"
        wrong.append(problem("CON001", "there is no article", Location(folder), hint))
    wrong.extend(_duplicates(articles))
    wrong.extend(f for article in articles for f in _complete(article))
    rules = [rule.id for article in articles for rule in article.rules]
    waivers, problems = read_waivers(texts, WAIVERS, rules)
    wrong.extend(problems)
    errors = [f for f in wrong if f.severity is Severity.ERROR]
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        first = errors[0]
        raise InputError(f"{first.location}: {first.message}{more}", first.hint, tuple(wrong))
    notes = (*wrong, *(_prose_only(a) for a in articles if not a.machine_checked))
    return Constitution(folder, tuple(articles), tuple(waivers), notes)


def _files(folder: Path) -> list[Path]:
    found = [p for p in sorted(folder.glob("*.md")) if p.stem.lower() != "readme"]
    if len(found) > MAX_FILES:
        raise UsageError(
            f"{folder}: {len(found)} files; at most {MAX_FILES} are read as a constitution",
            "give the folder that holds the constitution",
        )
    waivers = folder / WAIVERS
    return [*found, waivers] if waivers.exists() else found


def _moved(findings: Iterable[Finding], shown: str) -> Iterator[Finding]:
    for finding in findings:
        where = finding.location or Location(shown)
        yield replace(finding, code="CON001", location=replace(where, path=shown))


def _duplicates(articles: Iterable[Article]) -> Iterator[Finding]:
    seen: dict[str, Location] = {}
    parts: list[Article | Rule | Gate] = []
    for article in articles:
        parts.extend((article, *article.rules, *article.gates))
    for part in parts:
        first = seen.setdefault(part.id, part.location)
        if first is not part.location:
            message = f"{part.id} is also the id of {first}"
            yield problem("CON008", message, part.location, "give one of them another number")


def _prose_only(article: Article) -> Finding:
    message = f"{article.id} {article.title} is prose only: not machine-checked"
    return Finding("CON015", Severity.NOTE, message, article.location, subject=article.id)


def _complete(article: Article) -> Iterator[Finding]:
    for rule in article.rules:
        shown = {example.expects for example in rule.examples}
        missing = [kind for kind in ("pass", "fail") if kind not in shown]
        if rule.level == "MUST" and missing:
            message = f"{rule.id} is a MUST without a {' and a '.join(missing)} example"
            hint = f"add a fenced block ```{missing[0]} below the rule"
            yield problem("CON009", message, rule.location, hint)
    words = article.prose.replace("*", " ").split()
    if "MUST" in words and not any(r.level == "MUST" for r in article.rules):
        message = f"{article.id} says MUST and has no rule of that level"
        hint = "add a rule block that enforces it, or say it without the capitals"
        yield problem("CON010", message, article.location, hint)
