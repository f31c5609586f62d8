"""Loads: each strategy has the key, cursor and columns that it works with."""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Finding, Severity
from tools.spec.checks.view import ModelView, has
from tools.spec.edges import Path
from tools.spec.scope import surrogate_key
from tools.spec.suggest import did_you_mean

_KEYED = ("incremental", "scd1", "scd2")
_CURSORED = ("append", "incremental")
# What each strategy works with, of the settings that have no default.
_USED = {
    "full": (),
    "append": ("cursor",),
    "incremental": ("key", "cursor", "lookback"),
    "scd1": ("key", "sequence_by"),
    "scd2": ("key", "effective_at", "sequence_by", "track", "surrogate_key"),
}
_SETTINGS = ("key", "cursor", "lookback", "effective_at", "sequence_by", "track", "surrogate_key")


def has_what_it_needs(view: ModelView) -> Iterator[Finding]:
    """SPEC050: a key to merge by, a cursor to continue from."""
    load = view.model.load
    if load.strategy in _KEYED and not load.key:
        yield view.find(
            "SPEC050",
            Severity.ERROR,
            f"{view.model.name} is loaded as {load.strategy} and has no key",
            "load",
            hint="write load.key with the columns that tell one thing from another",
        )
    if load.strategy in _CURSORED and load.cursor is None:
        yield view.find(
            "SPEC050",
            Severity.ERROR,
            f"{view.model.name} is loaded as {load.strategy} and has no cursor",
            "load",
            hint="write load.cursor with the column that grows with each change",
        )


def columns_exist(view: ModelView) -> Iterator[Finding]:
    """SPEC051: the columns of the load are columns of the model.

    For a history, ``effective_at`` and ``sequence_by`` may also be columns of ``from``: its change
    log keeps them. Elsewhere a later load is compared with the row that is kept, so what orders
    rows has to be kept with them.
    """
    load = view.model.load
    logged = load.strategy == "scd2"
    if view.is_open:
        return
    base = view.relations[view.model.alias]
    hidden = base.columns if not view.model.is_aggregate else ()
    named: list[tuple[Path, str, bool]] = []
    for setting in ("key", "track", "sequence_by"):
        listed = enumerate(getattr(load, setting))
        behind = logged and setting == "sequence_by"
        named += [(("load", setting, i), name, behind) for i, name in listed]
    for setting in ("cursor", "effective_at"):
        if (value := getattr(load, setting)) is not None:
            named.append((("load", setting), value, logged and setting == "effective_at"))
    for path, name, behind in named:
        known = (*view.outputs, *hidden) if behind else view.outputs
        if not has(known, name) and not (behind and not base.known):
            where = f"{view.model.name} or of {base.ref}" if behind else view.model.name
            kept = f"add {name} to columns: later loads are compared with the row that is kept"
            yield view.find(
                "SPEC051",
                Severity.ERROR,
                f"load.{path[1]} names {name}, which is no column of {where}",
                *path,
                hint=kept if has(hidden, name) else did_you_mean(name, [c.name for c in known]),
                subject=name,
            )


def history_columns(view: ModelView) -> Iterator[Finding]:
    """SPEC052: what the history adds has names of its own."""
    load = view.model.load
    if load.strategy != "scd2":
        return
    added = {
        "surrogate_key": surrogate_key(view.model),
        "valid_from": load.valid_from,
        "valid_to": load.valid_to,
        "is_current": load.is_current,
    }
    seen = {c.name.lower() for c in view.outputs}
    for setting, name in added.items():
        if name.lower() in seen:
            yield view.find(
                "SPEC052",
                Severity.ERROR,
                f"the history of {view.model.name} adds {name} ({setting}), and it has a column "
                "of that name",
                "load", setting,
                hint=f"leave that column out, or name the added one with load.{setting}",
                subject=name,
            )  # fmt: skip
        seen.add(name.lower())


def tracked(view: ModelView) -> Iterator[Finding]:
    """SPEC053: a key never changes and a moment always does: neither is tracked."""
    load = view.model.load
    apart = {k.lower(): "the key" for k in load.key}
    if load.effective_at is not None:
        apart[load.effective_at.lower()] = "the moment of the change"
    for i, name in enumerate(load.track):
        if name.lower() in apart:
            yield view.find(
                "SPEC053",
                Severity.ERROR,
                f"track names {name}, which is {apart[name.lower()]}",
                "load", "track", i,
                hint="track the columns whose change makes a new version",
                subject=name,
            )  # fmt: skip


def key_is_grain(view: ModelView) -> Iterator[Finding]:
    """SPEC054: one row a key is one row a grain."""
    model = view.model
    key, grain = ({n.lower() for n in names} for names in (model.load.key, model.grain))
    if model.load.strategy == "scd2":
        grain -= {model.load.valid_from.lower()}
    if model.load.strategy in _KEYED and key and grain and key != grain:
        yield view.find(
            "SPEC054",
            Severity.ERROR,
            f"{model.name} keeps one row for each {', '.join(model.load.key)}, and its grain is "
            f"{', '.join(model.grain)}",
            "load",
            "key",
            hint="make the two equal",
        )


def order_of_changes(view: ModelView) -> Iterator[Finding]:
    """SPEC055: says how changes are ordered where the spec leaves it open."""
    load = view.model.load
    if load.strategy == "scd2" and load.effective_at is None:
        yield view.find(
            "SPEC055",
            Severity.NOTE,
            f"{view.model.name} has no effective_at: a change takes effect when it is first seen",
            "load",
            hint="name the column that says when a change happened, if there is one",
        )
    elif load.strategy in ("scd1", "scd2") and not load.sequence_by:
        moment = load.effective_at or "the load"
        yield view.find(
            "SPEC055",
            Severity.NOTE,
            f"two changes of one key with the same {moment} are told apart by a digest of the "
            "row: repeatable, but not in the order in which they happened",
            "load",
            hint="name a version or log position with load.sequence_by, if there is one",
        )


def nothing_unused(view: ModelView) -> Iterator[Finding]:
    """SPEC056: a setting that has no effect is a misunderstanding."""
    load = view.model.load
    for setting in _SETTINGS:
        if getattr(load, setting) and setting not in _USED[load.strategy]:
            users = [s for s, used in _USED.items() if setting in used]
            yield view.find(
                "SPEC056",
                Severity.WARNING,
                f"load.{setting} has no effect with the strategy {load.strategy}",
                "load", setting,
                hint=f"drop it; it belongs to {', '.join(users)}",
            )  # fmt: skip


MODEL_RULES = (
    has_what_it_needs,
    columns_exist,
    history_columns,
    tracked,
    key_is_grain,
    order_of_changes,
    nothing_unused,
)
