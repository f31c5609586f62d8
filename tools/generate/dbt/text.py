"""How generated SQL and YAML are laid out; nothing here knows what they mean."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

INDENT = "    "
_WIDTH = 80


def indented(text: str, by: str = INDENT) -> str:
    """Every line that is not empty moved right."""
    return "\n".join(by + line if line else line for line in text.split("\n"))


@dataclass(frozen=True)
class Select:
    """A select: columns as (expression, name), then the clauses as they are to be written.

    An expression that equals its name is written once.
    """

    columns: tuple[tuple[str, str], ...]
    source: str
    clauses: tuple[str, ...] = ()
    distinct: bool = False

    def __str__(self) -> str:
        head = "select distinct" if self.distinct else "select"
        items = [_item(expression, name) for expression, name in self.columns]
        body = ",\n".join(indented(item) for item in items)
        return "\n".join([head, body, f"from {self.source}", *self.clauses])

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(name for _, name in self.columns)


def _item(expression: str, name: str) -> str:
    same = expression == name or expression.endswith(f".{name}")
    return expression if same else f"{expression} as {name}"


@dataclass(frozen=True)
class Cte:
    """A common table expression.

    Args:
        name: what it is called.
        body: its query.
        comment: why it is there.
        later: whether it is there only while the table that the model makes stands.
    """

    name: str
    body: str
    comment: str = ""
    later: bool = False


@dataclass(frozen=True)
class Query:
    """The common table expressions of a model and the select that gives its rows."""

    ctes: tuple[Cte, ...]
    select: Select


@dataclass(frozen=True)
class Script:
    """A model file: header lines, config, common table expressions, the final select."""

    header: tuple[str, ...]
    config: str
    ctes: tuple[Cte, ...]
    final: str
    tail: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        parts = ["\n".join(f"-- {line}" for line in self.header), self.config]
        body = _with(self.ctes) + self.final
        return "\n\n".join([*(p for p in parts if p), body, *self.tail]) + "\n"


def _with(ctes: Sequence[Cte]) -> str:
    out = ""
    for at, cte in enumerate(ctes):
        lead = "with " if at == 0 else ""
        comment = "".join(f"-- {line}\n" for line in cte.comment.split("\n") if line)
        comma = "," if at < len(ctes) - 1 else ""
        first = cte.later and not ctes[at - 1].later
        last = cte.later and not ctes[at + 1].later
        out += "{% if is_incremental() %}\n\n" if first else ""
        out += f"{comment}{lead}{cte.name} as (\n\n{indented(cte.body)}\n\n){comma}\n\n"
        out += "{% endif %}\n\n" if last else ""
    return out


def conjunction(keyword: str, predicates: Sequence[str]) -> str:
    """``where a`` / ``    and b``: predicates under each other."""
    if not predicates:
        return ""
    first, *rest = predicates
    return "\n".join([f"{keyword} {first}", *(f"{INDENT}and {p}" for p in rest)])


def clauses(*lines: str) -> tuple[str, ...]:
    """The clauses that are there."""
    return tuple(line for line in lines if line)


def jinja_list(items: Iterable[str]) -> str:
    """Strings as a Jinja list literal, over several lines when it is long."""
    parts = [quoted(item) for item in items]
    flat = f"[{', '.join(parts)}]"
    if len(flat) <= _WIDTH:
        return flat
    return "[\n" + ",\n".join(INDENT + part for part in parts) + "\n]"


def config_block(**values: str) -> str:
    """A dbt config call; values are Jinja expressions."""
    lines = ",\n".join(f"{INDENT}{key}={value}" for key, value in values.items() if value)
    return "{{ config(\n" + lines + "\n) }}"


def quoted(text: str) -> str:
    """A Jinja string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _blocks(value: Any) -> Any:
    """Strings of several lines as literal blocks, so that they read and diff line by line."""
    if isinstance(value, dict):
        return {key: _blocks(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_blocks(item) for item in value]
    if isinstance(value, str) and "\n" in value:
        return LiteralScalarString(value)
    return value


def yaml_text(header: str, data: dict[str, Any]) -> str:
    """A YAML document with a comment on top; keys in the order given."""
    writer = YAML()
    writer.default_flow_style = False
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.width = 100
    out = io.StringIO()
    writer.dump(_blocks(data), out)
    return f"# {header}\n{out.getvalue()}"
