"""Spec files to the canonical model, with the line and column of every part.

Everything that can be wrong with a file ends in an :class:`tools.errors.InputError` that carries
findings with file, line and column; all of them, not the first only.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path as FilePath

from tools.findings import Finding, Location, Severity
from tools.spec.files import read_text_file
from tools.spec.importers.base import (
    Imported,
    Restored,
    data_forms,
    place,
    refuse_with,
    text_forms,
    validated,
)
from tools.spec.model import Spec
from tools.spec.positions import Document, Path, read_document, refuse
from tools.spec.suggest import nearest


@dataclass(frozen=True)
class LoadedSpec:
    """A spec and where it comes from.

    Attributes:
        spec: the canonical spec.
        path: the file as shown to people.
        file: the file, absolute.
        notes: what was normalised or assumed.
        positions: canonical path to (line, column), from 1.
    """

    spec: Spec
    path: str
    file: FilePath
    notes: tuple[Finding, ...]
    positions: Mapping[Path, tuple[int, int]]

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, of the canonical JSON form."""
        text = json.dumps(self.spec.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def at(self, *path: str | int) -> Location:
        """Where a part of the spec stands, or its nearest ancestor that has a place."""
        known: Path = path
        while known and known not in self.positions:
            known = known[:-1]
        return Location(self.path, *self.positions.get(known, (0, 0)))


def load_spec(path: FilePath, *, base: FilePath | None = None) -> LoadedSpec:
    """Read a spec file of any known form.

    Args:
        path: the file.
        base: the folder that shown paths are relative to; the working directory if not given.

    Raises:
        UsageError: there is no such file.
        InputError: the file is not a spec; ``findings`` say where and why.
        ProgramMissing: the file may not be read.
    """
    file = FilePath(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow symlinks
    shown = _shown(file, base or FilePath.cwd())
    return parse_spec(read_text_file(file, shown), path=shown, file=file)


def parse_spec(text: str, *, path: str, file: FilePath) -> LoadedSpec:
    """A spec from its text; pure.

    Args:
        text: the content of the file.
        path: its name for findings.
        file: its absolute path, whose suffix says YAML or JSON.

    Raises:
        InputError: it is not a spec; ``findings`` say where and why.
    """
    _expect_characters(text, path)
    restored = next((r for form in text_forms() if (r := form.restore(text, path))), None)
    is_json = restored is None and file.suffix.lower() == ".json"
    document = read_document(restored.text if restored else text, path, json_text=is_json)
    if restored:
        _unshift(document, restored)
    _expect_mapping(document)
    imported = _import(document, file)
    if imported is None:
        _expect_form(document)
        spec = validated(document, Spec, "spec")
        return LoadedSpec(spec, path, file, (), document.positions)
    notes = (*(restored.notes if restored else ()), *imported.notes)
    positions = {
        canonical: document.positions[origin]
        for canonical, origin in imported.origins.items()
        if origin in document.positions
    }
    positions.setdefault((), document.positions[()])
    converted = Document(path, imported.data, positions)
    return LoadedSpec(validated(converted, Spec, "spec"), path, file, notes, positions)


def _import(document: Document, file: FilePath) -> Imported | None:
    for form in data_forms():
        if form.recognises(document.data):
            model = validated(document, form.model, f"spec ({form.name})")
            return form.convert(model, document, file)
    return None


def _unshift(document: Document, restored: Restored) -> None:
    """Move the positions of restored text back to where the text stood."""
    for path, (line, column) in document.positions.items():
        shift = restored.shifts[line - 1] if line <= len(restored.shifts) else 0
        document.positions[path] = (line, max(1, column - shift))


def _expect_characters(text: str, path: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        column = error.start - text.rfind("\n", 0, error.start)
        message = f"U+{ord(text[error.start]):04X} is no character of its own"
        refuse(path, line, column, message, "remove it")


def _expect_mapping(document: Document) -> None:
    data = document.data
    if isinstance(data, dict) and data:
        return
    kinds = {"list": "a list", "str": "text", "dict": "an empty mapping"}
    kind = kinds.get(type(data).__name__, "a value")
    found = "nothing: the file is empty" if data is None else kind
    message = f"expected a spec, a mapping that begins with a key such as 'pipeline', found {found}"
    hint = "start with 'pipeline: <name>'; 'specmill schema' prints every key"
    where = place(document, ())
    refuse_with([Finding("SPEC-FILE", Severity.ERROR, message, where, hint=hint)], "spec")


def _expect_form(document: Document) -> None:
    """Refuse a mapping that is no form at all, before every one of its keys is called unknown."""
    known = set(Spec.model_fields)
    data = document.data
    if known & set(data) or nearest("pipeline", data):
        return
    keys = ", ".join(repr(k) for k in list(data)[:3])
    message = f"not a spec of any known form: its keys are {keys}"
    hint = (
        "a spec begins with 'pipeline:'; pipeline_spec:, source: and spec.json forms are read too"
    )
    where = place(document, (next(iter(data)),))
    findings = [Finding("SPEC-FILE", Severity.ERROR, message, where, hint=hint)]
    refuse_with([*document.findings, *findings], "file")


def _shown(file: FilePath, base: FilePath) -> str:
    try:
        return file.relative_to(os.path.abspath(base)).as_posix()  # noqa: PTH100
    except ValueError:
        return file.as_posix()
