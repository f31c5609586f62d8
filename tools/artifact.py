"""What generators make: a file's path, its text, and who is answerable for it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Origin = Literal["compiled", "authored"]
"""``compiled`` follows from the spec alone; ``authored`` was written by a model."""


def sha256_text(text: str) -> str:
    """The sha256 (64 hex digits) of a text, line ends read as LF.

    Git may check files out with CRLF (``core.autocrlf``); that is no edit by a person.
    """
    return hashlib.sha256(text.replace("\r\n", "\n").encode("utf-8")).hexdigest()


@dataclass(frozen=True)
class Authorship:
    """Who wrote an authored file, and from what.

    Args:
        step: the step of the plan or of the workflow that it was written for.
        part: digest of what it was written from; while that stays, so does the file.
        model: the name of the model.
        run: in which it was written.
    """

    step: str
    part: str
    model: str
    run: str


@dataclass(frozen=True)
class Artifact:
    """A file that a pipeline makes.

    Args:
        path: posix path relative to the workspace root.
        content: the whole text, LF line ends.
        origin: how it came about.
        owner: the pipeline that it belongs to, or ``workspace`` for files of all pipelines.
        by: who wrote it, if it is authored.
    """

    path: str
    content: str
    origin: Origin
    owner: str
    by: Authorship | None = None

    @property
    def sha256(self) -> str:
        """The sha256 (64 hex digits) of the content, as the lock file records it."""
        return sha256_text(self.content)
