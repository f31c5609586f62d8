"""How ``specmill check`` grows with the number of specs."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from bench.measure import ROOT, Table, beside, median, seconds

_BASE = ROOT / "specs" / "dim_order.yaml"
_OWN = re.compile(r"\b(dim_order|fct_order|orders_dashboard)\b")


def measure(*, quick: bool) -> Table:
    """Checks workspaces of 1, 100 and 1,000 specs."""
    sizes = (1, 10, 100) if quick else (1, 100, 1000)
    rows = []
    before: tuple[int, float] | None = None
    with tempfile.TemporaryDirectory(prefix="specmill-bench-") as folder:
        for size in sizes:
            root = Path(folder) / str(size)
            make_workspace(root, size)
            argv = [beside("specmill"), "check"]
            times = 1 if size >= 1000 else 3
            spent = median([seconds(argv, cwd=root) for _ in range(times)])
            more = "" if before is None else _each_more(before, size, spent)
            rows.append((str(size), f"{spent:.2f}", f"{spent / size * 1000:.1f}", more))
            before = (size, spent)
    lines = len(_BASE.read_text(encoding="utf-8").splitlines())
    note = f"Each spec is {_BASE.name} ({lines} lines, two models) under names of its own."
    return Table("Check", ("specs", "s", "ms a spec", "ms for each more"), tuple(rows), (note,))


def _each_more(before: tuple[int, float], size: int, spent: float) -> str:
    return f"{(spent - before[1]) / (size - before[0]) * 1000:.1f}"


def make_workspace(root: Path, size: int) -> None:
    """A workspace of ``size`` specs: one spec, under names of its own each time."""
    (root / "specs").mkdir(parents=True)
    (root / "specmill.toml").write_text("", encoding="utf-8")
    text = _BASE.read_text(encoding="utf-8")
    for number in range(size):
        varied = _OWN.sub(rf"\1_{number:04d}", text)
        (root / "specs" / f"dim_order_{number:04d}.yaml").write_text(varied, encoding="utf-8")
