"""How long ``specmill --help`` takes, against the start of Python itself."""

from __future__ import annotations

import sys
from functools import partial

from bench.measure import Table, alternating, beside, median, seconds, spread


def measure(*, quick: bool) -> Table:
    """Cold starts, alternating."""
    specmill = beside("specmill")
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "python -c 'import click'": [sys.executable, "-c", "import click"],
        "specmill --help": [specmill, "--help"],
        "specmill run --help": [specmill, "run", "--help"],
    }
    for argv in commands.values():
        seconds(argv)  # the first start compiles, and reads the disk
    found = alternating(
        {name: partial(seconds, argv) for name, argv in commands.items()}, 5 if quick else 15
    )
    base = median(found["python -c pass"])
    rows = tuple(
        (name, f"{median(v) * 1000:.0f}", spread(v), f"{median(v) / base:.1f}")
        for name, v in found.items()
    )
    return Table("Start", ("command", "ms, median", "s, range", "ratio to python"), rows)
