"""A program of its own that searches files, so that a slow pattern can be stopped.

Reads one JSON object from its standard input (``root``, ``files``, ``pattern``, ``ignore_case``,
``limit``), and prints one JSON line a hit: path, line number, line.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

_LARGEST = 5_000_000
_WIDEST = 300


def main() -> None:
    """Searches."""
    task = json.load(sys.stdin)
    pattern = re.compile(task["pattern"], re.IGNORECASE if task["ignore_case"] else 0)
    found = 0
    for name in task["files"]:
        place = Path(task["root"], name)
        try:
            data = place.read_bytes() if place.stat().st_size <= _LARGEST else b"\0"
        except OSError:
            continue
        if b"\0" in data[:8192]:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
            hit = pattern.search(line)
            if hit is None:
                continue
            start = max(hit.start() - _WIDEST // 2, 0) if len(line) > _WIDEST else 0
            found += 1
            if found <= task["limit"]:
                print(json.dumps([name, number, line[start : start + _WIDEST]]))  # noqa: T201
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
