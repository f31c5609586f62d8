"""The append-only log of every change of a history's source, each once."""

from __future__ import annotations

from tools.generate.base import Job
from tools.generate.dbt.builder import Extra
from tools.generate.dbt.history import History, history_of, plain, same_key
from tools.generate.dbt.joins import first_row
from tools.generate.dbt.query import build
from tools.generate.dbt.refs import header, locator, schema_of
from tools.generate.dbt.text import Cte, Query, Script, Select, config_block, jinja_list, quoted
from tools.spec.scope import (
    Relation,
    effective_type,
    expression_of,
    outputs,
    parse_in_scope,
    qualify,
    relations,
)
from tools.spec.transform import Model
from tools.sql.parse import Node, column
from tools.sql.render import render


def _in_scope(job: Job, model: Model, scope: dict[str, Relation], name: str) -> Node:
    """A column that load names: an output of the model, or a column of its ``from``."""
    for output in model.columns:
        if output.name.lower() == name.lower():
            return expression_of(job.spec, model, output, job.others)
    return qualify(column(name), scope, model.alias)


def _extracted(h: History) -> Query:
    """The model's rows as they are now, with when, in which order and how each came about."""
    job, model = h.job, h.model
    scope = relations(job.spec, model, job.others)
    extras = []
    if model.load.effective_at:
        moment = _in_scope(job, model, scope, model.load.effective_at)
        kind = effective_type(job.spec, model, outputs(job.spec, model, job.others), scope)
        extras.append(Extra("_effective_at", moment, kind))
    for name, by in zip(h.sequence, model.load.sequence_by, strict=True):
        extras.append(Extra(name, _in_scope(job, model, scope, by)))
    deleted = _deleted(h, scope)
    if deleted is not None:
        extras.append(Extra("_is_deleted", deleted))
    return build(job.spec, model, locator(job.spec, model), job.others, extras)


def _deleted(h: History, scope: dict[str, Relation]) -> Node | None:
    if h.table is None or h.model.load.deletes == "ignore":
        return None
    spec, home = h.job.spec, h.model.alias
    if h.table.deletes.how == "predicate" and h.table.deletes.predicate:
        return parse_in_scope(spec, h.table.deletes.predicate, scope, home)
    if h.table.deletes.how == "operation" and h.table.operation:
        name = render(column(h.table.operation.column), spec.dialect)
        values = ", ".join("'" + v.replace("'", "''") + "'" for v in h.table.operation.deleted)
        return parse_in_scope(spec, f"{name} in ({values})", scope, home)
    return None


def _change_log(job: Job) -> str:
    h = history_of(job)
    query = _extracted(h)
    ctes = [*query.ctes, Cte("extracted", str(query.select), f"{h.model.from_} as it is now.")]
    ctes.append(_as_changes(h, query))
    latest = "changes"
    if h.observed or h.by_absence:
        ctes.append(_last_known(h))
    if h.observed:
        ctes.append(_news(h))
        latest = "news"
    elif h.by_absence:
        ctes.append(_returned(h))
        latest = "with_returned"
    if h.by_absence:
        ctes += _disappeared(h, latest)
        latest = "with_disappeared"
    ctes.append(_identified(h, latest))
    top = config_block(
        materialized=quoted("incremental"),
        schema=quoted(schema_of(job.spec, "intermediate")),
        incremental_strategy=quoted("append"),
        on_schema_change=quoted("append_new_columns"),
        tags=jinja_list(dict.fromkeys([job.spec.pipeline, *job.spec.tags, *h.model.tags])),
    )
    title = f"Every change of {h.model.from_} that was ever seen, each once; rows are only added."
    return str(Script(header(job, title), top, tuple(ctes), _log_select(h)))


def _as_changes(h: History, query: Query) -> Cte:
    operation = "'U'"
    if "_is_deleted" in query.select.names:
        operation = "case when _is_deleted then 'D' else 'U' end"
    effective = "{{ batch_at() }}" if h.observed else "_effective_at"
    columns = (
        *plain(*h.columns),
        (effective, "_effective_at"),
        *plain(*h.sequence),
        (operation, "_operation"),
        (f"{{{{ hash_of({jinja_list(h.columns)}) }}}}", "_row_digest"),
    )
    tail: tuple[str, ...] = ()
    if h.observed:
        order = [*(f"{s} desc nulls last" for s in h.sequence), "_row_digest"]
        tail = (first_row(h.keys, order),)
    return Cte("changes", str(Select(columns, "extracted", tail)))


def _last_known(h: History) -> Cte:
    """The last state of each key in the log."""
    digest = ("_row_digest",) if h.observed else ()
    names = (*h.keys, "_effective_at", "_operation", *digest)
    # Where a column says when, nothing else of the last change matters: any of its moment does.
    order = h.latest_first() if h.observed else ["_effective_at desc", "_change_id desc"]
    known = Select(plain(*names), "{{ this }}", (first_row(h.keys, order),))
    return Cte("last_known", str(known), "What the log knew of each key before this load.", True)


def _news(h: History) -> Cte:
    names = (*h.columns, "_effective_at", *h.sequence, "_operation", "_row_digest")
    columns = tuple((f"changes.{n}", n) for n in names)
    source = f"changes\nleft join last_known\n    on {same_key(h, 'changes', 'last_known')}"
    where = (
        f"where last_known.{h.keys[0]} is null\n"
        "    or last_known._operation <> changes._operation\n"
        "    or last_known._row_digest <> changes._row_digest"
    )
    why = "Only what differs from the last known state: no column says when a change took effect."
    return Cte("news", str(Select(columns, source, (where,))), why, True)


def _returned(h: History) -> Cte:
    """A key that had disappeared and is back takes effect now as well, whatever its time says.

    Where its time is after it went, what takes effect now changes nothing.
    """
    names = (*h.columns, "_effective_at", *h.sequence, "_operation", "_row_digest")
    moment = ("{{ batch_at() }}", "_effective_at")
    again = tuple(moment if n == "_effective_at" else (f"changes.{n}", n) for n in names)
    source = f"changes\ninner join last_known\n    on {same_key(h, 'changes', 'last_known')}"
    back = Select(again, source, ("where last_known._operation = 'D'",))
    body = f"{Select(plain(*names), 'changes')}\nunion all\n{back}"
    why = "A row that had disappeared and is back takes effect now as well, however old it is."
    return Cte("with_returned", body, why, True)


def _disappeared(h: History, latest: str) -> tuple[Cte, Cte]:
    assert h.table is not None  # noqa: S101  by_absence says so
    ratio = h.table.deletes.max_ratio
    missing = Select(
        tuple((f"last_known.{n}", n) for n in (*h.keys, "_effective_at")),
        f"last_known\nleft join extracted\n    on {same_key(h, 'last_known', 'extracted')}",
        (f"where extracted.{h.keys[0]} is null", "    and last_known._operation = 'U'"),
    )
    why = "Keys that the log believes alive and the extract lacks."
    first = Cte("missing", str(missing), why, True)
    names = (*h.columns, "_effective_at", *h.sequence, "_operation", "_row_digest")
    gone = tuple((k, k) if k in h.keys else ("null", k) for k in h.columns)
    deletes = Select(
        (
            *gone,
            ("{{ batch_at() }}", "_effective_at"),
            *(("null", s) for s in h.sequence),
            ("'D'", "_operation"),
            (f"{{{{ hash_of({jinja_list(h.keys)}) }}}}", "_row_digest"),
        ),
        "missing",
        ("where _effective_at < {{ batch_at() }}", f"    and {_believed(ratio)}"),
    )
    body = f"{Select(plain(*names), latest)}\nunion all\n{deletes}"
    why = f"Believed only while at most {ratio:.0%} disappear at once, never from an empty extract."
    return first, Cte("with_disappeared", body, why, True)


def _believed(ratio: float) -> str:
    """The condition of deletes; while fewer than all may disappear, an empty extract fails it."""
    if ratio >= 1:
        return "exists (select 1 from extracted)"
    return (
        f"(select count(*) from missing) <= {ratio:g} * (\n"
        "        select count(*) from last_known where _operation = 'U'\n    )"
    )


def _identified(h: History, latest: str) -> Cte:
    """Every change under an id of its own; the first load has nothing to compare with."""
    if latest != "changes":
        latest = f"{{% if is_incremental() %}}{latest}{{% else %}}changes{{% endif %}}"
    identity = [*h.keys, "_effective_at", *h.sequence, "_operation", "_row_digest"]
    names = (*h.columns, "_effective_at", *h.sequence, "_operation", "_row_digest")
    columns = (*plain(*names), (f"{{{{ hash_of({jinja_list(identity)}) }}}}", "_change_id"))
    return Cte("identified", str(Select(columns, latest)))


def _log_select(h: History) -> str:
    known = f"|{'|'.join(c.strip(chr(34)) for c in h.columns)}|"
    columns = (
        *plain(*h.columns, "_effective_at", *h.sequence, "_operation"),
        (f"'{known}'", "_known_columns"),
        *plain("_row_digest", "_change_id"),
        ("{{ batch_at() }}", "_recorded_at"),
    )
    conditions = ["_change_id not in (select _change_id from {{ this }})"]
    if h.model.load.late == "ignore" and not h.observed:
        same = "\n            and ".join(f"logged.{k} = identified.{k}" for k in h.keys)
        conditions.append(
            "not exists (\n        select 1\n        from {{ this }} as logged\n"
            f"        where {same}\n"
            "            and logged._effective_at > identified._effective_at\n    )"
        )
    where = "where " + "\n    and ".join(conditions)
    tail = ("{% if is_incremental() %}", where, "{% endif %}")
    return str(Select(columns, "identified", tail, distinct=True))


MAKES = {"dbt_change_log": _change_log}
