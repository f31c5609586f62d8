"""Approvals: who agreed to which content, when; void as soon as the content is another."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tools.errors import InputError
from tools.findings import Finding, Location, Severity


@dataclass(frozen=True)
class Approval:
    """One record.

    Args:
        what: ``spec`` or ``code``.
        subject: the pipeline.
        sha256: 64 hex digits; of the canonical spec, or of the paths and digests of the code.
        who: the person, as git knows them.
        when: ISO 8601, UTC.
        note: what they had to say.
    """

    what: str
    subject: str
    sha256: str
    who: str
    when: str
    note: str = ""

    def to_json(self) -> dict[str, str]:
        """A JSON object."""
        return asdict(self)


def read_approvals(file: Path) -> tuple[Approval, ...]:
    """All records of a file, oldest first; none if there is no file.

    Raises:
        InputError: a line is not a record; an approval is never guessed.
    """
    if not file.is_file():
        return ()
    records = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            records.append(Approval(**json.loads(line)))
        except (ValueError, TypeError) as error:
            where = Location(file.name, number)
            message = "this line is not an approval record"
            finding = Finding("GATE001", Severity.ERROR, message, where, hint="remove the line")
            raise InputError(f"{where}: {message}", "remove the line", (finding,)) from error
    return tuple(records)


def find_approval(
    records: tuple[Approval, ...], what: str, subject: str, sha256: str
) -> Approval | None:
    """The newest record for exactly this content."""
    wanted = (what, subject, sha256)
    return next((r for r in reversed(records) if (r.what, r.subject, r.sha256) == wanted), None)


def record_approval(file: Path, approval: Approval) -> None:
    """Appends a record and waits until it is on disk."""
    file.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(approval.to_json(), ensure_ascii=False) + "\n"
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line.encode("utf-8"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_approval(gate: dict[str, Any], who: str, now: datetime, note: str = "") -> Approval:
    """The record that answers a gate."""
    return Approval(gate["what"], gate["subject"], gate["sha256"], who, now.isoformat(), note)
