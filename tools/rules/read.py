"""One markdown file of the constitution to articles, with what is wrong in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.errors import InputError
from tools.findings import Finding, Location, Severity
from tools.rules import cel
from tools.rules.article import Article, Example, Gate, Level, Rule
from tools.rules.items import VARIABLES
from tools.rules.markdown import Block, Section, blocks_before_sections, sections
from tools.rules.registry import Check
from tools.spec.explain import explain
from tools.spec.positions import Document, Path, read_document
from tools.spec.suggest import did_you_mean

_HEADING = re.compile(r"^(?P<id>[A-Z]+\d+)\s+(?P<title>.+?)\s*\{#(?P<anchor>[^}]+)\}$")
_KINDS = ("rule", "pass", "fail", "gate")
_MISTYPED = {"rules": "rule", "passes": "pass", "passing": "pass", "fails": "fail"}
_MISTYPED |= {"failing": "fail", "gates": "gate"}


class RuleBlock(BaseModel):
    """What a ``rule`` block says."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, str_strip_whitespace=True)

    id: str = Field(pattern=r"^[A-Z]+\d+\.R\d+$")
    level: Level
    on: Literal["spec", "source", "model", "column", "test", "plan", "sql", "dag", "diff"]
    check: str | None = None
    with_: dict[str, Any] = Field(default={}, alias="with")
    expr: str | None = Field(default=None, min_length=1)
    when: str | None = Field(default=None, min_length=1)
    message: str = Field(default="", max_length=500)
    hint: str = Field(default="", max_length=500)


class GateBlock(BaseModel):
    """What a ``gate`` block says."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: str = Field(pattern=r"^[A-Z]+\d+\.G\d+$")
    before: Literal["generate", "commit"]
    when: str | None = Field(default=None, min_length=1)
    message: str = Field(min_length=1, max_length=500)


_Block = TypeVar("_Block", bound=BaseModel)


def problem(code: str, message: str, location: Location | None, hint: str = "") -> Finding:
    """An error of the constitution itself."""
    return Finding(code, Severity.ERROR, message, location, hint)


def read_articles(
    text: str, path: str, checks: Mapping[str, Check]
) -> tuple[list[Article], list[Finding]]:
    """The articles of a file, and everything that is wrong in it."""
    wrong: list[Finding] = []
    for block in blocks_before_sections(text):
        if block.kind in _KINDS:
            message = f"a {block.kind} block stands before the first article"
            hint = "put it under a heading such as '## A1 Naming {#A1}'"
            wrong.append(problem("CON003", message, Location(path, block.line), hint))
    articles = []
    for section in sections(text):
        reader = _Reader(path, checks, wrong)
        article = reader.article(section)
        if article is not None:
            articles.append(article)
    return articles, wrong


@dataclass
class _Reader:
    """Takes one section apart; ``wrong`` is shared with the file's other sections."""

    path: str
    checks: Mapping[str, Check]
    wrong: list[Finding]
    rules: list[Rule] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)
    rule_refused: bool = False

    def refuse(self, code: str, message: str, line: int, hint: str = "") -> None:
        self.wrong.append(problem(code, message, Location(self.path, line), hint))

    def article(self, section: Section) -> Article | None:
        heading = _HEADING.match(section.title)
        if not heading or heading["id"] != heading["anchor"]:
            title = section.title if len(section.title) <= 60 else section.title[:60] + "..."
            message = f"'## {title}' is not the heading of an article"
            hint = "write '## A2 Grain and joins {#A2}'; text that is none goes to README.md"
            self.refuse("CON003", message, section.line, hint)
            return None
        for block in section.blocks:
            self._block(block, heading["id"])
        return Article(
            heading["id"],
            heading["title"],
            section.prose,
            Location(self.path, section.line),
            tuple(self.rules),
            tuple(self.gates),
        )

    def _block(self, block: Block, article: str) -> None:
        kind = block.kind.lower()
        meant = _MISTYPED.get(kind, kind if kind in _KINDS else "")
        if meant and meant != block.kind:
            self.refuse("CON003", f"unknown block ```{block.kind}", block.line, f"write ```{meant}")
        elif meant and not block.closed:
            message = f"the ```{block.kind} block has no end"
            self.refuse("CON002", message, block.line, "close it with a line that is only ```")
            self.rule_refused = True
        elif meant == "rule":
            rule = self._rule(block, article)
            self.rule_refused = rule is None
            self.rules.extend([rule] if rule else [])
        elif meant == "gate":
            gate = self._gate(block, article)
            self.gates.extend([gate] if gate else [])
        elif meant:
            self._example(block)

    def _example(self, block: Block) -> None:
        if self.rule_refused:
            return  # its rule was complained about
        if not self.rules:
            message = f"a {block.kind} block stands before any rule block"
            self.refuse("CON003", message, block.line, "put it below the rule that it shows")
            return
        rule = self.rules[-1]
        language = block.info[1] if len(block.info) > 1 else "sql" if rule.on == "sql" else "yaml"
        if language not in ("sql", "yaml") or len(block.info) > 2:
            message = f"```{' '.join(block.info)} is not an example"
            hint = f"write ```{block.kind}, ```{block.kind} sql or ```{block.kind} yaml"
            self.refuse("CON003", message, block.line, hint)
            return
        expects: Literal["pass", "fail"] = "pass" if block.kind == "pass" else "fail"
        dialect: Literal["sql", "yaml"] = "sql" if language == "sql" else "yaml"
        example = Example(expects, dialect, block.text, Location(self.path, block.line))
        self.rules[-1] = replace(rule, examples=(*rule.examples, example))

    def _read(self, block: Block) -> Document | None:
        """The YAML of a block, positions those of the file."""
        try:
            document = read_document("\n" * block.line + block.text, self.path)
        except InputError as error:
            self.wrong.extend(replace(f, code="CON004") for f in error.findings)
            return None
        self.wrong.extend(replace(f, code="CON004") for f in document.findings)
        if document.findings:
            return None
        if not isinstance(document.data, dict):
            self.refuse("CON004", f"the {block.kind} block is not a mapping", block.line)
            return None
        return document

    def _validated(self, block: Block, model: type[_Block]) -> tuple[_Block, Document] | None:
        document = self._read(block)
        if document is None:
            return None
        try:
            return model.model_validate(document.data), document
        except ValidationError as error:
            self._explain(error, document, model, line=block.line)
            return None

    def _explain(
        self,
        error: ValidationError,
        document: Document,
        model: type[BaseModel],
        *,
        line: int,
        code: str = "CON004",
        under: Path = (),
    ) -> None:
        data = document.data
        for part in under:
            data = data.get(part, {})
        for found in explain(error.errors(), data, model):
            where = _line(document, (*under, *found.path)) or line
            self.refuse(code, found.message, where, found.hint)

    def _owned(self, part: str, article: str, document: Document, line: int) -> bool:
        if part.startswith(f"{article}."):
            return True
        message = f"{part} stands in article {article}"
        hint = f"call it {article}.{part.split('.', 1)[1]}, or move it"
        self.refuse("CON004", message, _line(document, ("id",)) or line, hint)
        return False

    def _gate(self, block: Block, article: str) -> Gate | None:
        read = self._validated(block, GateBlock)
        if read is None:
            return None
        data, document = read
        fine = self._owned(data.id, article, document, block.line)
        if data.when is not None:
            fine = self._cel(data.when, "spec", _line(document, ("when",))) and fine
        location = Location(self.path, block.line)
        return Gate(data.id, data.before, data.when, data.message, location) if fine else None

    def _rule(self, block: Block, article: str) -> Rule | None:
        read = self._validated(block, RuleBlock)
        if read is None:
            return None
        data, document = read
        fine = [
            self._owned(data.id, article, document, block.line),
            self._enforced(data, document, block.line),
        ]
        fine += [
            self._cel(text, data.on, _line(document, (key,)))
            for key, text in (("expr", data.expr), ("when", data.when))
            if text is not None
        ]
        if not all(fine):
            return None
        return Rule(
            id=data.id,
            level=data.level,
            on=data.on,
            check=data.check,
            options=data.with_,
            expr=data.expr,
            when=data.when,
            message=data.message,
            hint=data.hint,
            location=Location(self.path, block.line),
        )

    def _enforced(self, data: RuleBlock, document: Document, line: int) -> bool:
        """Whether exactly one way to check is given, and it exists."""
        before = len(self.wrong)
        if (data.check is None) == (data.expr is None):
            problems = "both check and expr" if data.check else "neither check nor expr"
            hint = "name a registered check, or write a CEL expression"
            self.refuse("CON010", f"{data.id} has {problems}", line, hint)
        elif data.expr is not None and not data.message:
            hint = "say what is wrong when expr is false"
            self.refuse("CON004", f"{data.id} has an expr and no message", line, hint)
        elif data.expr is not None and data.with_:
            message = "with: belongs to a check, not to an expr"
            self.refuse("CON004", message, _line(document, ("with",)), "remove it")
        elif data.check is not None and data.message:
            message = f"the check {data.check} words its own message"
            self.refuse("CON004", message, _line(document, ("message",)), "remove it, or use hint:")
        elif data.check is not None:
            self._check(data, data.check, document)
        return len(self.wrong) == before

    def _check(self, data: RuleBlock, name: str, document: Document) -> None:
        check = self.checks.get(name)
        line = _line(document, ("check",))
        if check is None:
            hint = did_you_mean(name, self.checks)
            self.refuse("CON005", f"there is no check {name!r}", line, hint)
            return
        if data.on not in check.on:
            message = f"the check {name} cannot look at {data.on}"
            hint = f"write on: {' or '.join(sorted(check.on))}"
            self.refuse("CON005", message, _line(document, ("on",)), hint)
        try:
            check.params.model_validate(data.with_)
        except ValidationError as error:
            self._explain(error, document, check.params, line=line, code="CON006", under=("with",))

    def _cel(self, text: str, on: str, line: int) -> bool:
        try:
            unknown = cel.unknown_variables(text, VARIABLES[on])
        except cel.CelError as error:
            self.refuse("CON007", f"the expression {error.message}", line + max(error.line - 1, 0))
            return False
        for name in unknown:
            hint = did_you_mean(name, sorted(VARIABLES[on]))
            self.refuse("CON007", f"{name!r} is not known on: {on}", line, hint)
        return not unknown


def _line(document: Document, path: Path) -> int:
    """The line of a part, or of the nearest part around it."""
    while path and path not in document.positions:
        path = path[:-1]
    return document.positions.get(path, (0, 0))[0]
