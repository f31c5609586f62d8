"""Models that are replaced, appended to or merged: everything but histories."""

from __future__ import annotations

from collections.abc import Sequence

from tools.generate.base import Job
from tools.generate.dbt.joins import first_row
from tools.generate.dbt.query import build
from tools.generate.dbt.refs import config, header, locator
from tools.generate.dbt.text import Cte, Query, Script, Select, clauses, jinja_list, quoted
from tools.spec.transform import Model
from tools.sql.render import identifier

_DEFAULT = {"staging": "view", "intermediate": "view", "marts": "table"}
_UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}


def model_of(job: Job) -> Model:
    """The model that a step is about."""
    model = job.spec.model_named(job.step.subject)
    assert model is not None  # noqa: S101  plans are made from the spec's own models
    return model


def _model(job: Job) -> str:
    model = model_of(job)
    query = build(job.spec, model, locator(job.spec, model), job.others)
    title = model.description or f"{model.name}, from {model.from_}."
    if model.load.strategy == "full":
        kind = model.physical.materialized or _DEFAULT[model.layer]
        top = config(job.spec, model, materialized=kind)
        return str(Script(header(job, title), top, query.ctes, str(query.select)))
    return str(_incremental(job, model, query, title))


def _incremental(job: Job, model: Model, query: Query, title: str) -> Script:
    names = query.select.names
    select = Select(tuple((n, n) for n in names), "incoming")
    keyed = model.load.strategy != "append"
    more = {
        "incremental_strategy": quoted("delete+insert" if keyed else "append"),
        "unique_key": jinja_list(map(identifier, model.load.key)) if keyed else "",
        "on_schema_change": quoted("append_new_columns"),
    }
    top = config(job.spec, model, materialized="incremental", **more)
    if keyed:
        body, tail = _merge(model, select)
    else:
        body, tail = str(select), _append(model)
    ctes = (*query.ctes, Cte("incoming", str(query.select), _why(model)))
    return Script(header(job, title), top, ctes, "\n".join([body, *tail]))


def _why(model: Model) -> str:
    if model.load.strategy == "append":
        return f"What {model.from_} has now; only what lies beyond {model.load.cursor} is added."
    return f"What {model.from_} has now, merged by {', '.join(model.load.key)}."


def _append(model: Model) -> tuple[str, ...]:
    cursor = identifier(model.load.cursor or "")
    return (
        "{% if is_incremental() %}",
        f"where {cursor} > (select max({cursor}) from {{{{ this }}}})",
        "    or not exists (select 1 from {{ this }})",
        "{% endif %}",
    )


def ordering(model: Model) -> list[str]:
    """What says which of two rows of a key is the later one, latest first."""
    load = model.load
    named = [n for n in (load.effective_at, load.cursor) if n]
    return list(dict.fromkeys([*named, *load.sequence_by]))


def _merge(model: Model, select: Select) -> tuple[str, tuple[str, ...]]:
    """One row a key, the latest; a row never replaces a later one that is already there."""
    have = {n.strip('"').lower() for n in select.names}
    order = [identifier(n) for n in ordering(model) if n.lower() in have]
    keys = [identifier(k) for k in model.load.key]
    rest = [n for n in select.names if n not in order and n not in keys]
    latest = first_row(keys, [*(f"{n} desc nulls last" for n in order), *rest])
    where: list[str] = []
    if order:
        matches = "\n        ".join(f"and kept.{k} = incoming.{k}" for k in keys)
        newer = (
            "not exists (\n    select 1\n    from {{ this }} as kept\n"
            f"    where {_later(order)}\n        {matches}\n)"
        )
        conditions = [*_lookback(model, order), newer]
        where = ["{% if is_incremental() %}", "where " + "\nand ".join(conditions), "{% endif %}"]
    return str(Select(select.columns, select.source)), clauses(*where, latest)


def _later(order: Sequence[str]) -> str:
    if len(order) == 1:
        return f"kept.{order[0]} > incoming.{order[0]}"
    kept = ", ".join(f"kept.{n}" for n in order)
    return f"({kept}) > ({', '.join(f'incoming.{n}' for n in order)})"


def _lookback(model: Model, order: Sequence[str]) -> list[str]:
    if not model.load.lookback or not model.load.cursor:
        return []
    text = model.load.lookback.replace(" ", "")
    cursor = identifier(model.load.cursor)
    if cursor not in order:
        return []
    window = f"interval {text[:-1]} {_UNITS[text[-1]]}"
    recent = f"{cursor} >= (select max({cursor}) - {window} from {{{{ this }}}})"
    return [f"(\n    {recent}\n    or not exists (select 1 from {{{{ this }}}})\n)"]


MAKES = {"dbt_model": _model}
