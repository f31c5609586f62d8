"""What became of the faults of a model, kept by content: an unchanged model is not tried again.

What a model reads counts, with all that stands below it: its code as it runs and its spec. What
the shipped tests notice also hangs on what is made of the model, and is kept under a key of its
own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from tools import layout
from tools.errors import ProgramMissing
from tools.spec.transform import Model
from tools.verify.outcome import Strength
from tools.verify.proof.agree import Case, subjects_of
from tools.verify.proof.cache import FOLDER, own_version
from tools.verify.proof.compile import Unit
from tools.verify.proof.standing import depending
from tools.workspace import write_atomic

_SAID_ONLY = frozenset({
    "models", "sources", "version", "owner", "description", "tags", "decisions",
    "open_questions", "consumers",
})  # fmt: skip
"""Parts of a spec that are looked at model by model, or decide nothing."""


@dataclass(frozen=True)
class Keys:
    """What decides the verdicts on the faults of a model, and what the shipped tests notice."""

    own: str
    shipped: str


def keys_of(case: Case) -> dict[str, Keys]:
    """The keys of every model."""
    return {name: _keys(case, name, model) for name, model in subjects_of(case).models.items()}


def recalled(state: Path, case: Case) -> dict[str, Strength]:
    """What is kept of models that are as they were; of others, nothing.

    Only what was tried to the end is given. Without what the shipped tests notice, where that has
    changed.
    """
    known, found = _read(_file(state, case)), dict[str, Strength]()
    for name, keys in keys_of(case).items():
        try:
            kept = known[name]
            strength = Strength.from_json(kept["strength"])
            same, shipped = kept["own"] == keys.own, kept["shipped"] == keys.shipped
            tried = strength.model == name and not strength.not_tried and not strength.problem
        except (KeyError, TypeError):
            continue
        if same and tried:
            found[name] = strength if shipped else _unheard(strength)
    return found


def remember(state: Path, case: Case, strengths: Sequence[Strength]) -> None:
    """Keeps what became of faults; a disk that is full or read-only costs time later."""
    keys = keys_of(case)
    data = {s.model: {**asdict(keys[s.model]), "strength": asdict(s)} for s in strengths}
    file = _file(state, case).relative_to(state)
    with suppress(ProgramMissing, OSError):
        write_atomic(state, file.as_posix(), json.dumps(data, indent=1) + "\n")


def _unheard(strength: Strength) -> Strength:
    return replace(
        strength, shipped_killed=0, shipped_tried=0, proposed=0, proposed_killed=0, proposal=""
    )


def _file(state: Path, case: Case) -> Path:
    return state / FOLDER / "faults" / f"{case.spec.pipeline}.json"


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _keys(case: Case, name: str, model: Model) -> Keys:
    log = layout.change_log_name(model)
    below = case.compiled.needed_by([u.name for u in case.compiled.units if u.name in (name, log)])
    own = _digest(duckdb.__version__, own_version(), _spec_of(case, below), below)
    first = [u for u in below if u.name in (name, log)]
    above = [u for unit in first for u in depending(case.compiled, unit)]
    names = {u.name.lower() for u in above}
    tests = [t for t in case.compiled.tests if t.model.lower() in names]
    units = [t for t in case.compiled.unit_tests if t.model.lower() in names]
    return Keys(own, _digest(own, above, tests, units))


def _spec_of(case: Case, below: Sequence[Unit]) -> dict[str, Any]:
    """The parts of the spec that decide what some units have to give."""
    spec, names = case.spec, {u.name.lower() for u in below}
    data = spec.to_json()
    models = [m for m in spec.models if m.name.lower() in names]
    reads = {r.lower() for m in models for r in (m.from_, *(j.to for j in m.joins))}
    stand_ins = {n: r.lower() for n, r in subjects_of(case).sources.items()}
    reads |= {r for n, r in stand_ins.items() if n.lower() in names}
    return {
        "whole": {k: v for k, v in data.items() if k not in _SAID_ONLY},
        "models": [m.model_dump(mode="json") for m in models],
        "sources": [
            {**source.model_dump(mode="json"), "tables": [t.model_dump(mode="json")]}
            for source in spec.sources
            for t in source.tables
            if f"{source.name}.{t.name}".lower() in reads
        ],
        "others": {n: o.to_json() for n, o in case.others.items() if n.lower() in reads},
        # What any model picks rows by says which rows the spec leaves open.
        "picks": [
            (m.from_, repr(m.dedupe), [(j.to, repr(j.pick)) for j in m.joins])
            for m in spec.models
        ],
    }  # fmt: skip


def _digest(*parts: Any) -> str:
    text = json.dumps(parts, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()
