"""One model of a ``spec.json`` as canonical data."""

from __future__ import annotations

import re
from typing import Any

from tools.spec.importers.mapped_join import (
    convert_join,
    join_after_group,
    over_one_row,
    together,
)
from tools.spec.importers.mapped_shape import Aggregation, MappedModel, Mapping
from tools.spec.importers.mapped_view import DIALECT, Draft, View, moments_of
from tools.sql.analyse import columns_in, is_aggregate, rename, result_literals
from tools.sql.parse import Node, column
from tools.sql.render import render

_LAYERS = {"final": "marts"}
_VALUES = re.compile(r"accepted_values\s*\((?P<inside>.*)\)", re.DOTALL)
_RELATION = re.compile(r"relationships\s*\(\s*(?P<to>[\w.]+)\s*,\s*(?P<field>\w+)\s*\)")
_LITERALS = re.compile(r"\s*'([^']*)'\s*(?:,|$)|\s*\"([^\"]*)\"\s*(?:,|$)")


def convert_model(draft: Draft, index: int, shape: MappedModel) -> dict[str, Any]:
    """A model of the form as canonical data; findings, questions and notes go to the draft."""
    view = View(draft, index, shape)
    joins = [j for i, join in enumerate(shape.joins) if (j := convert_join(view, i, join))]
    extras = _attach(view, joins)
    model: dict[str, Any] = {
        "name": shape.name,
        "layer": _LAYERS.get(shape.layer, shape.layer),
        "description": shape.description or "",
        "from": shape.sources[0],
        "grain": list(shape.constraints.primary_key or shape.constraints.natural_key),
    }
    measures, plain = _aggregations(view, extras)
    mapped_measures, columns = _columns(view)
    model["columns"] = [*columns, *plain]
    model["aggregations"] = [*mapped_measures, *measures]
    model["group_by"] = list(shape.group_by)
    model["joins"] = joins
    where = _where(view)
    if where:
        model["where"] = where
    model["physical"] = {
        "partition_by": list(shape.constraints.partition_by),
        "cluster_by": list(shape.constraints.cluster_by),
    }
    load = _load(view)
    if load:
        model["load"] = load
    if model["layer"] != shape.layer:
        view.note(f"the layer {shape.layer} is {model['layer']} here", "layer")
    return {key: value for key, value in model.items() if value not in ([], "")}


def _attach(view: View, joins: list[dict[str, Any]]) -> list[str]:
    """Join the sources that no join names; the aliases of those joined after the grouping."""
    named = {j.right_table for j in view.shape.joins} | {j.left_table for j in view.shape.joins}
    extras: list[str] = []
    if len(joins) < len(view.shape.joins):
        return extras  # a join that could not be read may be the missing one
    for alias in list(view.aliases)[1:]:
        if alias not in named:
            join = join_after_group(view, alias)
            if join is not None:
                joins.append(join)
                extras.append(alias)
    return extras


def _columns(view: View) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The mapped columns: as measures where the model groups and they aggregate, else columns."""
    measures: list[dict[str, Any]] = []
    columns: list[dict[str, Any]] = []
    origins = view.draft.imported.origins
    for position, item in enumerate(view.shape.column_mapping):
        tree = view.trees.get(position)
        if tree is None:
            continue
        column_ = _described(view, item.target_column, item, ("column_mapping", position), tree)
        origin = view.path("column_mapping", position)
        if view.shape.group_by and is_aggregate(tree):
            origins["models", view.index, "aggregations", len(measures)] = origin
            measures.append({**column_, "expr": render(tree, DIALECT)})
            continue
        column_["nullable"] = item.nullable
        column_ |= _derived(item, tree if position in view.rewritten else None)
        origins["models", view.index, "columns", len(columns)] = origin
        origins["models", view.index, "columns", len(columns), "expr"] = (*origin, "transform")
        columns.append(column_)
    return measures, columns


def _derived(item: Mapping, rewritten: Node | None) -> dict[str, Any]:
    """Where a column comes from: the text as given, or what it was rewritten to."""
    if rewritten is not None:
        return _plain(rewritten)
    found: dict[str, Any] = {}
    if item.from_column or item.from_table:
        name = item.from_column or item.target_column
        found["from"] = f"{item.from_table}.{name}" if item.from_table else name
    if item.transform:
        found["expr"] = item.transform
    return found


def _plain(tree: Node) -> dict[str, Any]:
    if tree.key == "column":
        return {"from": str(columns_in(tree)[0])}
    return {"expr": render(tree, DIALECT)}


def _described(
    view: View, name: str, item: Mapping | Aggregation, where: tuple[Any, ...], tree: Node
) -> dict[str, Any]:
    """What mapped columns and aggregations have in common."""
    found: dict[str, Any] = {"name": name}
    if item.type:
        found["type"] = item.type
    if item.description:
        found["description"] = item.description
    tests = [
        test
        for number, text in enumerate(item.tests)
        if (test := _test(view, name, text, tree, (*where, "tests", number))) is not None
    ]
    return {**found, "tests": tests} if tests else found


def _test(view: View, name: str, text: str, tree: Node, where: tuple[Any, ...]) -> Any:
    """A test as the canonical form has it; a placeholder becomes a question."""
    relation = _RELATION.fullmatch(text.strip())
    if relation:
        return {"relationships": relation.groupdict()}
    values = _VALUES.fullmatch(text.strip())
    if values is None:
        return text
    inside = values["inside"].strip()
    if inside not in ("...", "…", ""):
        listed = [a or b for a, b in _LITERALS.findall(inside)]
        if not listed or _LITERALS.sub("", inside).strip():
            view.error(f"{name}: {text!r} is no list of values", *where, hint="quote each value")
            return None
        return {"accepted_values": listed}
    possible = result_literals(tree)
    question = f"which values are accepted? The test says {text!r}"
    if not possible:
        view.ask(name, question, "none is tested until they are listed", *where)
        return None
    listed = list(possible)
    assumption = f"those that the expression can return: {', '.join(listed)}"
    view.ask(name, question, assumption, *where)
    return {"accepted_values": listed}


def _aggregations(
    view: View, extras: list[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The aggregations; those over a source joined after the grouping are plain columns."""
    measures: list[dict[str, Any]] = []
    plain: list[dict[str, Any]] = []
    origins = view.draft.imported.origins
    mapped = len(view.shape.column_mapping)
    for position, item in enumerate(view.shape.aggregations):
        where = ("aggregations", position)
        tree = view.parse(item.formula, (*where, "formula"))
        if tree is None:
            continue
        described = _described(view, item.metric_column, item, where, tree)
        owner = _owner(view, tree, extras, where)
        if owner is None:
            origins["models", view.index, "aggregations", len(measures)] = view.path(*where)
            measures.append({**described, "expr": item.formula})
            continue
        single = over_one_row(tree, owner)
        if single is None:
            hint = "take sum, min, max, avg or count of its columns"
            message = f"{item.formula} over {owner}, which has one row a group, has no plain form"
            view.error(message, *where, "formula", hint=hint)
            continue
        origins["models", view.index, "columns", mapped + len(plain)] = view.path(*where)
        plain.append({**described, **_plain(single)})
        view.note(f"{owner} has one row per group: {item.formula} needs no aggregate", *where)
    return measures, plain


def _owner(view: View, tree: Node, extras: list[str], where: tuple[Any, ...]) -> str | None:
    """The source joined after the grouping whose columns an aggregation reads, or None."""
    known = {alias: view.draft.columns_of(view.aliases[alias]) or () for alias in view.aliases}
    owners = set()
    for ref in columns_in(tree):
        having = [alias for alias in known if ref.name in known[alias]]
        if ref.table is None and len(having) > 1:
            names = " and ".join(having)
            hint = f"write {having[0]}.{ref.name} or {having[1]}.{ref.name}"
            view.error(f"{ref.name} is a column of {names}", *where, "formula", hint=hint)
        owners.add(ref.table or (having[0] if having else view.home))
    late = owners & set(extras)
    if late and len(owners) > 1:
        names = " and ".join(sorted(owners))
        message = f"one aggregation over columns of {names}, which meet after the grouping"
        view.error(message, *where, "formula", hint="split it into two columns")
    return late.pop() if late else None


def _where(view: View) -> str | None:
    """The filters on the first source, with its columns named in full where others are joined."""
    mine = []
    for position, item in enumerate(view.shape.filters):
        if view.knows(item.applies_to, "filters", position, "applies_to"):
            tree = view.parse(item.predicate, ("filters", position, "predicate"))
            if tree is not None and item.applies_to == view.home:
                mine.append((item, tree))
    if not mine:
        return None
    if not view.shape.joins:
        return together([item for item, _ in mine])
    full = []
    for item, tree in mine:
        named = {ref: column(ref.name, view.home) for ref in columns_in(tree) if not ref.table}
        full.append(item.model_copy(update={"predicate": render(rename(tree, named), DIALECT)}))
    return together(full)


def _load(view: View) -> dict[str, Any]:
    """Constraints on history as a load strategy."""
    rules, path = view.shape.constraints, ("constraints", "scd_type")
    key = list(rules.natural_key or rules.primary_key)
    if rules.scd_type is None:
        return {}
    if rules.scd_type == 1:
        return {"strategy": "scd1", "key": key}
    load: dict[str, Any] = {"strategy": "scd2", "key": key}
    names = {
        "valid_from": rules.effective_at,
        "valid_to": rules.expiry_at,
        "is_current": rules.current_flag,
    }
    load |= {field: name for field, name in names.items() if name}
    view.note(f"scd_type 2 is load strategy scd2 with the key {', '.join(key)}", *path)
    columns = view.draft.columns_of(view.shape.sources[0]) or ()
    if rules.effective_at in columns:
        return {**load, "effective_at": rules.effective_at}
    source = view.draft.model(view.shape.sources[0])
    candidates = ", ".join(moments_of(source)) if source else ""
    named = f"; candidates in {view.home}: {candidates}" if candidates else ""
    view.ask(
        "effective_at",
        f"when does a change take effect? No column of the source says so{named}",
        "when it is first seen, at the time of the load",
        *path,
    )
    view.ask(
        "track",
        f"which columns start a new version of one {', '.join(key)}?",
        "every column but the key",
        *path,
    )
    return load
