"""Text to syntax trees.

Expressions of a spec may hold placeholders, ``{from}`` and ``{column}``. They are recognised in
the token stream, so one inside a string literal stays text, and are replaced in the tree, so what
they stand for keeps its own precedence and quoting.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect, Dialects
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

Node = exp.Expr

_MARK = "\x02"  # cannot occur in a spec: its names and expressions refuse control characters
_TYPE = re.compile(r'^[A-Za-z_][\w ,()<>\[\]"`]*$')
_NOT_A_VALUE = (
    exp.Alias,
    exp.Star,
    exp.Query,
    exp.DML,
    exp.DDL,
    exp.Command,
    exp.Alter,
    exp.Drop,
    exp.Set,
    exp.Pragma,
)


class SqlError(ValueError):
    """SQL that cannot be used; line and column count from 1 within the text, 0 is unknown."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


@lru_cache(maxsize=1)
def known_dialects() -> tuple[str, ...]:
    """The dialects that can be read and written, sorted."""
    return tuple(sorted(d.value for d in Dialects if d.value))


def dialect_of(name: str) -> Dialect:
    """The dialect of that name.

    Raises:
        SqlError: when there is none.
    """
    if name not in known_dialects():
        raise SqlError(f"unknown SQL dialect {name!r}")
    return Dialect.get_or_raise(name)


def _tokens(text: str, dialect: Dialect) -> list[Token]:
    if _MARK in text:
        raise SqlError("control characters are not allowed in SQL")
    try:
        return dialect.tokenize(text)
    except TokenError as error:
        raise SqlError(f"cannot be read as SQL: {_first_line(str(error))}") from error


def _first_line(text: str) -> str:
    return text.splitlines()[0].removesuffix(".") if text else "no reason given"


def _mark_placeholders(tokens: list[Token], names: Mapping[str, Node]) -> list[Token]:
    """Replaces each ``{ name }`` in the token stream by one marked identifier token."""
    marked: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if (
            token.token_type is TokenType.L_BRACE
            and at + 2 < len(tokens)
            and tokens[at + 2].token_type is TokenType.R_BRACE
        ):
            name = tokens[at + 1]
            if name.text not in names:
                known = ", ".join(sorted("{" + n + "}" for n in names)[:8]) or "none"
                raise SqlError(
                    f"unknown placeholder {{{name.text}}}; known here: {known}",
                    token.line,
                    token.col,
                )
            marked.append(
                Token(
                    token_type=TokenType.IDENTIFIER,
                    text=_MARK + name.text,
                    line=token.line,
                    col=token.col,
                    start=token.start,
                    end=tokens[at + 2].end,
                )
            )
            at += 3
            continue
        marked.append(token)
        at += 1
    return marked


def _parse(tokens: list[Token], text: str, dialect: Dialect) -> Node:
    try:
        statements = dialect.parser().parse(tokens, text)
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        raise SqlError(
            f"does not parse: {first.get('description', _first_line(str(error)))}".removesuffix(
                "."
            ),
            first.get("line") or 0,
            first.get("col") or 0,
        ) from error
    except (SqlglotError, RecursionError, ValueError) as error:
        raise SqlError(f"does not parse: {_first_line(str(error))}") from error
    trees = [s for s in statements if s is not None]
    if len(trees) != 1 or any(t.token_type is TokenType.SEMICOLON for t in tokens):
        raise SqlError(
            "more than one statement" if len(trees) > 1 else "one expression is expected, without ;"
        )
    return trees[0]


def parse_expression(
    text: str, dialect: str, placeholders: Mapping[str, Node] | None = None
) -> Node:
    """One scalar expression as a tree, placeholders replaced.

    Args:
        text: the expression, such as ``upper({status})``.
        dialect: the dialect that it is written in.
        placeholders: what ``{name}`` stands for, by name.

    Raises:
        SqlError: no SQL, a statement, a subquery, several statements, an unknown placeholder.
    """
    names = placeholders or {}
    known = dialect_of(dialect)
    tokens = _mark_placeholders(_tokens(text, known), names)
    if not tokens:
        raise SqlError("is empty")
    tree = _parse(tokens, text, known)
    if isinstance(tree, _NOT_A_VALUE):
        raise SqlError("is not an expression: write one value, such as upper(name)")
    if tree.find(exp.Query) is not None:
        raise SqlError("holds a subquery: declare a join instead")

    def substitute(node: Node) -> Node:
        name = node.name if isinstance(node, exp.Column) else ""
        if not name.startswith(_MARK):
            return node
        value = names[name.removeprefix(_MARK)].copy()
        atom = isinstance(value, exp.Column | exp.Literal | exp.Func | exp.Paren)
        return value if atom or node.parent is None else exp.Paren(this=value)

    return tree.transform(substitute)


def parse_query(text: str, dialect: str) -> Node:
    """Exactly one query (``select`` or ``with``) as a tree.

    Raises:
        SqlError: anything else.
    """
    known = dialect_of(dialect)
    tokens = _tokens(text, known)
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens = tokens[:-1]
    if not tokens:
        raise SqlError("is empty")
    tree = _parse(tokens, text, known)
    if not isinstance(tree, exp.Query):
        raise SqlError("is not a query: it has to start with select or with")
    return tree


@lru_cache(maxsize=32)
def shared_tree(text: str) -> Node:
    """A DuckDB query as a tree that is handed out again: nobody may change it.

    Raises:
        SqlError: it is not one query.
    """
    return parse_query(text, "duckdb")


def parse_type(text: str, dialect: str) -> Node:
    """A column type as a tree.

    Raises:
        SqlError: when the dialect has no such type.
    """
    dialect_of(dialect)
    if not _TYPE.match(text):
        raise SqlError(f"{text!r} is not a type of {dialect}")
    try:
        tree = exp.DataType.build(text, dialect=dialect)
    except (SqlglotError, ValueError) as error:
        raise SqlError(f"{text!r} is not a type of {dialect}") from error
    if tree.this in (exp.DataType.Type.USERDEFINED, exp.DataType.Type.UNKNOWN):
        raise SqlError(f"{text!r} is not a type of {dialect}")
    return tree


def column(name: str, table: str | None = None) -> Node:
    """A reference to a column, by exact name."""
    return exp.column(exp.to_identifier(name, quoted=False), table=table)


@dataclass(frozen=True)
class TableDdl:
    """A ``create table``: bare table name, columns as (name, type, nullable), primary key."""

    name: str
    columns: tuple[tuple[str, str, bool], ...]
    primary_key: tuple[str, ...]


def parse_ddl(text: str, dialect: str) -> list[TableDdl]:
    """The tables that a DDL script creates.

    Raises:
        SqlError: when it does not parse or creates no table.
    """
    known = dialect_of(dialect)
    try:
        statements = known.parser().parse(_tokens(text, known), text)
    except SqlglotError as error:
        raise SqlError(f"does not parse: {_first_line(str(error))}") from error
    tables = [
        _table_ddl(s, dialect)
        for s in statements
        if isinstance(s, exp.Create) and s.kind == "TABLE"
    ]
    if not tables:
        raise SqlError("creates no table")
    return tables


def _table_ddl(create: exp.Create, dialect: str) -> TableDdl:
    table = create.find(exp.Table)
    name = table.name if table is not None else ""
    columns: list[tuple[str, str, bool]] = []
    key: list[str] = []
    for definition in create.find_all(exp.ColumnDef):
        kinds = [c.kind for c in definition.args.get("constraints") or []]
        is_key = any(isinstance(k, exp.PrimaryKeyColumnConstraint) for k in kinds)
        required = is_key or any(
            isinstance(k, exp.NotNullColumnConstraint) and not k.args.get("allow_null")
            for k in kinds
        )
        kind = definition.args.get("kind")
        columns.append((definition.name, kind.sql(dialect) if kind else "", not required))
        if is_key:
            key.append(definition.name)
    for constraint in create.find_all(exp.PrimaryKey):
        key.extend(part.name for part in constraint.expressions)
    return TableDdl(name.rsplit(".", 1)[-1], tuple(columns), tuple(key))
