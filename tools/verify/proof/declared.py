"""The tests that a project ships, as dbt read them: data tests as SQL, unit tests as rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ShippedTest:
    """A dbt test of the project as SQL that gives the rows that fail it."""

    name: str
    sql: str
    model: str
    reads: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShippedUnitTest:
    """A dbt unit test of the project.

    Args:
        name: of the test.
        model: that it is about.
        given: the rows of each relation (as SQL, own table too), by column; what is missing is
            NULL.
        expected: rows; only their columns are compared.
        incremental: whether it is about the form for a table that stands.
        moment: that it says the load happens at; empty when it says none.
        problem: why it can be run by dbt only; empty when it can be run here.
    """

    name: str
    model: str
    given: Mapping[str, tuple[Mapping[str, Any], ...]]
    expected: tuple[Mapping[str, Any], ...] = ()
    incremental: bool = False
    moment: str = ""
    problem: str = ""


def data_test_of(
    node: Mapping[str, Any], names: Mapping[str, str], code: Callable[[str], str]
) -> ShippedTest:
    """A data test of its compiled node.

    Args:
        node: generic or singular.
        names: of models, by the id of their node.
        code: frees rendered SQL from the database that it was rendered for.
    """
    reads = tuple(names[i] for i in node["depends_on"]["nodes"] if i in names)
    attached = str(node.get("attached_node") or "").rpartition(".")[2]
    owner = attached or (reads[0] if reads else "")
    return ShippedTest(str(node["name"]), code(str(node["code"])), owner, reads)


def unit_test_of(test: Mapping[str, Any], within: Callable[[str], str]) -> ShippedUnitTest:
    """A unit test as the worker tells of it.

    Args:
        test: with the relations of its inputs.
        within: frees a relation from the database that it lies in.
    """
    overrides, given = test["overrides"], test["given"]
    macros, variables = dict(overrides["macros"]), dict(overrides["vars"])
    incremental, moment = macros.pop("is_incremental", False), variables.pop("batch_at", "")
    others = [*macros, *variables, *overrides["env_vars"]]
    problem = f"it overrides {', '.join(map(str, others))}" if others else ""
    if test["expect"] is None or any(g["rows"] is None for g in given):
        problem = "its rows are a query"
    if any(not g["relation"] for g in given):
        problem = "an input of it is not known"
    return ShippedUnitTest(
        str(test["name"]), str(test["model"]),
        {within(g["relation"]): tuple(g["rows"] or ()) for g in given},
        tuple(test["expect"] or ()), bool(incremental), str(moment), problem,
    )  # fmt: skip
