"""Syntax trees to text as a person would lay it out: lower case, quotes only where needed."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import re
from functools import cache, lru_cache
from typing import Any

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from tools.sql.parse import Node, SqlError, dialect_of, parse_type

_KEEP = {
    TokenType.STRING,
    TokenType.IDENTIFIER,
    TokenType.RAW_STRING,
    TokenType.NATIONAL_STRING,
    TokenType.HEREDOC_STRING,
    TokenType.BYTE_STRING,
}
_PLAIN = re.compile(r"^[a-z_][a-z0-9_]*$")
_PLAIN_ANY_CASE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")

_DUCKDB_NAMES = {"decimal": "decimal(18, 3)", "int": "integer"}

# Words that the databases we write for reserve beyond what sqlglot lists for each of them.
_RESERVED = frozenset(
    """all analyse analyze and any array as asc asymmetric both case cast check collate column
    constraint create cross current_date current_time current_timestamp default deferrable desc
    describe distinct do else end except exists false fetch for foreign from full grant group groups
    having in initially inner intersect interval into is join lambda lateral leading left like limit
    natural not null offset on only or order outer over partition pivot placing primary qualify
    range references returning right row rows select set show some summarize symmetric table
    tablesample then to trailing true union unique unpivot update user using values variadic view
    when where window with""".split()
)


@cache
def _reserved(dialect: str) -> frozenset[str]:
    own = dialect_of(dialect).generator().RESERVED_KEYWORDS
    return _RESERVED | {word.lower() for word in own}


def identifier(name: str, dialect: str = "duckdb") -> str:
    """A name as SQL: bare when it can be, quoted when it must be (``order``, ``Order ID``).

    DuckDB keeps and ignores the case of bare names; other databases fold it, so there a name
    with capitals is quoted.
    """
    plain = _PLAIN_ANY_CASE if dialect == "duckdb" else _PLAIN
    if plain.match(name) and name.lower() not in _reserved(dialect):
        return name
    return exp.to_identifier(name, quoted=True).sql(dialect)


def _quote_where_needed(node: Node, dialect: str) -> Node:
    if isinstance(node, exp.Identifier):
        bare = identifier(node.name, dialect) == node.name
        return exp.to_identifier(node.name, quoted=not bare)
    if isinstance(node, exp.Not):  # not x is null reads better as x is not null
        test = node.this.unnest()
        if isinstance(test, exp.Is) and isinstance(test.expression, exp.Null):
            return exp.Is(this=test.this, expression=exp.Not(this=exp.Null()))
    if isinstance(node, exp.Var):  # a date part, such as the year of extract(year from x)
        return exp.Var(this=node.name.lower())
    return node


def _lower_keywords(sql: str, dialect: str) -> str:
    """Lower-cases keywords, types and the built-in functions that are spelled in capitals."""
    out: list[str] = []
    at = 0
    for token in dialect_of(dialect).tokenize(sql):
        text = sql[token.start : token.end + 1]
        is_word = text == "NULLS" or sql[token.end + 1 : token.end + 2] == "("
        is_name = token.token_type is TokenType.VAR and not is_word
        keep = token.token_type in _KEEP or is_name
        out.append(sql[at : token.start] + (text if keep else text.lower()))
        at = token.end + 1
    return "".join(out) + sql[at:]


def render(
    node: Node, dialect: str, *, read: str | None = None, indent: int = 0, width: int = 88
) -> str:
    """A tree as text in a dialect.

    Args:
        node: the tree; it is not changed.
        dialect: the dialect to write.
        read: the dialect that the tree was parsed from, when it matters for types.
        indent: columns that the first line already has; later lines are indented as much.
        width: longer results are laid out over several lines.
    """
    tree = node.copy().transform(_fit_types, read, dialect)
    tree = tree.transform(_quote_where_needed, dialect)
    options: dict[str, Any] = {"normalize_functions": "lower", "comments": False}
    flat = _lower_keywords(tree.sql(dialect, **options), dialect)
    if len(flat) + indent <= width:
        return flat
    pretty = tree.sql(dialect, pretty=True, indent=4, pad=4, max_text_width=width, **options)
    laid_out = _join_branches(_lower_keywords(pretty, dialect), width - indent)
    return laid_out.replace("\n", "\n" + " " * indent)


def _join_branches(sql: str, width: int) -> str:
    """Puts ``then`` on the line of its ``when`` where both fit."""
    lines: list[str] = []
    for line in sql.split("\n"):
        text = line.strip()
        fits = bool(lines) and len(lines[-1]) + 1 + len(text) <= width
        if text.startswith("then ") and fits and lines[-1].lstrip().startswith("when "):
            lines[-1] += f" {text}"
        else:
            lines.append(line)
    return "\n".join(lines)


def _fit_types(node: Node, read: str | None, write: str) -> Node:
    return _fitted(node, read, write) if isinstance(node, exp.DataType) else node


def _fitted(node: exp.DataType, read: str | None, write: str) -> Node:
    """Types whose meaning a plain transpilation would change.

    BigQuery's NUMERIC is decimal(38, 9) and BIGNUMERIC has scale 38; a bare DECIMAL elsewhere has
    scale 3 in DuckDB and 0 in Snowflake, which would round money and rates. A display width
    (``tinyint(1)``) is no part of an integer's type.
    """
    kind = exp.DataType.Type
    if node.this is kind.DECIMAL and not node.expressions and read == "bigquery" != write:
        return exp.DataType.build("decimal(38, 9)")
    if node.this in exp.DataType.INTEGER_TYPES and node.expressions:
        return exp.DataType.build(node.this)
    if node.this is kind.BIGDECIMAL and read == "bigquery" != write:
        return exp.DataType.build("decimal(38, 18)")
    return node


@lru_cache(maxsize=4096)
def type_sql(type_text: str, read: str, write: str) -> str:
    """A type of one dialect as a type of another, lower case: ``INT64`` -> ``bigint``.

    Raises:
        SqlError: when ``read`` has no such type.
    """
    tree = parse_type(type_text, read).transform(_fit_types, read, write)
    try:
        text = tree.sql(write)
    except SqlglotError as error:
        raise SqlError(f"{type_text!r} cannot be written as a type of {write}") from error
    lowered = text.lower()
    if write != "duckdb":
        return lowered
    return re.sub(r"^text(?=\(|$)", "varchar", _DUCKDB_NAMES.get(lowered, lowered))


def literal(value: Any) -> str:
    """A Python value as a DuckDB literal.

    Raises:
        SqlError: for a value that SQL has no literal of.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | decimal.Decimal):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f"'{value}'::double"
    if isinstance(value, dt.datetime):
        return f"timestamp '{value.isoformat(sep=' ')}'"
    if isinstance(value, dt.date):
        return f"date '{value.isoformat()}'"
    if isinstance(value, dt.time):
        return f"time '{value.isoformat()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    raise SqlError(f"no SQL literal for a value of type {type(value).__name__}")
