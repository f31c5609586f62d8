"""The dimension of a history: one row per version, worked out from the change log."""

from __future__ import annotations

from tools import layout
from tools.generate.base import Job
from tools.generate.dbt.history import History, history_of, plain, same_key, tracked
from tools.generate.dbt.joins import first_row
from tools.generate.dbt.refs import config, header
from tools.generate.dbt.text import Cte, Script, Select, clauses, jinja_list, quoted
from tools.spec.scope import surrogate_key

_SPAN = ("_effective_at", "_operation", "_change_id", "_change_count")


def _dimension(job: Job) -> str:
    h = history_of(job)
    load = h.model.load
    top = config(
        job.spec,
        h.model,
        materialized="incremental",
        incremental_strategy=quoted("delete+insert"),
        unique_key=jinja_list(h.keys),
        on_schema_change=quoted("append_new_columns"),
        post_hook=_remove_stale(h),
    )
    ctes = (_changed_keys(h), _moments(h), _compared(h), _numbered(h), _versions(h), _intervals(h))
    title, stamp = header(job, h.model.description or f"The history of {h.model.from_}.")
    span = f"{load.valid_from} <= moment < {load.valid_to}"
    shape = f"One row per version of {', '.join(load.key)}: {span}."
    return str(Script((title, shape, stamp), top, ctes, str(_final(h))))


def _keyed(h: History) -> tuple[str, ...]:
    """The clauses that group the log by key."""
    return (*((f"where {h.present}",) if h.present else ()), f"group by {', '.join(h.keys)}")


def _remove_stale(h: History) -> str:
    """Drops versions that the log no longer supports: delete+insert keeps a key that lost all."""
    keys = ", ".join(h.keys)
    log = quoted(layout.change_log_name(h.model))
    grouped = "".join(f"    {clause}\n" for clause in _keyed(h))
    statement = (
        f"delete from {{{{ this }}}}\nwhere ({keys}, _change_count) not in (\n"
        f"    select {keys}, count(*)\n    from {{{{ ref({log}) }}}}\n{grouped})"
    )
    return '"' + statement.replace('"', '\\"').replace("\n", "\n        ") + '"'


def _changed_keys(h: History) -> Cte:
    counted = Select(
        (*plain(*h.keys), ("count(*)", "_change_count")),
        h.log,
        _keyed(h),
    )
    done = Select(plain(*h.keys, "_change_count"), "{{ this }}")
    body = f"{counted}\n{{% if is_incremental() %}}\nexcept\n{done}\n{{% endif %}}"
    why = "Keys whose log has grown since their history was built; no clock is involved."
    return Cte("changed_keys", body, why)


def _moments(h: History) -> Cte:
    names = (*h.keys, *tracked(h), "_effective_at", "_operation", "_known_columns", "_change_id")
    columns = (
        *((f"logged.{n}", n) for n in dict.fromkeys(names)),
        ("changed_keys._change_count", "_change_count"),
    )
    joined = f"inner join changed_keys\n    on {same_key(h, 'logged', 'changed_keys')}"
    by = [f"logged.{k}" for k in (*h.keys, "_effective_at")]
    dated = "where logged._effective_at is not null" if h.may_lack_moment else ""
    select = Select(
        columns,
        f"{h.log} as logged\n{joined}",
        clauses(dated, first_row(by, h.tie_order("logged."))),
    )
    return Cte("moments", str(select), "The last word on each key at each moment.")


def _compared(h: History) -> Cte:
    changed = f"    or {{{{ any_changed({jinja_list(tracked(h))}, 'in_order') }}}}\n"
    starts = (
        "(\n    lag(_operation) over in_order is distinct from _operation\n"
        f"{changed if tracked(h) else ''})"
    )
    window = f"window in_order as (partition by {', '.join(h.keys)} order by _effective_at)"
    select = Select((*plain(*h.keys, *_SPAN), (starts, "_starts")), "moments", (window,))
    why = "A version starts where a tracked column changes, or at a delete; no-ops start nothing."
    return Cte("compared", str(select), why)


def _numbered(h: History) -> Cte:
    number = (
        "count(*) filter (where _starts) over (\n"
        f"    partition by {', '.join(h.keys)} order by _effective_at\n)"
    )
    return Cte("numbered", str(Select((*plain(*h.keys, *_SPAN), (number, "_version")), "compared")))


def _versions(h: History) -> Cte:
    by = [*h.keys, "_version"]
    start = f"min(_effective_at) over (partition by {', '.join(by)})"
    columns = (*plain(*h.keys), (start, h.model.load.valid_from), *plain(*_SPAN[1:]))
    select = Select(columns, "numbered", (first_row(by, ["_effective_at desc"]),))
    return Cte("versions", str(select), "One row per version: its first moment, its last change.")


def _intervals(h: History) -> Cte:
    start, keys = h.model.load.valid_from, ", ".join(h.keys)
    end = f"lead({start}) over (partition by {keys} order by {start})"
    columns = (*plain(*h.keys, start), (end, h.model.load.valid_to), *plain(*_SPAN[1:]))
    why = "A version ends where the next one, or a delete, begins."
    return Cte("intervals", str(Select(columns, "versions")), why)


def _final(h: History) -> Select:
    """A version has the values of its last change, also in columns that are not tracked."""
    load = h.model.load
    key = f"{{{{ hash_of({jinja_list([f'intervals.{n}' for n in (*h.keys, load.valid_from)])}) }}}}"
    columns = (
        (key, surrogate_key(h.model)),
        *((f"logged.{n}", n) for n in h.columns),
        (f"intervals.{load.valid_from}", load.valid_from),
        (f"intervals.{load.valid_to}", load.valid_to),
        (f"intervals.{load.valid_to} is null", load.is_current),
        ("intervals._change_count", "_change_count"),
    )
    joined = f"inner join {h.log} as logged\n    on intervals._change_id = logged._change_id"
    return Select(columns, f"intervals\n{joined}", ("where intervals._operation = 'U'",))


MAKES = {"dbt_scd2": _dimension}
