"""What was shown of a model, kept by content: an unchanged model is not proved again.

What a model reads counts, with all that stands below it: its code as it runs, its spec, and the
program that proves. The rows that it was proved on are evidence: they need not be made again. What
the shipped tests notice also hangs on what is made of the model, and has a key of its own. Of a
model that was refuted nothing is kept.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tools import layout
from tools.errors import ProgramMissing
from tools.spec.transform import Model
from tools.verify.outcome import Strength, Verdict
from tools.verify.proof.agree import Case, subjects_of
from tools.verify.proof.cache import FOLDER, own_version
from tools.verify.proof.compile import Unit
from tools.verify.proof.fields import Run
from tools.verify.proof.standing import depending
from tools.workspace import write_atomic

_SAID_ONLY = frozenset({
    "models", "sources", "version", "owner", "description", "tags", "decisions",
    "open_questions", "consumers", "validation",
})  # fmt: skip
"""Parts of a spec that are looked at model by model, or decide nothing."""

_HEAD = re.compile(r"\A(?:\s*--[^\n]*\n)*\s*")


@dataclass(frozen=True)
class Keys:
    """What decides the verdicts on a model, and what the shipped tests notice, as digests."""

    own: str
    shipped: str


@dataclass(frozen=True)
class Former:
    """What a former run showed of a unit.

    Args:
        since: when that was, UTC, ISO 8601.
        verdicts: on its columns; none for the stand-in of a source table.
        strength: what became of its faults; None when none was planted.
        not_run: what was not checked of it, and why.
    """

    since: str
    verdicts: tuple[Verdict, ...] = ()
    strength: Strength | None = None
    not_run: tuple[str, ...] = ()


def keys_of(case: Case) -> dict[str, Keys]:
    """The keys of every unit that the spec speaks of."""
    subjects = subjects_of(case)
    whole = {k: v for k, v in case.spec.to_json().items() if k not in _SAID_ONLY}
    every = {**dict.fromkeys(subjects.sources), **subjects.models}
    return {name: _keys(case, name, model, whole) for name, model in every.items()}


def recalled(state: Path, case: Case, *, faults: bool) -> dict[str, Former]:
    """What is kept of units that are as they were; of others, nothing.

    Args:
        state: the folder where it is kept.
        case: what is to be proved.
        faults: whether what became of planted faults is wanted as well: then only what was tried
            to the end is given.
    """
    found, models = dict[str, Former](), subjects_of(case).models
    for name, keys in keys_of(case).items():
        data = _read(_file(state, case, name))
        try:
            former = _former(data["former"])
            same, shipped = data["own"] == keys.own, data["shipped"] == keys.shipped
        except (KeyError, TypeError, AttributeError):
            continue
        if not same or (faults and name in models and not _tried(former.strength)):
            continue
        found[name] = former if shipped or former.strength is None else _unheard(former)
    return found


def remember(
    state: Path, case: Case, formers: Mapping[str, Former], refuted: Collection[str]
) -> None:
    """Keeps what was shown; a disk that is full or read-only costs time later, nothing else.

    Args:
        state: the folder where it is kept.
        case: what was proved.
        formers: by name of the unit.
        refuted: names of units of which nothing is to be kept.
    """
    keys = keys_of(case)
    with suppress(ProgramMissing, OSError):
        for name in refuted:
            write_atomic(state, _file(state, case, name).relative_to(state).as_posix(), "{}\n")
        for name, former in formers.items():
            body = {**asdict(keys[name]), "former": asdict(former)}
            text = json.dumps({"sha256": _digest(body), **body}, indent=1) + "\n"
            file = _file(state, case, name).relative_to(state)
            write_atomic(state, file.as_posix(), text)


def timely(case: Case, runs: Sequence[Run]) -> dict[str, bool]:
    """The units that were judged and are not wrong; whether they were right wherever they ran.

    What took too long somewhere is left out: it may be in time when it runs again.
    """
    found = dict[str, bool]()
    failed = [(n, f) for run in runs for made in run.made for n, f in made.failed.items()]
    late = {name for name, failure in failed if failure.kind == "time"}
    for name in subjects_of(case).names:
        seen = {j.state for r in runs if (j := r.judged.get(name)) is not None}
        below = {u.name for u in case.compiled.needed_by([name])}
        if seen and not late & below and not {"differs", "fails"} & seen:
            found[name] = seen == {"same"}
    return found


def shown(
    case: Case, runs: Sequence[Run], verdicts: Sequence[Verdict], since: str
) -> dict[str, Former]:
    """What is worth keeping of the units that were judged: those that were right, in time.

    Args:
        case: what was proved.
        runs: what was seen.
        verdicts: on the columns of all models.
        since: the moment of this run, UTC, ISO 8601.
    """
    found, models = dict[str, Former](), subjects_of(case).models
    for name, right in timely(case, runs).items():
        if name not in models and right:
            found[name] = Former(since)
        own = tuple(v for v in verdicts if name in models and v.model == models[name].name)
        if any(v.kind == "TESTED" for v in own) and all(v.kind != "REFUTED" for v in own):
            found[name] = Former(since, own)
    return found


def with_faults(
    former: Former, name: str, strength: Strength | None, not_run: Sequence[str]
) -> Former:
    """The same with what became of the faults of the model, and what was not checked of it."""
    left = tuple(n for n in not_run if n.startswith(f"mutants: {name}: "))
    return replace(former, strength=strength, not_run=left)


def _tried(strength: Strength | None) -> bool:
    return strength is not None and not strength.not_tried and not strength.problem


def _unheard(former: Former) -> Former:
    """Without what the shipped tests notice, as what is made of the model has changed."""
    assert former.strength is not None  # noqa: S101  the caller has looked
    name = former.strength.model
    left = (
        f"mutants: {name}: the tests that the project ships were not run on its faults again, "
        "though what reads it has changed: add --fresh"
    )
    strength = replace(
        former.strength,
        shipped_killed=0, shipped_tried=0, proposed=0, proposed_killed=0, proposal="",
    )  # fmt: skip
    return replace(former, strength=strength, not_run=(*former.not_run, left))


def _file(state: Path, case: Case, name: str) -> Path:
    return state / FOLDER / "models" / case.spec.pipeline / f"{name}.json"


def _read(file: Path) -> dict[str, Any]:
    """What is in a file; nothing when it is not as it was written."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        body = {k: v for k, v in found.items() if k != "sha256"}
        return body if found["sha256"] == _digest(body) else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _former(data: dict[str, Any]) -> Former:
    """A former run's word, which says of each of its verdicts that it is one."""
    since = str(data["since"])
    strength = Strength.from_json(data["strength"]) if data["strength"] else None
    return Former(
        since,
        tuple(replace(Verdict(**v), since=since) for v in data["verdicts"]),
        replace(strength, since=since) if strength else None,
        tuple(data["not_run"]),
    )


def _keys(case: Case, name: str, model: Model | None, whole: Mapping[str, Any]) -> Keys:
    log = layout.change_log_name(model) if model is not None else ""
    compiled = case.compiled
    below = compiled.needed_by([u.name for u in compiled.units if u.name in (name, log)])
    own = _digest([own_version(), whole, _spec_of(case, below), [_plain(u) for u in below]])
    first = [u for u in below if u.name in (name, log)]
    above = [u for unit in first for u in depending(compiled, unit)]
    names = {u.name.lower() for u in above}
    tests = [t for t in compiled.tests if t.model.lower() in names or names & _lower(t.reads)]
    units = [t for t in compiled.unit_tests if t.model.lower() in names]
    # A test may look at a table besides: what it says hangs on that as well.
    beside = compiled.needed_by([n for t in tests for n in t.reads])
    return Keys(
        own, _digest([own, *([_plain(u) for u in part] for part in (above, beside)), tests, units])
    )


def _plain(unit: Unit) -> Unit:
    """A unit without the comment at its head, which names the digest of the whole spec."""
    return replace(unit, sql=_HEAD.sub("", unit.sql), incremental=_HEAD.sub("", unit.incremental))


def _lower(names: Sequence[str]) -> set[str]:
    return {n.lower() for n in names}


def _spec_of(case: Case, below: Sequence[Unit]) -> dict[str, Any]:
    """The parts of the spec that decide what some units have to give."""
    spec, names = case.spec, {u.name.lower() for u in below}
    models = [m for m in spec.models if m.name.lower() in names]
    reads = {r.lower() for m in models for r in (m.from_, *(j.to for j in m.joins))}
    stand_ins = {n: r.lower() for n, r in subjects_of(case).sources.items()}
    reads |= {r for n, r in stand_ins.items() if n.lower() in names}
    checks = [c for c in spec.validation.checks if c.model.lower() in names]
    validation = spec.validation.model_copy(update={"checks": checks})
    return {
        "validation": validation.model_dump(mode="json"),
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


def _digest(parts: Any) -> str:
    text = json.dumps(parts, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()
