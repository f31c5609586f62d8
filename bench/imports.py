"""What commands import, and which packages take the time (``python -X importtime``)."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

from bench.measure import ROOT, Table, environment

_LINE = re.compile(r"^import time:\s*(\d+) \|\s*\d+ \| +(\S+)$")

ENTRIES = {
    "specmill --help": "import agent.cli",
    "specmill check": "import agent.cli, agent.checking, agent.terminal.lists",
    "specmill run": "import agent.cli, agent.run, agent.terminal.progress, tools.verify.worker",
    "dbt's worker": "import dbt.cli.main, dbt.adapters.duckdb, duckdb",
}

_WORTH_A_ROW = 1000  # microseconds


def measure(*, quick: bool) -> Table:
    """The milliseconds of imports of each command, by package."""
    rows = []
    for name, statement in ENTRIES.items():
        packages = own_microseconds(statement)
        total = sum(packages.values())
        rows.append((name, f"{total / 1000:.0f}", ""))
        rows += [
            (f"  {package}", f"{spent / 1000:.0f}", f"{spent / total:.0%}")
            for package, spent in packages.most_common(4 if quick else 8)
            if spent >= _WORTH_A_ROW
        ]
    note = (
        "Tracing makes imports slower. A package's time is that of its own modules, without what "
        "they import from others. What Python imports for itself is left out."
    )
    return Table("Imports", ("command, package", "ms", "share"), tuple(rows), (note,))


def own_microseconds(statement: str) -> Counter[str]:
    """Microseconds by top-level package, the modules of each without those of others.

    Args:
        statement: Python that imports.
    """
    return _traced(statement) - _traced("pass")


def _traced(statement: str) -> Counter[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", statement],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: Counter[str] = Counter()
    for line in done.stderr.splitlines():
        match = _LINE.match(line)
        if match:
            found[_package(match[2])] += int(match[1])
    return found


def _package(module: str) -> str:
    top = module.split(".", 1)[0]
    return "standard library" if top in sys.stdlib_module_names else top
