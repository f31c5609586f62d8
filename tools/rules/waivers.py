"""Waivers: exceptions to rules that a person answers for, until a date.

``waivers.yaml`` is a list of ``{rule, path, reason, owner, expires}``. ``path`` is a glob (``*``
crosses slashes) over the file that a finding is in and over what it is about, such as
``dim_order.status``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.errors import InputError
from tools.findings import Finding, Location, Severity
from tools.rules.article import Constitution, Waiver
from tools.spec.explain import explain
from tools.spec.positions import Document, read_document
from tools.spec.suggest import did_you_mean

CODE = "CON020"
"""The code of findings about waivers themselves."""


class WaiverEntry(BaseModel):
    """What an entry of ``waivers.yaml`` says."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    rule: str = Field(min_length=1)
    path: str = Field(min_length=1, max_length=500)
    reason: str = Field(min_length=1, max_length=500)
    owner: str = Field(min_length=1, max_length=127)
    expires: dt.date


class _Entries(BaseModel):
    waivers: list[WaiverEntry]


def read_waivers(
    texts: Mapping[str, str], name: str, rules: Collection[str]
) -> tuple[list[Waiver], list[Finding]]:
    """The waivers among the files of a constitution, and what is wrong with them.

    Args:
        texts: shown path to text.
        name: the file name of waivers.
        rules: the ids that a waiver may name.
    """
    waivers: list[Waiver] = []
    wrong: list[Finding] = []
    for path, text in texts.items():
        if path.rsplit("/", 1)[-1] == name:
            try:
                waivers.extend(_parse(text, path))
            except InputError as error:
                wrong.extend(replace(f, code=CODE) for f in error.findings)
    for waiver in waivers:
        if waiver.rule not in rules:
            message = f"the waiver is for {waiver.rule}, and there is no such rule"
            hint = did_you_mean(waiver.rule, rules)
            wrong.append(Finding(CODE, Severity.ERROR, message, waiver.location, hint))
    return waivers, wrong


def _parse(text: str, path: str) -> Iterator[Waiver]:
    document = read_document(text, path)
    if document.findings:
        raise InputError(f"{path} is wrong", "", tuple(document.findings))
    if document.data is None:
        return
    data = {"waivers": document.data}
    try:
        entries = _Entries.model_validate(data)
    except ValidationError as error:
        explained = explain(error.errors(), data, _Entries)
        findings = tuple(
            Finding(CODE, Severity.ERROR, e.message, _at(document, e.path[1:]), e.hint)
            for e in explained
        )
        raise InputError(f"{path} is wrong", "", findings) from error
    for index, entry in enumerate(entries.waivers):
        yield Waiver(
            entry.rule,
            entry.path,
            entry.reason,
            entry.owner,
            entry.expires,
            _at(document, (index,)),
        )


def _at(document: Document, path: tuple[str | int, ...]) -> Location:
    while path and path not in document.positions:
        path = path[:-1]
    return Location(document.path, *document.positions.get(path, (1, 0)))


def matches(waiver: Waiver, finding: Finding) -> bool:
    """Whether a waiver is meant for a finding, expired or not."""
    places = [finding.subject, finding.location.path if finding.location else ""]
    return waiver.rule == finding.code and any(p and fnmatchcase(p, waiver.path) for p in places)


def apply_waivers(
    findings: Iterable[Finding], waivers: Iterable[Waiver], today: dt.date
) -> list[Finding]:
    """The findings, those with a valid waiver turned into notes that name it.

    A waiver is valid through the day that it names. One that has expired waives nothing; where
    it would have, an error says so.
    """
    known = tuple(waivers)
    out: list[Finding] = []
    for finding in findings:
        meant = [w for w in known if matches(w, finding)]
        valid = next((w for w in meant if w.expires >= today), None)
        if valid is not None:
            note = (
                f"{finding.message} (waived until {valid.expires} by {valid.owner}: {valid.reason})"
            )
            out.append(replace(finding, severity=Severity.NOTE, message=note, hint="", fix=None))
            continue
        out.append(finding)
        out.extend(_expired(w) for w in meant)
    return out


def _expired(waiver: Waiver) -> Finding:
    return Finding(
        CODE,
        Severity.ERROR,
        f"the waiver of {waiver.rule} for {waiver.path} expired on {waiver.expires}",
        waiver.location,
        f"fix what it waived, or {waiver.owner} renews it with a reason",
        subject=waiver.path,
    )


def unused_waivers(
    constitution: Constitution, findings: Iterable[Finding], names: Collection[str] | None = None
) -> Iterator[Finding]:
    """A note for each waiver that no finding needs.

    Args:
        constitution: its waivers.
        findings: what the rules had to say, waived or not.
        names: when given, only waivers that are about one of these paths and names are judged:
            the others are about something that was not looked at.
    """
    found = tuple(findings)
    for waiver in constitution.waivers:
        if any(matches(waiver, f) for f in found):
            continue
        if names is not None and not any(fnmatchcase(n, waiver.path) for n in names):
            continue
        yield Finding(
            CODE,
            Severity.NOTE,
            f"the waiver of {waiver.rule} for {waiver.path} matches nothing",
            waiver.location,
            "remove it, or correct its path",
            subject=waiver.path,
        )
