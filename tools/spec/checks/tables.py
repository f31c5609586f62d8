"""The table that a model makes: columns of different names, a grain, a way to lie on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from tools.findings import Finding, Severity
from tools.spec.checks.view import ModelView, SpecView, has, split
from tools.spec.edges import Path
from tools.spec.suggest import did_you_mean


def one_name_each(view: ModelView) -> Iterator[Finding]:
    """SPEC016: no two columns of one name."""
    model = view.model
    named: list[tuple[Path, str]] = []
    for i, key in enumerate(model.group_by):
        named.append((("group_by", i), split(key).name))
    named += [(("aggregations", i, "name"), m.name) for i, m in enumerate(model.aggregations)]
    keys = {name.lower() for _, name in named[: len(model.group_by)]}
    shown = {c.name.lower() for c in model.columns}
    # A column may show a group key again, to describe or to rename it.
    named = [(p, n) for p, n in named if n.lower() not in keys & shown or p[0] == "aggregations"]
    named += [(("columns", i, "name"), c.name) for i, c in enumerate(model.columns)]
    seen: set[str] = set()
    for path, name in named:
        if name.lower() in seen:
            message = f"{model.name} has two columns {name}; SQL does not tell case apart"
            yield view.find(
                "SPEC016", Severity.ERROR, message, *path, hint="rename one of them", subject=name
            )
        seen.add(name.lower())


def one_table_each(of: SpecView) -> Iterator[Finding]:
    """SPEC016: no two sources, tables of a source, or columns of a table of one name."""
    named: list[tuple[Path, str, str]] = []
    for s, source in enumerate(of.spec.sources):
        path: Path = ("sources", s)
        named.append(((*path, "name"), "source", source.name))
        for t, table in enumerate(source.tables):
            full = f"{source.name}.{table.name}"
            named.append(((*path, "tables", t, "name"), "source table", full))
            for c, col in enumerate(table.columns):
                where = (*path, "tables", t, "columns", c, "name")
                named.append((where, "column", f"{full}.{col.name}"))
    seen: set[tuple[str, str]] = set()
    for path, kind, name in named:
        if (kind, name.lower()) in seen:
            message = f"the {kind} {name} is declared twice"
            yield of.find("SPEC016", Severity.ERROR, message, path, "keep one of them", name)
        seen.add((kind, name.lower()))


def grain_of_marts(view: ModelView) -> Iterator[Finding]:
    """SPEC045: a mart says what a row of it is."""
    model = view.model
    if model.layer != "marts" or model.grain:
        return
    likely = [split(n).name for n in model.load.key or model.group_by]
    known = f"; assumed: {', '.join(likely)}" if likely else "; assumed: none, so no key is tested"
    yield view.find(
        "SPEC045",
        Severity.QUESTION,
        f"the mart {model.name} does not say its grain{known}",
        hint="write grain with the columns that tell its rows apart",
    )


def names_are_columns(view: ModelView) -> Iterator[Finding]:
    """SPEC046: grain, partition_by and cluster_by are columns of the table."""
    model = view.model
    if view.is_open:
        return
    physical = model.physical
    listed: list[tuple[Path, list[str]]] = [
        (("grain",), model.grain),
        (("physical", "partition_by"), physical.partition_by),
        (("physical", "cluster_by"), physical.cluster_by),
    ]
    for path, names in listed:
        for i, name in enumerate(names):
            if not has(view.table_columns, name):
                yield view.find(
                    "SPEC046",
                    Severity.ERROR,
                    f"{path[-1]} names {name}, which is no column of {model.name}",
                    *path, i,
                    hint=did_you_mean(name, [c.name for c in view.table_columns]),
                    subject=name,
                )  # fmt: skip


def view_keeps_nothing(view: ModelView) -> Iterator[Finding]:
    """SPEC047: what is kept from load to load needs a table."""
    model = view.model
    if model.load.strategy != "full" and model.physical.materialized in ("view", "ephemeral"):
        yield view.find(
            "SPEC047",
            Severity.ERROR,
            f"{model.name} is loaded as {model.load.strategy} and materialized as "
            f"{model.physical.materialized}, which keeps nothing",
            "physical",
            "materialized",
            hint="drop materialized, or load it in full",
        )


def custom_stays_inside(view: ModelView) -> Iterator[Finding]:
    """SPEC048: custom code is a file of the workspace."""
    text = view.model.custom.sql_file if view.model.custom else None
    if text is None:
        return
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or "\\" in text or path.suffix != ".sql":
        yield view.find(
            "SPEC048",
            Severity.ERROR,
            f"sql_file {text} is not a .sql file inside the workspace",
            "custom",
            "sql_file",
            hint="write a path such as custom/my_model.sql",
        )


SPEC_RULES = (one_table_each,)
MODEL_RULES = (
    one_name_each,
    grain_of_marts,
    names_are_columns,
    view_keeps_nothing,
    custom_stays_inside,
)
