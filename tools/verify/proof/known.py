"""What is known of the tables that a model reads: declared by the spec, and kept by the rows.

Arguments that a fault is harmless rest on this, so nothing is taken on trust: a key or a NOT NULL
counts only where the spec declares it and every data set of the proof keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tools import layout
from tools.spec.scope import outputs
from tools.spec.source import SourceTable
from tools.spec.transform import Dedupe, Model, Pick
from tools.sql.equivalent.facts import Column, Declared
from tools.verify.compare import exact
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants.store import parts
from tools.verify.proof.agree import Case, subjects_of
from tools.verify.proof.compile import Unit
from tools.verify.proof.derived import CHANGE_ID, derived, kept

Promise = tuple[frozenset[str], tuple[tuple[str, ...], ...]]
"""Columns that are never NULL, and keys."""

Given = Sequence[Sequence[Dataset]]
"""Series of loads; tables are called as SQL calls them."""


def facts_of(case: Case, given: Given) -> dict[str, Declared]:
    """The facts of every relation in some data sets.

    Args:
        case: what is proved.
        given: all data sets that faults are to be tried on.
    """
    tables: dict[str, list[Table]] = {}
    for batches in given:
        for batch in batches:
            for relation, table in batch.tables.items():
                tables.setdefault(relation, []).append(table)
    promised = _promised(case)
    logs = _logs(case, promised)
    return {
        relation: _declared(
            found, *promised.get(relation, (frozenset(), ())), logs.get(relation, ())
        )
        for relation, found in tables.items()
    }


def _logs(case: Case, promised: dict[str, Promise]) -> dict[str, tuple[Column, ...]]:
    """What follows of the change logs of histories; they hold each change once.

    What does is promised as well, so that it counts where the rows keep it.
    """
    found = {}
    for model in case.spec.models:
        unit = case.compiled.unit(layout.change_log_name(model))
        if unit is None or model.load.strategy != "scd2":
            continue
        name = plain(unit.relation)
        found[name] = derived(unit, _read_by(case, unit))
        required = frozenset(c.name.lower() for c in found[name] if not c.nullable)
        promised[name] = (required, ((CHANGE_ID,),))
    return found


def declared_for(case: Case, unit: Unit) -> dict[str, Declared]:
    """What the spec says, and what follows, of the tables that a unit reads: nothing of rows."""
    found = _read_by(case, unit)
    promised: dict[str, Promise] = {}
    for name, columns in _logs(case, promised).items():
        found[name] = Declared(columns, promised[name][1])
    if unit.incremental:
        found[plain(unit.relation)] = Declared(derived(unit, found))
    return found


def _read_by(case: Case, unit: Unit) -> dict[str, Declared]:
    """What the spec says of the tables that a unit reads."""
    found = {}
    copies = subjects_of(case).sources
    for name in unit.reads:
        below, model = case.compiled.unit(name), case.spec.model_named(name)
        source = case.spec.source_table(copies.get(name, ""))
        if below is None or (model is None and source is None):
            continue
        columns: list[Column] = []
        if model is not None:
            outputs_ = outputs(case.spec, model, case.others)
            columns = [Column(c.name, None, c.nullable) for c in outputs_]
        elif source is not None:
            key = {k.lower() for k in source[1].primary_key}
            columns = [
                Column(c.name, None, c.nullable and c.name.lower() not in key)
                for c in source[1].columns
            ]
        keys = _keys_of(model, source[1] if source is not None else None)
        found[plain(below.relation)] = Declared(tuple(columns), keys)
    return found


def own_facts(case: Case, unit: Unit, tables: Sequence[Table]) -> Declared:
    """What is known of the table that a unit has made so far.

    Args:
        case: what is proved.
        unit: an incremental one.
        tables: what it has made, at each load on which it is right.
    """
    known = derived(unit, _read_by(case, unit))
    required = frozenset(c.name.lower() for c in known if not c.nullable)
    return _declared(tables, required, (), known)


def _keys_of(model: Model | None, table: SourceTable | None) -> tuple[tuple[str, ...], ...]:
    """What tells the rows of a table apart; of a feed of changes nothing does."""
    if model is not None:
        return (tuple(model.grain),) if model.grain and model.load.strategy != "scd2" else ()
    state = table is not None and table.extract == "full" and table.loaded_at is None
    return (tuple(table.primary_key),) if table is not None and state and table.primary_key else ()


def plain(relation: str) -> str:
    """A relation's name without quotes, lower case."""
    return ".".join(parts(relation)).lower()


def _promised(case: Case) -> dict[str, Promise]:
    """What the spec declares, by relation."""
    found: dict[str, Promise] = {}
    for relation, reference in case.compiled.sources.items():
        declared = case.spec.source_table(reference)
        if declared is None:
            continue
        table = declared[1]
        keys = (tuple(table.primary_key),) if table.primary_key else ()
        required = {c.name.lower() for c in table.columns if not c.nullable}
        found[relation] = (frozenset(required | {k.lower() for k in table.primary_key}), keys)
    places = {reference: relation for relation, reference in case.compiled.sources.items()}
    stands_for = {n: places[r] for n, r in subjects_of(case).sources.items() if r in places}
    for unit in case.compiled.units:
        model = case.spec.model_named(unit.name)
        below = stands_for.get(unit.name)
        if model is not None:
            found[unit.relation] = _of_model(case, model)
        elif below is not None:
            found[unit.relation] = found.get(below, (frozenset(), ()))
    decided = _decided(case)
    return {
        plain(relation): (required, (*keys, *decided.get(plain(relation), ())))
        for relation, (required, keys) in found.items()
    }


def _decided(case: Case) -> dict[str, list[tuple[str, ...]]]:
    """Columns in which no two rows of a relation may agree, or the spec would not say which wins.

    That is what rows are picked by, with what they are put in order by.
    """
    found: dict[str, list[tuple[str, ...]]] = {}
    for model in case.spec.models:
        picks: list[tuple[str, str, Dedupe | Pick]] = []
        picks += [(model.from_, model.alias, model.dedupe)] if model.dedupe else []
        picks += [(j.to, j.alias, j.pick) for j in model.joins if j.pick]
        for reference, alias, pick in picks:
            texts = (*pick.by, *(o.split()[0] for o in pick.order_by if o.split()))
            names = [t.rsplit(".", 1)[-1].lower() for t in texts if _is_of(t, alias)]
            if len(names) == len(texts):
                for relation in _relations(case, reference):
                    found.setdefault(relation, []).append(tuple(dict.fromkeys(names)))
        merged = _merged_by(model)
        for relation in _relations(case, model.from_) if merged else ():
            found.setdefault(relation, []).append(merged)
    return found


def _merged_by(model: Model) -> tuple[str, ...]:
    """The columns of what a model reads that decide which row of a key is merged last."""
    load = model.load
    if load.strategy not in ("incremental", "scd1") or not load.cursor or model.joins:
        return ()
    computed = {c.name.lower() for c in model.columns if c.expr and c.expr.strip() != c.name}
    names = tuple(n.lower() for n in dict.fromkeys((*load.key, load.cursor, *load.sequence_by)))
    return () if computed & set(names) else names


def _is_of(text: str, alias: str) -> bool:
    """Whether a text is a column, under the name of a table or without one."""
    owner, _, name = text.rpartition(".")
    return name.isidentifier() and owner.lower() in ("", alias.lower())


def _relations(case: Case, reference: str) -> list[str]:
    """The relations that hold a table: where it is read from, and the model that stands for it."""
    units = {u.name: u.relation for u in case.compiled.units}
    found = [r for r, ref in case.compiled.sources.items() if ref.lower() == reference.lower()]
    copies = [n for n, r in subjects_of(case).sources.items() if r.lower() == reference.lower()]
    found += [units[n] for n in (*copies, reference) if n in units]
    return [plain(r) for r in found]


def _of_model(case: Case, model: Model) -> tuple[frozenset[str], tuple[tuple[str, ...], ...]]:
    columns = outputs(case.spec, model, case.others)
    required = {c.name.lower() for c in columns if not c.nullable}
    key = tuple(model.grain)
    if model.load.strategy == "scd2":
        key = (*key, model.load.valid_from)
    return frozenset(required), (key,) if key else ()


def _declared(
    tables: Sequence[Table],
    required: frozenset[str],
    keys: Sequence[Sequence[str]],
    known: Sequence[Column] = (),
) -> Declared:
    first = tables[0]
    follows = {c.name.lower(): c for c in known}
    columns = []
    for name, kind in first.columns:
        never_null = name.lower() in required and not any(_has_null(t, name) for t in tables)
        column = Column(name, kind, nullable=not never_null)
        told = follows.get(name.lower(), column)
        for table in tables:
            told = kept(column, told, table)
        columns.append(told)
    unique = tuple(tuple(k) for k in keys if all(_is_key(t, k) for t in tables))
    return Declared(tuple(columns), unique)


def _has_null(table: Table, name: str) -> bool:
    index = table.index(name)
    return index is None or any(row[index] is None for row in table.rows)


def _is_key(table: Table, key: Sequence[str]) -> bool:
    places = [table.index(k) for k in key]
    if not places or any(p is None for p in places):
        return False
    values = [exact(tuple(row[p] for p in places if p is not None)) for row in table.rows]
    return len(set(map(repr, values))) == len(values)
