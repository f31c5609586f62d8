"""The specs of a workspace: where they are, and which of them have to do with each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tools.errors import SpecmillError
from tools.findings import Finding, Report
from tools.spec.edges import reads
from tools.spec.graph import lint_platform
from tools.spec.lint import lint
from tools.spec.load import LoadedSpec, load_spec
from tools.spec.model import Spec
from tools.spec.resolve import resolve
from tools.workspace import Workspace

_SUFFIXES = (".yaml", ".yml", ".json")
_NOT_SPECS = frozenset({"data", "ddl", "source_ddl"})
_WORD = re.compile(r"\w+")


def spec_files(workspace: Workspace) -> tuple[Path, ...]:
    """The spec files below ``specs/``, sorted; data, DDL and JSON Schemas beside them are none."""
    folder = workspace.specs
    found = (path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    return tuple(sorted(path for path in found if _is_spec(path.relative_to(folder))))


def _is_spec(relative: Path) -> bool:
    folders = relative.parts[:-1]
    hidden = any(part.startswith(".") for part in relative.parts)
    return not (hidden or _NOT_SPECS & set(folders) or relative.name.endswith(".schema.json"))


def load_resolved(file: Path, workspace: Workspace, roots: Sequence[Path]) -> LoadedSpec:
    """A spec with the columns of its sources filled in where that can be done.

    It is shown by its path in the workspace, or by its name if it lies elsewhere, so that what
    is written does not depend on where anybody stands.

    Raises:
        SpecmillError: as :func:`tools.spec.load.load_spec`.
    """
    absolute = file.absolute()
    inside = absolute.is_relative_to(workspace.root)
    loaded = load_spec(absolute, base=workspace.root if inside else absolute.parent)
    return resolve(loaded, roots)


def neighbours(
    loaded: LoadedSpec, files: Iterable[Path], load: Callable[[Path], LoadedSpec]
) -> tuple[LoadedSpec, ...]:
    """The other specs that share a name with this one, or with one that does, and so on.

    Two specs can only disturb each other through a name that both texts hold: a model that one
    makes and the other reads or makes too, a source, a pipeline. So only those are parsed.
    A neighbour that cannot be read is its own run's concern. A spec that lies outside of the
    workspace's folder of specs is no part of the platform: it knows only what it reads.
    """
    words: dict[Path, frozenset[str]] = {}
    guest = True
    for file in files:
        if file.resolve() == loaded.file.resolve():
            guest = False
        else:
            words[file] = _words_of(file)
    found: list[LoadedSpec] = []
    names, tables = _names(loaded), _tables(loaded)
    while near := [file for file, held in words.items() if names & held or _any(tables, held)]:
        for file in near:
            del words[file]
            try:
                other = load(file)
            except SpecmillError:
                continue
            found.append(other)
            names |= _names(other)
    return tuple(sorted(upstream(loaded, found) if guest else found, key=lambda o: o.path))


def _any(tables: set[frozenset[str]], held: frozenset[str]) -> bool:
    return any(words <= held for words in tables)


def upstream(loaded: LoadedSpec, near: Sequence[LoadedSpec]) -> tuple[LoadedSpec, ...]:
    """The neighbours whose models this spec reads, directly or through others; nearest first."""
    makers = {model.name.lower(): other for other in near for model in other.spec.models}
    found: dict[str, LoadedSpec] = {}
    pending = [loaded]
    while pending:
        one = pending.pop(0)
        for model in one.spec.models:
            for _, reference in reads(model):
                maker = makers.get(reference.lower())
                own = one.spec.model_named(reference) or one.spec.source_table(reference)
                if maker is None or own or maker is loaded or maker.path in found:
                    continue
                found[maker.path] = maker
                pending.append(maker)
    return tuple(found.values())


def _words_of(file: Path) -> frozenset[str]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    return frozenset(word.lower() for word in _WORD.findall(text))


def _names(loaded: LoadedSpec) -> set[str]:
    """The names by which other specs can mean something of this one, or this one of theirs."""
    spec = loaded.spec
    names = {spec.pipeline, *spec.orchestration.depends_on}
    for model in spec.models:
        names.add(model.name)
        names.update(ref for _, ref in reads(model) if spec.source_table(ref) is None)
    return {name.lower() for name in names if _WORD.fullmatch(name)}


def _tables(loaded: LoadedSpec) -> set[frozenset[str]]:
    """The words of each source table: a spec that lands one of that name holds all of them."""
    return {
        frozenset(word.lower() for word in _WORD.findall(table.name))
        for source in loaded.spec.sources
        for table in source.tables
    }


def lint_all(
    loaded: LoadedSpec, neighbours: tuple[LoadedSpec, ...], others: dict[str, Spec]
) -> Report:
    """What a spec alone, and it among its neighbours, has to be told.

    Findings between two other specs are theirs, not this one's.
    """
    platform = lint_platform((loaded, *neighbours))
    ours = [f for f in platform if _concerns(f, loaded)]
    return Report.of((*loaded.notes, *lint(loaded, others), *ours))


def _concerns(finding: Finding, loaded: LoadedSpec) -> bool:
    where = finding.location
    return where is None or where.path == loaded.path or loaded.path in finding.message
