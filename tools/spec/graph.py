"""What reads what: the order of a spec's models, and the findings that only all specs show.

Codes: ``SPEC080`` cycle between models, ``SPEC081`` cycle between specs, ``SPEC082`` a table made
twice, ``SPEC083`` a source table declared differently, ``SPEC084`` a name that generated code
needs for itself, ``SPEC085`` a pipeline that nobody makes, ``SPEC086`` two specs of one pipeline,
``SPEC087`` two source tables that land in one.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.errors import InputError
from tools.findings import Finding, Location, Report, Severity
from tools.spec.edges import Path, changes_name, cycles, reads, staging_name
from tools.spec.model import Spec
from tools.spec.suggest import nearest
from tools.spec.transform import Model

if TYPE_CHECKING:
    from tools.spec.load import LoadedSpec


def order(spec: Spec, loaded: LoadedSpec | None = None) -> tuple[Model, ...]:
    """The models of a spec so that each comes after those it reads.

    Among models that are ready the spec's own order is kept. With ``loaded`` the error says the
    line.

    Raises:
        InputError: if the models form a cycle; the message spells it.
    """
    index = {m.name.lower(): i for i, m in reversed(list(enumerate(spec.models)))}
    needs = [{index[r.lower()] for _, r in reads(m) if r.lower() in index} for m in spec.models]
    users: list[list[int]] = [[] for _ in needs]
    for i, needed in enumerate(needs):
        for n in needed:
            users[n].append(i)
    waiting = [len(needed) for needed in needs]
    ready = [i for i, n in enumerate(waiting) if n == 0]
    result: list[Model] = []
    while ready:
        i = heapq.heappop(ready)
        result.append(spec.models[i])
        for user in users[i]:
            waiting[user] -= 1
            if waiting[user] == 0:
                heapq.heappush(ready, user)
    if len(result) < len(spec.models):
        findings = tuple(model_cycles(spec, loaded))
        first = findings[0]
        where = f"{first.location}: " if first.location else ""
        raise InputError(f"{where}{first.message}", first.hint, findings)
    return tuple(result)


def model_cycles(spec: Spec, loaded: LoadedSpec | None = None) -> Iterator[Finding]:
    """A finding for each cycle between the models of one spec."""
    index = {m.name.lower(): i for i, m in reversed(list(enumerate(spec.models)))}
    edges = {
        m.name.lower(): [r.lower() for _, r in reads(m) if r.lower() in index] for m in spec.models
    }
    for cycle in cycles(edges):
        i = index[cycle[0]]
        model = spec.models[i]
        path = next(p for p, r in reads(model) if r.lower() == cycle[1])
        spelled = " → ".join(spec.models[index[name]].name for name in cycle)
        yield Finding(
            "SPEC080",
            Severity.ERROR,
            f"the models form a cycle: {spelled}",
            loaded.at("models", i, *path) if loaded else None,
            "let one of them read the source, or a new model, instead",
            subject=model.name,
        )


def lint_platform(specs: Sequence[LoadedSpec]) -> Report:
    """What is wrong between specs: cycles, tables and sources that two of them claim.

    Every spec of the workspace is expected, whether or not it is the one being worked on. Time
    is linear in what the specs hold.
    """
    platform = _Platform.of(specs)
    rules = (
        _one_pipeline,
        _made_once,
        _own_names,
        _lands_once,
        _declared_alike,
        _depends_on,
        _spec_cycles,
    )
    return Report.of(finding for rule in rules for finding in rule(platform))


@dataclass(frozen=True)
class _Place:
    """A part of a spec, by the spec and the path of the part."""

    loaded: LoadedSpec
    path: Path

    @property
    def at(self) -> Location:
        return self.loaded.at(*self.path)

    def error(self, code: str, message: str, hint: str, subject: str) -> Finding:
        return Finding(code, Severity.ERROR, message, self.at, hint, subject=subject)


@dataclass(frozen=True)
class _Platform:
    """All specs, and who makes which model."""

    specs: tuple[LoadedSpec, ...]
    models: Mapping[str, tuple[_Place, ...]]

    @staticmethod
    def of(specs: Sequence[LoadedSpec]) -> _Platform:
        models: dict[str, list[_Place]] = {}
        for loaded in specs:
            for i, model in enumerate(loaded.spec.models):
                place = _Place(loaded, ("models", i, "name"))
                models.setdefault(model.name.lower(), []).append(place)
        return _Platform(tuple(specs), {name: tuple(places) for name, places in models.items()})


def _one_pipeline(platform: _Platform) -> Iterator[Finding]:
    seen: dict[str, LoadedSpec] = {}
    for loaded in platform.specs:
        name = loaded.spec.pipeline
        first = seen.setdefault(name.lower(), loaded)
        if first is not loaded:
            yield _Place(loaded, ("pipeline",)).error(
                "SPEC086",
                f"the pipeline {name} is also described by {first.at('pipeline')}",
                "a pipeline has one spec: rename this one or merge the two",
                name,
            )


def _made_once(platform: _Platform) -> Iterator[Finding]:
    for places in platform.models.values():
        for place in places[1:]:
            name = place.loaded.spec.models[int(place.path[1])].name
            yield place.error(
                "SPEC082",
                f"the table {name} is already made by {places[0].at}",
                "a table has one writer: rename this model, or read the other one",
                name,
            )


def _own_names(platform: _Platform) -> Iterator[Finding]:
    for name, (maker, because, hint) in _generated_names(platform).items():
        for place in platform.models.get(name, ()):
            yield place.error(
                "SPEC084", f"the name {name} is taken: {because} ({maker.at})", hint, name
            )


def _lands_once(platform: _Platform) -> Iterator[Finding]:
    """SPEC087: rows of two source tables in one table, or two staging models of one name."""
    landed: dict[tuple[str, str], tuple[str, _Place]] = {}
    for loaded in platform.specs:
        for s, source in enumerate(loaded.spec.sources):
            for t, table in enumerate(source.tables):
                place = _Place(loaded, ("sources", s, "tables", t))
                name = f"{source.name}.{table.name}"
                raw = (loaded.spec.landing(source).lower(), table.name.lower())
                for where in (raw, ("", staging_name(source.name, table.name))):
                    first, at = landed.setdefault(where, (name, place))
                    if first.lower() != name.lower():
                        shown = ".".join(part for part in where if part)
                        yield place.error(
                            "SPEC087",
                            f"{name} and {first} ({at.at}) both become {shown}",
                            "land them in different schemas: give one of the sources a schema:, "
                            "such as raw_erp",
                            name,
                        )


def _generated_names(platform: _Platform) -> dict[str, tuple[_Place, str, str]]:
    """Names of models that generated code makes for itself: who causes it, why, the way out."""
    taken: dict[str, tuple[_Place, str, str]] = {}
    for loaded in platform.specs:
        for i, model in enumerate(loaded.spec.models):
            if model.load.strategy == "scd2":
                place = _Place(loaded, ("models", i, "load"))
                because = f"the change log of {model.name} is called so"
                name = changes_name(model.name).lower()
                taken.setdefault(name, (place, because, "rename this model"))
            for path, reference in reads(model) if model.layer != "staging" else ():
                found = loaded.spec.source_table(reference)
                if found is None or loaded.spec.model_named(reference):
                    continue
                name = staging_name(found[0].name, found[1].name)
                because = f"{model.name} reads {reference}, whose staging model is called so"
                hint = f"let {model.name} read {name} instead of {reference}, or rename this model"
                taken.setdefault(name, (_Place(loaded, ("models", i, *path)), because, hint))
    return taken


def _depends_on(platform: _Platform) -> Iterator[Finding]:
    known = {loaded.spec.pipeline.lower(): loaded.spec.pipeline for loaded in platform.specs}
    for loaded in platform.specs:
        for i, name in enumerate(loaded.spec.orchestration.depends_on):
            if name.lower() in known:
                continue
            near = nearest(name, known.values())
            yield Finding(
                "SPEC085",
                Severity.ERROR if near else Severity.WARNING,
                f"depends_on names {name}, and no spec describes that pipeline",
                loaded.at("orchestration", "depends_on", i),
                f"did you mean {near}?"
                if near
                else "correct it, or make sure that it exists elsewhere",
                subject=loaded.spec.pipeline,
            )


def _spec_cycles(platform: _Platform) -> Iterator[Finding]:
    edges: dict[str, dict[str, _Place]] = {}
    names: dict[str, str] = {}
    for loaded in platform.specs:
        name = loaded.spec.pipeline.lower()
        names.setdefault(name, loaded.spec.pipeline)
        for other, place in _edges(platform, loaded):
            edges.setdefault(name, {}).setdefault(other, place)
        edges.setdefault(name, {})
    for cycle in cycles({name: list(targets) for name, targets in edges.items()}):
        yield edges[cycle[0]][cycle[1]].error(
            "SPEC081",
            f"the pipelines form a cycle: {' → '.join(names.get(n, n) for n in cycle)}",
            "move the models that both need into a spec of their own, or drop a depends_on",
            names[cycle[0]],
        )


def _edges(platform: _Platform, loaded: LoadedSpec) -> Iterator[tuple[str, _Place]]:
    """The pipelines that a spec waits for: by reading their models, or because it says so."""
    for i, model in enumerate(loaded.spec.models):
        for path, reference in reads(model):
            for maker in platform.models.get(reference.lower(), ())[:1]:
                if maker.loaded is not loaded and not loaded.spec.model_named(reference):
                    yield maker.loaded.spec.pipeline.lower(), _Place(loaded, ("models", i, *path))
    for i, name in enumerate(loaded.spec.orchestration.depends_on):
        if name.lower() != loaded.spec.pipeline.lower():  # that is said by lint
            yield name.lower(), _Place(loaded, ("orchestration", "depends_on", i))


def _declared_alike(platform: _Platform) -> Iterator[Finding]:
    first: dict[str, tuple[_Place, dict[str, Any]]] = {}
    for loaded in platform.specs:
        for path, name, declared in _declarations(loaded):
            place = _Place(loaded, path)
            known_place, known = first.setdefault(name.lower(), (place, declared))
            for key in sorted(known.keys() & declared.keys()):
                if known[key] != declared[key]:
                    yield place.error(
                        "SPEC083",
                        f"{name} is declared differently in {known_place.at}: its {key} differs",
                        "both specs share what is made of it: make the two declarations equal",
                        name,
                    )


def _declarations(loaded: LoadedSpec) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """Sources and source tables with what generated code takes from them, key by key."""
    spec = loaded.spec
    fresh = {f.table.lower(): f.model_dump() for f in spec.validation.freshness}
    for s, source in enumerate(spec.sources):
        shared = {"schema": spec.landing(source), "schemas.staging": spec.schemas.staging}
        own = source.model_dump(include={"system", "description", "connection"})
        yield ("sources", s), source.name, own | shared
        for t, table in enumerate(source.tables):
            name = f"{source.name}.{table.name}"
            declared = table.model_dump(exclude={"name", "columns"}) | {"dialect": spec.dialect}
            declared |= {f"column {c.name.lower()}": c.model_dump() for c in table.columns}
            declared["columns"] = [c.name for c in table.columns]
            if name.lower() in fresh:
                declared["freshness"] = fresh[name.lower()]
            yield ("sources", s, "tables", t), name, declared


__all__ = ["lint_platform", "model_cycles", "order"]
