"""What a spec says, in words: its sources, how models read and keep rows, what columns
promise; pure.

Everything returned is markdown already: names as code, free text escaped.
"""

from __future__ import annotations

from tools.review.tables import code, codes, prose
from tools.spec.context import Orchestration
from tools.spec.scope import surrogate_key
from tools.spec.source import Source, SourceTable
from tools.spec.transform import ColumnTest, Join, Load, Model

_KEPT = {
    "left": "rows without a match are kept",
    "inner": "rows without a match are dropped",
    "right": "rows of the joined side without a match are kept",
    "full": "rows of both sides without a match are kept",
    "cross": "every row with every row",
}
_CARDINALITY = {
    "one_to_one": "one row each",
    "many_to_one": "at most one row for each",
    "one_to_many": "several rows for each, which multiplies them",
    "many_to_many": "several rows on both sides, which multiplies them",
}


def source_table(source: Source, table: SourceTable) -> str:
    """How a source table is read: extract, key, deletes."""
    extract = {
        "full": "read as a whole",
        "incremental": f"what is new by {code(table.cursor or '')}"
        if table.cursor
        else "what is new",
        "cdc": "a feed of changes",
    }[table.extract]
    key = f", key {codes(table.primary_key)}" if table.primary_key else ", no key declared"
    gone = {
        "none": "",
        "absence": "; a row that is absent is deleted, unless more than "
        f"{table.deletes.max_ratio:.0%} of the known rows are absent",
        "predicate": f"; deleted where {code(table.deletes.predicate or '')}",
        "operation": "; deletes come with the feed",
    }[table.deletes.how]
    said = f": {prose(table.description)}" if table.description else ""
    name = code(f"{source.name}.{table.name}")
    return f"{name} ({prose(source.system)}){said} ({extract}{key}{gone})"


def model(made: Model) -> list[str]:
    """What a model does, as the items of a list."""
    items = [f"Rows of {code(made.from_)}."]
    items += [_join(join) for join in made.joins]
    if made.where:
        items.append(f"Only where {code(made.where)}.")
    if made.dedupe:
        by, order = codes(made.dedupe.by), codes(made.dedupe.order_by)
        items.append(f"One row for each {by}: the first by {order}.")
    if made.is_aggregate:
        group = codes(made.group_by)
        items.append(f"Grouped by {group}." if group else "Added up to a single row.")
    if made.having:
        items.append(f"Only groups where {code(made.having)}.")
    if made.grain:
        versions = " and version" if made.load.strategy == "scd2" else ""
        items.append(f"Grain: one row for each {codes(made.grain)}{versions}.")
    items.append(f"Kept: {load(made.load, surrogate_key(made))}.")
    items += [f"Rule in prose: {prose(rule)}" for rule in made.rules]
    return items


def _join(join: Join) -> str:
    name = f" as {code(join.as_)}" if join.as_ else ""
    on = f" on {code(join.on)}" if join.on else ""
    parts = [f"{join.type.capitalize()} join of {code(join.to)}{name}{on}"]
    if join.aggregate:
        parts.append(f"added up to one row for each {codes(join.aggregate.by)} before the join")
    if join.pick:
        first = codes(join.pick.order_by)
        parts.append(
            f"one row for each {codes(join.pick.by)} before the join, the first by {first}"
        )
    parts.append(_KEPT[join.type])
    if join.cardinality:
        parts.append(_CARDINALITY[join.cardinality])
    if join.filter:
        when = {
            "before_join": "before the join",
            "after_join": "after the join",
            None: "unsaid when",
        }
        parts.append(f"only where {code(join.filter)} ({when[join.filter_at]})")
    why = f" {prose(join.why)}" if join.why else ""
    return f"{'; '.join(parts)}.{why}"


def load(kept: Load, key_column: str) -> str:
    """How a model keeps its rows, without a full stop."""
    cursor, key = code(kept.cursor or ""), codes(kept.key, "the grain")
    since = f"rows from {cursor} on" if cursor else "rows of the load"
    back = f", less {prose(kept.lookback)}" if kept.lookback else ""
    match kept.strategy:
        case "full":
            return "replaced as a whole by each load"
        case "append":
            return f"rows beyond {cursor or 'what is there'} are added, none is changed"
        case "incremental":
            return f"{since}{back}, merged by {key}"
        case "scd1":
            return f"one row for each {key}, as it was last seen"
        case "scd2":
            return _history(kept, key, key_column)


def _history(kept: Load, key: str, key_column: str) -> str:
    moment = code(kept.effective_at or "") or "the moment a change is first seen"
    tie = f", then {codes(kept.sequence_by)}" if kept.sequence_by else ""
    tracked = codes(kept.track, "any column but the key and the effective moment")
    late = {
        "insert": "late rows go into the history",
        "ignore": "late rows are ignored",
    }[kept.late]
    gone = {
        "close": "a delete closes the version and opens none",
        "ignore": "deletes are ignored",
    }[kept.deletes]
    interval = f"from {code(kept.valid_from)} up to, not including, {code(kept.valid_to)}"
    return (
        f"every version of {key}, {interval}, with {code(kept.is_current)} on the last and "
        f"{code(key_column)} as key; in order of {moment}{tie}; a new version when a change is in "
        f"{tracked}; {late}; {gone}"
    )


def column_test(test: str | ColumnTest) -> str:
    """A column test, as a cell shows it."""
    if isinstance(test, str):
        return prose(test)
    if test.accepted_values is not None:
        return f"one of {codes(str(value) for value in test.accepted_values)}"
    if test.relationships is not None:
        return f"exists in {code(f'{test.relationships.to}.{test.relationships.field}')}"
    return code(test.expression or "")


def schedule(when: Orchestration) -> str:
    """When the pipeline runs; empty without a schedule."""
    if when.schedule is None:
        return ""
    after = f", after {codes(when.depends_on)}" if when.depends_on else ""
    sla = f", done within {prose(when.sla)}" if when.sla else ""
    tries = (
        f"{when.retries} retries {prose(when.retry_delay)} apart" if when.retries else "no retries"
    )
    return f"{code(when.schedule)} ({prose(when.timezone)}), {tries}{sla}{after}"
