"""``python -m bench [--quick] [--only PART] [--save]``: measures, prints tables."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version

import click

from bench import chat, checking, imports, loop, proving, repair, running, startup
from bench.measure import ROOT, Failed, Table

PARTS: dict[str, Callable[[bool], tuple[Table, ...]]] = {
    "start": lambda quick: (startup.measure(quick=quick),),
    "check": lambda quick: (checking.measure(quick=quick),),
    "run": lambda quick: running.measure(quick=quick),
    "loop": lambda quick: loop.measure(quick=quick),
    "repair": lambda quick: (repair.measure(quick=quick),),
    "chat": lambda quick: chat.measure(quick=quick),
    "proof": lambda quick: proving.measure(quick=quick),
    "imports": lambda quick: (imports.measure(quick=quick),),
}
RESULTS = ROOT / "bench" / "RESULTS.md"


def facts() -> str:
    """What the numbers depend on; names no host."""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    packages = ", ".join(f"{name} {version(name)}" for name in ("dbt-core", "duckdb", "sqlglot"))
    return (
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"{packages}; load average before: {load}"
    )


def measured(parts: tuple[str, ...], *, quick: bool) -> Iterator[str]:
    """The lines of the results, as they become known."""
    yield "# What specmill costs"
    yield ""
    yield f"Made by `python -m bench{' --quick' if quick else ''}`. {facts()}."
    for name in parts:
        for table in PARTS[name](quick):
            yield ""
            yield from table.lines()


@click.command(help="Measures what specmill costs, and prints tables.")
@click.option("--quick", is_flag=True, help="Fewer and smaller: to see that it works.")
@click.option("--only", type=click.Choice(list(PARTS)), multiple=True, help="A part; repeatable.")
@click.option("--save", is_flag=True, help="Write the tables to bench/RESULTS.md as well.")
def main(quick: bool, only: tuple[str, ...], save: bool) -> None:
    """Measures."""
    lines = []
    try:
        for line in measured(only or tuple(PARTS), quick=quick):
            click.echo(line)
            lines.append(line)
    except Failed as failed:
        click.echo(f"\n{failed}", err=True)
        sys.exit(1)
    if save:
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
