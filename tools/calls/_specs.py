"""Specs of the work tree, loaded for a tool: what is wrong with them is said to the model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.artifact import Artifact
from tools.calls._files import readable
from tools.calls._output import listed
from tools.desk import Desk, ToolError
from tools.errors import InputError, InternalError, SpecmillError
from tools.findings import Report
from tools.lock import on_disk
from tools.lock_file import LockFile
from tools.plan import Plan, make_plan
from tools.spec.library import lint_all, load_resolved, neighbours, spec_files
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.verify.build import personal_columns
from tools.verify.worker import DatabaseError
from tools.workspace import Workspace


@contextmanager
def told() -> Iterator[None]:
    """What specmill has to say to a person is said to the model."""
    try:
        yield
    except InputError as error:
        findings = listed(Report.of(error.findings))
        raise ToolError(f"{error.message}\n{findings}".rstrip()) from error
    except SpecmillError as error:
        if isinstance(error, InternalError) and not isinstance(error, DatabaseError):
            raise
        raise ToolError(f"{error.message}. {error.remedy}".rstrip()) from error


def load(desk: Desk, path: str) -> LoadedSpec:
    """A spec of the work tree, with the columns of its sources filled in.

    Raises:
        ToolError: there is none, or it is wrong; the findings say where.
    """
    place = readable(desk, path)
    if place.is_dir():
        raise ToolError(f"{path} is a folder; name a spec in it.")
    with told():
        return load_resolved(place, Workspace(desk.root), roots(desk, path))


def roots(desk: Desk, path: str = "") -> tuple[Path, ...]:
    """Where data files of a spec's sources are looked for, besides the spec's own folder.

    A work tree has the spec, but not the data that lie beside it in the person's checkout.
    """
    theirs = desk.workspace.root
    return tuple(dict.fromkeys((desk.root, theirs, (theirs / path).parent if path else theirs)))


def around(desk: Desk, loaded: LoadedSpec) -> tuple[LoadedSpec, ...]:
    """The other specs that share names with one."""
    here = Workspace(desk.root)
    files = spec_files(here)
    return neighbours(
        loaded, files, lambda file: load_resolved(file, here, roots(desk, loaded.path))
    )


def makers(near: tuple[LoadedSpec, ...]) -> dict[str, Spec]:
    """The specs of models that other pipelines make, by model name."""
    return {model.name: other.spec for other in near for model in other.spec.models}


def checked(desk: Desk, loaded: LoadedSpec) -> tuple[Report, tuple[LoadedSpec, ...]]:
    """What is to be said of a spec, alone and among its neighbours; and these."""
    near = around(desk, loaded)
    return lint_all(loaded, near, makers(near)), near


def planned(desk: Desk, loaded: LoadedSpec) -> tuple[Plan, tuple[LoadedSpec, ...]]:
    """The plan of a spec, and its neighbours.

    Raises:
        ToolError: the spec has errors.
    """
    report, near = checked(desk, loaded)
    if report.errors:
        raise ToolError(f"{loaded.path} has errors; correct them first\n{listed(report)}")
    return make_plan(loaded.spec, loaded.digest), near


def artifacts(root: Path, plan: Plan) -> tuple[Artifact, ...]:
    """The files of a pipeline as they are on disk: those it plans, and those it is known to own."""
    with told():
        lock = LockFile.load(root)
    shared = {step.path for step in plan.steps if step.subject != plan.pipeline}
    origins = {step.path: step.how for step in plan.steps}
    for path, file in lock.files.items():
        if plan.pipeline in file.owners:
            origins[path] = file.origin
            shared -= {path} if file.owners == [plan.pipeline] else set()
    return tuple(
        Artifact(path, text, origin, "workspace" if path in shared else plan.pipeline)
        for path, origin in origins.items()
        if (text := on_disk(root, path)) is not None
    )


def personal(desk: Desk) -> frozenset[str]:
    """The names, in lower case, of columns that hold personal data, by the specs that can be read.

    Specs are read once, and again when one of them changes.
    """
    files = spec_files(Workspace(desk.root))
    key = tuple((file, file.stat().st_mtime_ns) for file in files)
    known = desk.extras.get("personal")
    if known is None or known[0] != key:
        found: set[str] = set()
        for file in files:
            with suppress(ToolError):
                loaded = load(desk, file.relative_to(desk.root).as_posix())
                found |= set(personal_columns([loaded]))
        known = desk.extras["personal"] = (key, frozenset(found))
    names: frozenset[str] = known[1]
    return names
