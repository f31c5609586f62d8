"""Text files say nothing about the machine that they were written on, and are plain UTF-8."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tracked import ROOT, tracked

# Written in parts, so that this file may be searched as well.
_HOSTS = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry." + "npmjs",
    "npmjs" + ".org",
    "deb." + "debian.org",
    "archive." + "ubuntu.com",
    "proxy." + "golang.org",
    "static." + "crates.io",
    "conda." + "anaconda.org",
    "index" + "-url",
    "find" + "-links",
]
_PATHS = [
    "/ro" + "ot/",
    "/wo" + "rk/(?:main|shared)",
    "/op" + "t/",
    "/ho" + r"me/(?!you/|me/|runner/)\w",
    "/Us" + "ers/",
    r"@ fi" + "le:",
]
_FOREIGN = re.compile("|".join([*(re.escape(host) for host in _HOSTS), *_PATHS]))
_BINARY = {".parquet", ".png", ".duckdb", ".gz"}
_ODD = {"cases", "fixtures"}  # data that is wrong on purpose


def _texts() -> list[Path]:
    return [path for path in tracked() if path.suffix not in _BINARY]


def test_no_file_names_a_registry_or_a_path_of_this_machine() -> None:
    found = []
    for path in _texts():
        text = (ROOT / path).read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            match = _FOREIGN.search(line)
            if match:
                found.append(f"{path}:{number}: {match[0]}")
    assert not found


@pytest.mark.parametrize(
    "line",
    ["--index" + "-url x", "specmill @ fi" + "le:///x", "/ro" + "ot/x", "https://py" + "pi.org/x"],
)
def test_such_a_line_would_be_found(line: str) -> None:
    assert _FOREIGN.search(line)


def test_files_are_utf8_with_unix_line_ends_and_an_end() -> None:
    found = []
    for path in _texts():
        raw = (ROOT / path).read_bytes()
        if _ODD & set(path.parts) or not raw:
            continue
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError:
            found.append(f"{path}: not UTF-8")
        if b"\r" in raw:
            found.append(f"{path}: carriage returns")
        if not raw.endswith(b"\n"):
            found.append(f"{path}: no newline at the end")
    assert not found


def test_the_pins_are_names_and_versions_alone() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert len(pins) > 50
    pin = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+")
    assert [line for line in pins if not pin.fullmatch(line)] == []
    assert any(re.fullmatch(r"dbt-core==1\.11\.\d+", line) for line in pins)
    assert not any(line.lower().startswith("specmill") for line in pins)
