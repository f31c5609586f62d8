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
class Artifact:
    """A file that a pipeline makes.

    Args:
        path: posix path relative to the workspace root.
        content: the whole text, LF line ends.
        origin: how it came about.
        owner: the pipeline that it belongs to, or ``workspace`` for files of all pipelines.
    """

    path: str
    content: str
    origin: Origin
    owner: str

    @property
    def sha256(self) -> str:
        """The sha256 (64 hex digits) of the content, as the lock file records it."""
        return sha256_text(self.content)
