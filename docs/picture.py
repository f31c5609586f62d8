"""A picture of a terminal, from what a real command printed.

The picture keeps the seconds and ids of the run that it shows. Two runs of the same code differ in
nothing else, so ``plain`` takes these out: what is left says whether a picture is out of date.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from html import escape
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

WIDTH = 80
_SVG = "http://www.w3.org/2000/svg"

THEME = TerminalTheme(
    (24, 26, 31),
    (212, 215, 220),
    [
        (66, 70, 80), (224, 108, 117), (126, 196, 119), (222, 178, 96),
        (97, 163, 228), (198, 134, 222), (86, 182, 194), (212, 215, 220),
    ],
)  # fmt: skip

# What rich has, without the fonts that it would fetch from elsewhere.
_FORMAT = """\
<svg class="terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<title>%(title)s</title>
<desc>%(plain)s</desc>
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""

_VOLATILE = (
    (re.compile(r" *\d+\.\d+ ?s\b"), " N s"),
    (re.compile(r"\b[0-9a-f]{7,40}\b"), "HASH"),
    (re.compile(r"\b(\w+)-\d{4}-\d{4,6}\b"), r"\1-RUN"),
    (re.compile(r"─+"), "─"),
)


def picture(title: str, ansi: str) -> str:
    """An SVG of a terminal of 80 columns that holds ``ansi``.

    Args:
        title: for readers that see no pictures.
        ansi: what was printed, with its escape sequences for colours.
    """
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), color_system="truecolor", force_terminal=True
    )
    text = Text.from_ansi(ansi.rstrip("\n"))
    console.print(text, soft_wrap=True)
    form = _FORMAT.replace("%(title)s", _braces(escape(title)))
    form = form.replace("%(plain)s", _braces(escape(_lines(text.plain))))
    svg = console.export_svg(title="", theme=THEME, code_format=form, unique_id="specmill")
    return _lines(svg) + "\n"


def shown(svg: str) -> str:
    """The text that a picture shows.

    Raises:
        ValueError: it is not a picture made here.
    """
    try:
        root = ET.fromstring(svg)  # noqa: S314 - a file of this repo
    except ET.ParseError as error:
        raise ValueError(f"not an SVG: {error}") from error
    text = root.findtext(f"{{{_SVG}}}desc")
    if root.tag != f"{{{_SVG}}}svg" or not text:
        raise ValueError("an SVG without <desc>, which holds the text of the picture")
    return text


def plain(text: str) -> str:
    """A run's output without its seconds, commit hashes and run ids."""
    for pattern, instead in _VOLATILE:
        text = pattern.sub(instead, text)
    return _lines(text)


def is_new(file: Path, svg: str) -> bool:
    """Whether a picture shows anything that the one in a file doesn't, seconds and ids aside."""
    if not file.is_file():
        return True
    try:
        return plain(shown(file.read_text(encoding="utf-8"))) != plain(shown(svg))
    except ValueError:
        return True


def _lines(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines())


def _braces(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
