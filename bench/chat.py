"""``specmill chat``: how soon one can type, how soon the first word shows, what 300 turns take.

In a real terminal, against a Messages server on the loopback interface that answers at once.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from agent.model.base import Request, Turn
from agent.model.scripted import call, say
from bench.measure import Failed, Table, alternating, beside, environment, median, seconds, spread
from tests.messages_server import KEY, MessagesServer
from tests.terminal import Terminal

_WORD = "Aubergine"


def measure(*, quick: bool) -> tuple[Table, ...]:
    """All of it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        root.mkdir()
        (root / "a.sql").write_text("select 1\n" * 200, encoding="utf-8")
        return (
            _start(root, 3 if quick else 9),
            _first_word(root, 3 if quick else 15),
            _memory(root, 20 if quick else 300),
        )


def _env(server: MessagesServer) -> dict[str, str]:
    return environment(ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=server.url)


def _start(root: Path, times: int) -> Table:
    specmill = beside("specmill")
    python, helped = [sys.executable, "-c", "pass"], [specmill, "--help"]
    with MessagesServer([]) as server:
        calls: dict[str, Callable[[], float]] = {
            "python -c pass": partial(seconds, python),
            "specmill --help": partial(seconds, helped),
            "specmill chat, until it can be typed": partial(_until_prompt, specmill, root, server),
        }
        for warm in calls.values():
            warm()
        found = alternating(calls, times)
    bare, helps = (median(found[name]) for name in ("python -c pass", "specmill --help"))
    rows = tuple(
        (
            name,
            f"{median(v) * 1000:.0f}",
            spread(v),
            f"{median(v) / bare:.1f}",
            f"{median(v) / helps:.1f}",
        )
        for name, v in found.items()
    )
    heads = ("command", "ms, median", "s, range", "ratio to python", "ratio to --help")
    return Table("Start of a chat", heads, rows)


def _until_prompt(specmill: str, root: Path, server: MessagesServer) -> float:
    began = time.perf_counter()
    with Terminal([specmill, "chat"], cwd=root, env=_env(server)) as chat:
        chat.wait("\n>")
        return time.perf_counter() - began


def _first_word(root: Path, times: int) -> Table:
    """From Enter to the first word on the screen; in the first turn imports may still run."""
    found: dict[str, list[float]] = {"first turn, typed at once": [], "later turns": []}
    for number in range(2):
        with MessagesServer([say(f"{_WORD}{n} and more.") for n in range(times)]) as server:
            argv = [beside("specmill"), "chat"]
            with Terminal(argv, cwd=root, env=_env(server)) as chat:
                chat.wait("\n>")
                for n in range(times if number else 1):
                    began = time.perf_counter()
                    chat.send("go")
                    chat.wait(f"{_WORD}{n}")
                    spent = time.perf_counter() - began
                    found["later turns" if n else "first turn, typed at once"].append(spent)
                    chat.wait(lambda text: text.endswith("\n>"))
    rows = tuple((name, f"{median(v) * 1000:.0f}", spread(v)) for name, v in found.items())
    heads = ("from Enter to the first word on the screen", "ms, median", "s, range")
    return Table("First word", heads, rows, ("The server answers at once; no model is in it.",))


def _memory(root: Path, turns: int) -> Table:
    """Each turn calls a tool and answers; the session is one, and is never summed up."""
    steps = [step for _ in range(turns) for step in (_reads, say("x" * 400))]
    marks = sorted({1, turns // 10, turns})
    with MessagesServer(steps) as server:
        process = subprocess.Popen(
            [beside("specmill"), "chat", "--mode", "plan"],
            cwd=root,
            env={**_env(server), "SPECMILL_MONEY": "1000", "SPECMILL_SECONDS": "100000"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdin
        assert process.stdout
        rows = []
        began = time.perf_counter()
        for turn in range(1, turns + 1):
            process.stdin.write("read a part of it\n")
            process.stdin.flush()
            if not process.stdout.readline().startswith("x"):
                raise Failed(f"the chat ended in turn {turn}")
            if turn in marks:
                spent = time.perf_counter() - began
                journals = root.glob(".specmill/sessions/*/journal.jsonl")
                journal = max(path.stat().st_size for path in journals)
                rows.append((f"{turn}", f"{_resident(process.pid):.0f}", f"{journal / 1e6:.1f}",
                             f"{spent / turn * 1000:.0f}"))  # fmt: skip
        process.stdin.close()
        process.wait()
    heads = ("turns", "memory, MB", "session on disk, MB", "ms a turn so far")
    return Table(
        "A long chat",
        heads,
        tuple(rows),
        ("Each turn reads 30 lines of a file and answers; nothing is summed up.",),
    )


def _reads(request: Request) -> Turn:
    start = len(request.messages) % 100 + 1
    return call("read_file", path="a.sql", offset=start, limit=30)


def _resident(pid: int) -> float:
    """Megabytes of a running process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6
