"""Where the columns of a dbt model's query come from, as far as its own text tells."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node as Step
from sqlglot.lineage import lineage

from tools.sql import template
from tools.sql.parse import SqlError, parse_query


def origins(text: str, dialect: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each column of a query with the columns that its value is made of, as ``model.column``.

    ``model.*`` stands for a column that a star passes on; a column of which the text does not tell
    the table stands alone; one that is made of nothing (a literal) has none.

    Raises:
        SqlError: the text is no query once its Jinja is taken out.
    """
    tree = parse_query(template.plain(text), dialect)
    names = {template.THIS: "itself"}
    for name in template.refs(text):
        names[_stands_for(f"ref('{name}')")] = name
    for source, table in template.sources(text):
        names[_stands_for(f"source('{source}', '{table}')")] = f"{source}.{table}"
    try:
        found = lineage(None, tree, {}, dialect=dialect, validate_qualify_columns=False)
    except (SqlglotError, ValueError, KeyError) as error:
        raise SqlError(f"cannot be followed: {str(error).splitlines()[0]}") from error
    steps = found if isinstance(found, dict) else {found.name: found}
    return tuple((column, _leaves(step, names)) for column, step in steps.items())


def _stands_for(call: str) -> str:
    """The identifier that stands for a reference once its Jinja is taken out."""
    return template.plain(f"{{{{ {call} }}}}").strip().lower()


def _leaves(step: Step, names: dict[str, str]) -> tuple[str, ...]:
    found = []
    for leaf in step.walk():
        if leaf.downstream:
            continue
        column = leaf.name.rpartition(".")[2].strip('"')
        if column == template.VALUE:
            continue
        if isinstance(leaf.expression, exp.Table):
            table = leaf.expression.name
            found.append(f"{names.get(table.lower(), table)}.{column}")
        elif isinstance(leaf.expression, exp.Placeholder):
            found.append(column)
    return tuple(sorted(set(found)))  # the steps come in no fixed order
