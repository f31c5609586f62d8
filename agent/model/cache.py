"""What a prompt cache would serve of a request: how pretended models count their tokens."""

from __future__ import annotations

import hashlib
import json

from agent.model.base import Json, Usage
from agent.model.validity import parts

BYTES_PER_TOKEN = 4
"""An estimate; good enough for shares, and the same on every machine."""


class PromptCache:
    """Remembers the prefixes that requests have written, as the service does.

    A prefix ends at a block with ``cache_control``. The longest one that an earlier request wrote
    is read; what follows, up to the last such block, is written; the rest is plain input.
    """

    def __init__(self) -> None:
        self._written: set[bytes] = set()

    def usage(self, body: Json, output: str) -> Usage:
        """Counts a request and its answer, and remembers what it wrote."""
        state, size, read, marked = hashlib.sha256(), 0, 0, 0
        for block in parts(body):
            plain = {name: value for name, value in block.items() if name != "cache_control"}
            text = json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
            state.update(text)
            size += len(text)
            if block.get("cache_control"):
                prefix = state.digest()
                read = size if prefix in self._written else read
                marked = size
                self._written.add(prefix)
        return Usage(
            input=_tokens(size - marked),
            output=_tokens(len(output.encode())),
            cache_read=_tokens(read),
            cache_write=_tokens(marked - read),
        )


def _tokens(size: int) -> int:
    return -(-size // BYTES_PER_TOKEN)
