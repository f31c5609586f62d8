"""Cardinality: a join keeps the grain, and what it claims of a table's key can be seen.

Why: a join that fans out counts money twice, and no test of the output sees it.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Finding, Severity
from tools.spec.checks.view import ModelView, split
from tools.spec.scope import expression_of
from tools.spec.transform import Join, Load
from tools.sql.analyse import columns_in
from tools.sql.grain import determined_columns
from tools.sql.parse import SqlError

TO_ONE = ("one_to_one", "many_to_one")


def declared(view: ModelView) -> Iterator[Finding]:
    """SPEC023: a join says its cardinality; asked for where the key shows it, else refused."""
    for j, join in enumerate(view.model.joins):
        if join.cardinality is not None or join.type == "cross" or join.on is None:
            continue
        keys = joined_keys(view, join)
        found = determined(view, j, join)
        if found is None:
            continue  # said by SPEC002
        if any(key <= found for key in keys):
            severity = Severity.QUESTION
            message = (
                f"the cardinality of join {join.alias} is not declared; assumed: many_to_one, "
                f"because on holds the key of {join.to}"
            )
            hint = "write cardinality: many_to_one, or one_to_one"
        else:
            severity = Severity.ERROR
            message = f"the cardinality of join {join.alias} is not declared, and nothing shows it"
            hint = (
                "many_to_one keeps the rows; for several rows a key say pick or aggregate, so "
                "that one is left"
            )
        yield view.find("SPEC023", severity, message, "joins", j, hint=hint, subject=join.alias)


def keeps_grain(view: ModelView) -> Iterator[Finding]:
    """SPEC024: rows are multiplied, and the grain does not account for it."""
    model = view.model
    for j, join in enumerate(model.joins):
        if join.cardinality in (None, *TO_ONE) or join.type == "cross":
            continue
        grouped_later = model.is_aggregate and not join.after_group_by
        if grouped_later or _accounted_for(view, join):
            continue
        grain = ", ".join(model.grain) or "none"
        yield view.find(
            "SPEC024",
            Severity.ERROR,
            f"join {join.alias} is {join.cardinality}: it multiplies rows of the grain ({grain})",
            "joins", j, "cardinality",
            hint=f"bring {join.to} to one row a key with aggregate or pick, or add a column of "
            f"{join.alias} to the grain",
            subject=join.alias,
        )  # fmt: skip


def _accounted_for(view: ModelView, join: Join) -> bool:
    """Whether rows are told apart by a column of the joined table, or brought back to one."""
    model = view.model
    if model.dedupe is not None and not join.after_group_by:
        return True
    wanted = {name.lower() for name in model.grain}
    for output in model.columns:
        if output.name.lower() in wanted:
            try:
                refs = columns_in(expression_of(view.of.spec, model, output, view.of.others))
            except SqlError:
                return True  # said by SPEC002
            if any((ref.table or "").lower() == join.alias.lower() for ref in refs):
                return True
    return False


def covers_key(view: ModelView) -> Iterator[Finding]:
    """SPEC026, SPEC027 and SPEC028: one row a key is claimed; does ``on`` hold that key?"""
    for j, join in enumerate(view.model.joins):
        if join.cardinality not in TO_ONE or join.on is None or join.type == "cross":
            continue
        keys, found = joined_keys(view, join), determined(view, j, join)
        if found is None:
            continue  # said by SPEC002
        if not keys:
            if view.relations[join.alias].known:
                yield _no_key(view, j, join)
        elif not any(key <= found for key in keys):
            if _is_versioned(view, join) and _natural_key(view, join) <= found:
                yield from _without_moment(view, j, join)
            else:
                yield _not_covered(view, j, join, keys[0])


def _not_covered(view: ModelView, j: int, join: Join, key: frozenset[str]) -> Finding:
    return view.find(
        "SPEC026",
        Severity.ERROR,
        f"join {join.alias} is declared {join.cardinality}, but on does not hold the key of "
        f"{join.to} ({', '.join(sorted(key))})",
        "joins", j, "on",
        hint="join on the whole key, or bring it to one row a key with pick or aggregate",
        subject=join.alias,
    )  # fmt: skip


def _no_key(view: ModelView, j: int, join: Join) -> Finding:
    return view.find(
        "SPEC027",
        Severity.QUESTION,
        f"join {join.alias} is declared {join.cardinality}, and {join.to} declares no key; "
        "assumed: it has one row for each value joined on",
        "joins", j, "cardinality",
        hint="declare the primary_key or grain of the joined table, or say pick or aggregate",
        subject=join.alias,
    )  # fmt: skip


def _without_moment(view: ModelView, j: int, join: Join) -> Iterator[Finding]:
    model = view.of.made(join.to)
    load = model.load if model is not None else Load()
    names = {n.lower() for n in (load.valid_from, load.valid_to, load.is_current)}
    scope = view.joined(j, after=join.after_group_by)
    for text in (join.on, join.filter):
        try:
            tree = view.of.parse(text or "true", scope, join.alias)
        except SqlError:
            return  # said by SPEC002
        if any(ref.name.lower() in names for ref in columns_in(tree)):
            return
    yield view.find(
        "SPEC028",
        Severity.ERROR,
        f"{join.to} keeps every version, and join {join.alias} takes all of them",
        "joins", j, "on",
        hint=f"add 'and {join.alias}.{load.is_current}', or the moment: at or after its "
        f"{load.valid_from} and before its {load.valid_to}",
        subject=join.alias,
    )  # fmt: skip


def joined_keys(view: ModelView, join: Join) -> list[frozenset[str]]:
    """Sets of columns (lower case) of which each has one row a value in the joined relation."""
    one_row = join.pick or join.aggregate
    return [_lower(one_row.by)] if one_row is not None else table_keys(view, join.to)


def table_keys(view: ModelView, reference: str) -> list[frozenset[str]]:
    """The keys (lower case) that a source table or model declares."""
    found = view.of.spec.source_table(reference)
    if found is not None:
        return [_lower(found[1].primary_key)] if found[1].primary_key else []
    model = view.of.made(reference)
    if model is None:
        return []
    if model.load.strategy == "scd2":
        key = _lower(model.load.key or model.grain)
        return [key | {model.load.valid_from.lower()}] if key else []
    keys = [model.grain]
    if model.load.strategy != "append":  # which may add a key again
        keys += [model.load.key, model.group_by]
    return [_lower(key) for key in keys if key]


def _natural_key(view: ModelView, join: Join) -> frozenset[str]:
    model = view.of.made(join.to)
    return _lower(model.load.key or model.grain) if model else frozenset()


def _is_versioned(view: ModelView, join: Join) -> bool:
    model = view.of.made(join.to)
    return model is not None and model.load.strategy == "scd2"


def determined(view: ModelView, j: int, join: Join) -> set[str] | None:
    """The columns of the joined relation that ``on``, or a filter before the join, fixes.

    None if one of the two does not parse.
    """
    found: set[str] = set()
    scope = view.joined(j, after=join.after_group_by)
    texts = [join.on, join.filter if join.filter_at != "after_join" else None]
    home = view.relations[view.model.alias]
    for text, mine in zip(texts, (False, True), strict=True):
        if text is None:
            continue
        try:
            tree = view.of.parse(text, scope, join.alias if mine else view.model.alias)
        except SqlError:
            return None
        own = [c.name for c in view.raw(join).columns if mine or home.column(c.name) is None]
        found |= determined_columns(tree, join.alias, own)
    return found


def _lower(names: list[str]) -> frozenset[str]:
    return frozenset(split(name).name.lower() for name in names)


MODEL_RULES = (declared, keeps_grain, covers_key)
