"""``specmill chat`` in a real terminal, against a real server."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from agent.model.scripted import call, calls, say
from tests.agent.support import environment
from tests.messages_server import KEY, MessagesServer, Step, stalled
from tests.terminal import Terminal

pytestmark = pytest.mark.slow
EDIT = call("edit_file", path="a.sql", old="select 1", new="select 2")
READ = call("read_file", path="a.sql")

Chat = Callable[..., Terminal]


@pytest.fixture
def root(workspace: Path) -> Path:
    (workspace / "a.sql").write_text("select 1\n")
    return workspace


def idle(text: str) -> bool:
    """Whether the chat waits for a message."""
    return text.endswith("\n>")


class Talk:
    """Starts chats against one server."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.server = MessagesServer([])

    def script(self, *steps: Step) -> None:
        self.server.steps += steps

    def env(self, **more: str) -> dict[str, str]:
        keys = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": self.server.url}
        return {**environment(), **keys, "LANG": "C.UTF-8", **more}

    def start(self, *args: str, env: dict[str, str] | None = None, **size: int) -> Terminal:
        argv = [sys.executable, "-m", "agent", *args]
        terminal = Terminal(argv, cwd=self.root, env=self.env(**(env or {})), **size)
        terminal.wait("\n>")
        return terminal

    def sent(self, number: int = -1) -> str:
        return str(self.server.requests[number]["messages"][-1])


@pytest.fixture
def talk(root: Path) -> Iterator[Talk]:
    talk = Talk(root)
    with talk.server:
        yield talk
        talk.server.check()


def test_a_change_is_approved_undone_and_done_again(root: Path, talk: Talk) -> None:
    talk.script(READ, EDIT, say("It selects 2 now."))
    with talk.start("chat") as chat:
        chat.send("make it two")
        shown = chat.wait("or why not]")
        assert shown.index("+select 2") < shown.index("Run edit_file a.sql?")
        assert (root / "a.sql").read_text() == "select 1\n"
        chat.send("y")
        chat.wait("tokens", times=2)
        assert (root / "a.sql").read_text() == "select 2\n"
        chat.send("/undo")
        chat.wait("took back")
        assert (root / "a.sql").read_text() == "select 1\n"
        chat.send("/redo")
        chat.wait("did again")
        assert (root / "a.sql").read_text() == "select 2\n"
        (root / "a.sql").write_text("mine\n")
        chat.send("/undo")
        chat.wait("edited since: a.sql")
        chat.send("/quit")
        assert chat.finish() == 0
        assert "specmill chat --resume" in chat.text
        assert b"\x1b[2J" not in chat.raw


def test_a_reason_rejects(root: Path, talk: Talk) -> None:
    talk.script(READ, EDIT, say("Then not."))
    with talk.start("chat") as chat:
        chat.send("make it two")
        chat.wait("or why not]")
        chat.send("")  # an empty line is no answer
        chat.send("rather a CTE")
        chat.wait("Then not.")
    assert "rather a CTE" in talk.sent()
    assert (root / "a.sql").read_text() == "select 1\n"


@pytest.mark.parametrize("key", ["esc", "ctrl-c"])
def test_one_key_stops_the_turn_and_the_conversation_goes_on(talk: Talk, key: str) -> None:
    hold = Event()
    talk.script(stalled(say("Half of the answer, and then more"), hold, 5), say("Whole."))
    with talk.start("chat") as chat:
        chat.send("tell me")
        chat.wait("Half")
        chat.press(key)
        chat.wait("stopped")
        chat.send("again")
        chat.wait("Whole.")
        hold.set()
        chat.wait(idle)
        chat.press("ctrl-d")
        assert chat.finish() == 0


def test_a_stop_while_asked_runs_nothing(root: Path, talk: Talk) -> None:
    talk.script(READ, EDIT, say("Fine."))
    with talk.start("chat") as chat:
        chat.send("make it two")
        chat.wait("or why not]")
        chat.press("esc")
        chat.wait("stopped")
        chat.send("leave it")
        chat.wait("Fine.")
    assert (root / "a.sql").read_text() == "select 1\n"


def test_what_is_typed_meanwhile_steers_and_does_not_mix_with_output(talk: Talk) -> None:
    hold = Event()
    words = "The first words of it. " + "And then the rest of it. " * 4
    talk.script(stalled(say(words), hold, 4), say("As you say."))
    with talk.start("chat") as chat:
        chat.send("tell me")
        chat.wait("first words")
        chat.type("rather in Frenchx\x7f")
        chat.wait("> rather in French")
        chat.type("\x7f" * 6 + "Greek")
        chat.wait("> rather in Greek")
        chat.press("enter")
        hold.set()  # not before: a turn that ends keeps a half-typed line for the next prompt
        chat.wait("As you say.")
        assert "the rest" in chat.text
        assert "> rather in Greek\n" in chat.text
    assert "rather in Greek" in talk.sent()


def test_a_half_typed_line_goes_into_the_next_prompt(talk: Talk) -> None:
    hold = Event()
    talk.script(stalled(say("Some words, and more of them"), hold, 4), say("Good."))
    with talk.start("chat") as chat:
        chat.send("tell me")
        chat.wait("Some")
        chat.type("and then")
        chat.wait("> and then")
        hold.set()
        chat.wait("tokens", times=2)
        chat.send(" do it")
        chat.wait("Good.")
    assert "and then do it" in talk.sent()


def test_commands_typed_during_a_turn_come_after_it(talk: Talk) -> None:
    hold = Event()
    talk.script(stalled(say("Some words, and more of them"), hold, 4))
    with talk.start("chat") as chat:
        chat.send("tell me")
        chat.wait("Some")
        chat.send("/quit")
        chat.wait("> /quit")
        hold.set()
        assert chat.finish() == 0
        assert "them\nclaude" in chat.text


def test_ctrl_c_twice_leaves(talk: Talk) -> None:
    with talk.start("chat") as chat:
        chat.type("half a line")
        chat.wait("> half a line")
        chat.press("ctrl-c")
        chat.wait(lambda text: "half" not in text)
        chat.press("ctrl-c")
        chat.wait("Ctrl-C again leaves")
        chat.press("ctrl-c")
        assert chat.finish() == 0


def test_a_session_is_resumed(root: Path, talk: Talk) -> None:
    talk.script(say("I will remember plums."), say("Plums."))
    with talk.start("chat", "--mode", "plan") as chat:
        chat.send("remember plums")
        chat.wait("I will remember")
        chat.wait("tokens", times=2)
        os.kill(chat.pid, signal.SIGKILL)
    with talk.start("chat", "--resume") as chat:
        chat.wait("going on with: remember plums")
        chat.wait("| plan |")
        chat.send("what was it?")
        chat.wait("> what was it?\nPlums.")
    assert "remember plums" in str(talk.server.requests[-1]["messages"])


def test_a_session_that_is_open_elsewhere_is_refused(talk: Talk) -> None:
    talk.script(say("Yes."))
    with talk.start("chat") as chat:
        chat.send("hello")
        chat.wait("Yes.")
        done = piped(talk, "more\n", "--resume")
        assert done.returncode == 6
        assert "open in another process" in done.stderr


@pytest.mark.parametrize("columns", [80, 200])
def test_the_screen_is_used_as_wide_as_it_is(talk: Talk, columns: int) -> None:
    words = " ".join(f"word{number}" for number in range(60))
    talk.script(calls(("search", {"pattern": "x" * 300})), say(words))
    with talk.start("chat", columns=columns) as chat:
        chat.send("go")
        text = chat.wait("tokens", times=2)
    lines = text.splitlines()
    assert max(map(len, lines)) <= min(columns, 100)
    told = [line for line in lines if line.startswith("word")]
    assert " ".join(told) == words, "no word is broken"
    (search,) = [line for line in lines if "search" in line]
    assert search.endswith("…")


@pytest.mark.parametrize("how", ["flag", "variable"])
def test_without_colour_there_is_none(talk: Talk, how: str) -> None:
    talk.script(READ, EDIT, say("# Title\nDone."))
    args = ["--no-color", "chat"] if how == "flag" else ["chat"]
    with talk.start(*args, env={} if how == "flag" else {"NO_COLOR": "1"}) as chat:
        chat.send("go")
        chat.wait("or why not]")
        chat.send("y")
        chat.wait("Done.")
        chat.send("/nonsense")
        chat.wait("no command")
        chat.send("/diff")
        chat.wait("+select 2", times=2)
        chat.type("/un")
        chat.wait("Put files back")
        raw = chat.raw.decode()
    colours = re.findall(r"\x1b\[[0-9;]*\b(?:3[0-7]|4[0-7]|9[0-7]|10[0-7]|38|48)\b[0-9;]*m", raw)
    assert colours == []


def test_calls_unfold(talk: Talk) -> None:
    talk.script(READ, say("Read."))
    with talk.start("chat") as chat:
        chat.send("read it")
        chat.wait("tokens", times=2)
        chat.type("my draft")
        chat.wait("> my draft")
        chat.press("ctrl-o")
        chat.wait("path: a.sql")
        chat.wait("> my draft", times=2)
        chat.press("ctrl-c")
        chat.send("/show 1")
        chat.wait("path: a.sql", times=2)
        chat.send("/show 7")
        chat.wait("no call 7")
        assert "my draft" not in talk.sent(), "a draft that is given up is not sent"


def test_several_lines_history_and_completion(talk: Talk) -> None:
    talk.script(say("One."), say("Two."), say("Three."))
    with talk.start("chat") as chat:
        chat.type("first\x1b\rsecond\\\rthird\r")
        chat.wait("One.")
        chat.wait("tokens", times=2)
        chat.type("@a.s")
        chat.wait("@a.sql")
        chat.type("\t")
        chat.wait("> @a.sql")
        chat.press("enter")
        chat.press("enter")
        chat.wait("Two.")
        chat.wait("tokens", times=3)
        chat.type("/und")
        chat.wait("Put files back")
        chat.press("ctrl-c")
    assert "first\\nsecond\\nthird" in talk.sent(0)
    assert 'name="a.sql"' in talk.sent(1)
    with talk.start("chat") as chat:
        chat.type("\x1b[A")
        chat.wait("> @a.sql")


def test_commands_of_specmill_run_in_the_chat(talk: Talk) -> None:
    talk.script(say("I saw it."))
    with talk.start("chat") as chat:
        chat.send("/check specs/orders.yaml")
        chat.wait("1 spec")
        chat.send("/check no/such.yaml")
        chat.wait("no such file")
        chat.send("well?")
        chat.wait("I saw it.")
    assert "The person ran specmill check" in talk.sent()


def test_text_cannot_steer_the_terminal(talk: Talk) -> None:
    talk.script(say("before\x1b[2J\x1b]0;owned\x07after\u202e"))
    with talk.start("chat") as chat:
        chat.send("go")
        chat.wait("after")
        assert "before" in chat.text
        assert b"\x1b[2J" not in chat.raw
        assert b"\x1b]0;" not in chat.raw


def test_sigterm_leaves_a_session_that_resumes(talk: Talk) -> None:
    hold = Event()
    talk.script(stalled(say("Half of it, and more"), hold, 4), say("On we go."))
    with talk.start("chat") as chat:
        chat.send("tell me")
        chat.wait("Half")
        os.kill(chat.pid, signal.SIGTERM)
        assert chat.finish() == 130
        assert "specmill chat --resume" in chat.text
    hold.set()
    with talk.start("chat", "--resume") as chat:
        chat.send("and?")
        chat.wait("On we go.")


def piped(talk: Talk, text: str, *args: str, **env: str) -> subprocess.CompletedProcess[Any]:
    argv = [sys.executable, "-m", "agent", "chat", *args]
    return subprocess.run(
        argv, cwd=talk.root, env=talk.env(**env), input=text, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_piped_lines_are_messages_and_approvals_are_refused(root: Path, talk: Talk) -> None:
    talk.script(READ, EDIT, say("I may not."), say("Second."))
    done = piped(talk, "make it two\n\nand now?\n/cost\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("I may not.\nSecond.\nturns")
    assert "nobody is here to be asked" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert (root / "a.sql").read_text() == "select 1\n"


def test_a_failure_of_a_piped_message_is_the_exit_code(talk: Talk) -> None:
    done = piped(talk, "/nonsense\n")
    assert done.returncode == 2
    assert "no command /nonsense" in done.stderr
    done = piped(talk, "hello\n", ANTHROPIC_API_KEY="")
    assert done.returncode == 4
    assert "ANTHROPIC_API_KEY is not set" in done.stderr
