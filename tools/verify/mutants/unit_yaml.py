"""Unit tests as dbt reads them."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from tools.sql.mutate.program import THIS, Program, names_read
from tools.verify.dataset import Table
from tools.verify.mutants.propose import Proposal

_WIDTH = 4096  # a row stays on its line


def unit_tests_yaml(
    proposals: Sequence[Proposal],
    *,
    model: str,
    inputs: Mapping[str, str],
    program: Program,
    moment: str = "",
) -> str:
    """The ``unit_tests:`` part of a dbt properties file.

    Columns that the model never reads, and those that are NULL throughout, are left out: dbt fills
    them with NULL.

    Args:
        proposals: the tests.
        model: its name in the project.
        inputs: the relation's name in the SQL -> how the model refers to it: ``ref('orders')``.
        program: what the model runs.
        moment: of the load, for models that read the variable ``batch_at``.
    """
    listed = CommentedSeq()
    for proposal in proposals:
        listed.append(_test(proposal, model, inputs, program, moment))
    yaml = YAML()
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(CommentedMap({"unit_tests": listed}), out)
    return out.getvalue()


def _test(
    proposal: Proposal, model: str, inputs: Mapping[str, str], program: Program, moment: str
) -> CommentedMap:
    test = proposal.test
    query = program.incremental if test.incremental else program.sql
    read = names_read(query)
    found = CommentedMap()
    found["name"] = test.name
    found["description"] = _why(proposal)
    found["model"] = model
    if program.incremental:  # dbt wants it said either way
        macros = CommentedMap({"is_incremental": test.incremental})
        found["overrides"] = CommentedMap({"macros": macros})
    if moment:
        variables = CommentedMap({"batch_at": DoubleQuotedScalarString(moment)})
        found.setdefault("overrides", CommentedMap())["vars"] = variables
    given = CommentedSeq()
    known = {_plain(n): i for n, i in inputs.items()} | {THIS: THIS}
    for relation, table in test.given.items():
        part = CommentedMap()
        part["input"] = known.get(_plain(relation), relation)
        part["rows"] = _rows(table, read)
        given.append(part)
    found["given"] = given
    expect = CommentedMap()
    expect["rows"] = _rows(test.expected, None, keep_empty=True)
    found["expect"] = expect
    return found


def _plain(name: str) -> str:
    return re.sub(r'"', "", name).lower()


def _why(proposal: Proposal) -> str:
    first, count = proposal.kills[0], len(proposal.kills)
    more = f", and {count - 1} more" if count > 1 else ""
    return f"Fails when {first.description}{more}."


def _rows(table: Table, read: frozenset[str] | None, *, keep_empty: bool = False) -> CommentedSeq:
    chosen = [
        at
        for at, name in enumerate(table.names)
        if (read is None or name.lower() in read)
        and (keep_empty or any(row[at] is not None for row in table.rows))
    ]
    rows = CommentedSeq()
    for row in table.rows:
        line = CommentedMap({table.names[at]: _value(row[at]) for at in chosen})
        line.fa.set_flow_style()
        rows.append(line)
    if not table.rows:
        rows.fa.set_flow_style()
    return rows


def _value(value: Any) -> Any:
    """A value that dbt casts to the column's type; every text is quoted, so that it stays one."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dt.datetime):
        return DoubleQuotedScalarString(value.isoformat(sep=" "))
    if isinstance(value, Decimal):
        return DoubleQuotedScalarString(f"{value:f}")
    return DoubleQuotedScalarString(str(value))
