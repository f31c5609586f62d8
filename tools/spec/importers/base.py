"""What a form of spec is, and the registry: the ``FORMS`` of every module of this folder.

A form recognises a text or the data read from it. A :class:`TextForm` turns text into YAML of a
known form; a :class:`DataForm` turns data into the canonical data. Both say in notes what they did.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from tools.errors import InputError
from tools.findings import Finding, Location, Severity
from tools.registry import modules
from tools.spec.explain import explain
from tools.spec.positions import Document, Path

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class Restored:
    """Text of a known form, line by line where the original line stood.

    Attributes:
        text: the YAML.
        shifts: for each line, how many columns its content moved to the right.
        notes: what was done.
    """

    text: str
    shifts: tuple[int, ...]
    notes: tuple[Finding, ...]


@dataclass
class Imported:
    """Canonical data in the making.

    Attributes:
        data: what :class:`tools.spec.model.Spec` validates.
        origins: canonical path to the path in the original that it comes from.
        notes: what was normalised.
    """

    data: dict[str, Any]
    origins: dict[Path, Path] = field(default_factory=dict)
    notes: list[Finding] = field(default_factory=list)

    def ask(self, about: str, question: str, assumption: str, origin: Path) -> None:
        """Add an open question."""
        questions = self.data.setdefault("open_questions", [])
        self.origins["open_questions", len(questions)] = origin
        questions.append({"about": about, "question": question, "assumption": assumption})


@dataclass(frozen=True)
class TextForm:
    """A form that is no YAML, or another YAML than was meant, until it is restored.

    ``restore`` returns None when the text is not of this form, and raises InputError when it is
    but cannot be restored without guessing.
    """

    name: str
    restore: Callable[[str, str], Restored | None]


@dataclass(frozen=True)
class DataForm:
    """A form of YAML or JSON that is not the canonical one.

    ``model`` is the shape of the form; its errors are found before ``convert`` is called.
    ``pasted`` says that text of this form may come from a web page, its indentation lost: its keys
    tell where they belong.
    """

    name: str
    model: type[BaseModel]
    recognises: Callable[[Mapping[str, Any]], bool]
    convert: Callable[[Any, Document, FilePath], Imported]
    pasted: bool = False


@lru_cache(maxsize=1)
def forms() -> tuple[TextForm | DataForm, ...]:
    """Every form in this folder, in the order of the file names."""
    folder = importlib.import_module(__name__.rpartition(".")[0])
    return tuple(form for module in modules(folder) for form in getattr(module, "FORMS", ()))


def text_forms() -> tuple[TextForm, ...]:
    """The forms that are tried on text."""
    return tuple(form for form in forms() if isinstance(form, TextForm))


def data_forms() -> tuple[DataForm, ...]:
    """The forms that are tried on data."""
    return tuple(form for form in forms() if isinstance(form, DataForm))


def note(message: str, location: Location | None, *, evidence: str = "") -> Finding:
    """A note that says what was normalised."""
    return Finding("SPEC-IMPORT", Severity.NOTE, message, location, evidence=evidence)


def name_from(text: str) -> str:
    """A name that specmill may write, made of a name that somebody else gave."""
    cleaned = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").lower() or "unnamed"
    return f"_{cleaned}" if cleaned[0].isdigit() else cleaned[:63]


def place(document: Document, path: Path) -> Location:
    """The line and column of a path of a document, or of its nearest known ancestor."""
    while path and path not in document.positions:
        path = path[:-1]
    return Location(document.path, *document.positions.get(path, (0, 0)))


def validated(document: Document, model: type[_Model], what: str) -> _Model:
    """The document's data as ``model``.

    Raises:
        InputError: with every finding: the document's own and the model's.
    """
    try:
        value = model.model_validate(document.data, by_alias=True, by_name=False)
    except ValidationError as error:
        findings = list(document.findings)
        for found in explain(error.errors(include_url=False), document.data, model):
            if not any(found.path[: len(f)] == f for f in document.flagged):
                where = place(document, found.path)
                findings.append(
                    Finding(found.code, Severity.ERROR, found.message, where, hint=found.hint)
                )
        refuse_with(findings, what)
    if document.findings:
        refuse_with(document.findings, what)
    return value


def refuse_with(findings: list[Finding], what: str) -> NoReturn:
    """Raise the InputError that carries findings, in the order of the file.

    Args:
        findings: at least one.
        what: what the file was read as, such as ``spec``.
    """
    ordered = tuple(sorted(findings, key=lambda f: (f.location or Location(""), f.code)))
    count = f"{len(ordered)} errors" if len(ordered) > 1 else "1 error"
    path = ordered[0].location.path if ordered[0].location else ""
    raise InputError(
        f"{path}: {count} in this {what}", "correct the places listed and run it again", ordered
    )
