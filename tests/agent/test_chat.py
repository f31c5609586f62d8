from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.chat import Chat
from agent.chat_acts import Acts
from agent.config import Settings
from agent.model.base import ContextTooLong, Request, Turn
from agent.model.scripted import Scripted, call, calls, say
from agent.sessions import new_session, open_session
from tools.errors import SpecmillError, UsageError, WaitsForPerson
from tools.workspace import Workspace

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@dataclass
class Person:
    """A front that writes down what it is told, and answers as it was told to."""

    present: bool = True
    answers: list[tuple[str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    words: str = ""
    errors: list[SpecmillError] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    on_text: Callable[[], None] = lambda: None

    def text(self, piece: str) -> None:
        self.words += piece
        self.on_text()

    def thinking(self) -> None:
        self.said.append("thinking")

    def again(self, why: str) -> None:
        self.said.append(f"again {why}")

    def calling(self, number: int, line: str, effect: str, preview: str) -> None:
        self.said.append(f"{number} {effect} {line}{preview and ' | ' + preview}")

    def called(self, number: int, line: str, came_to: str, effect: str, *, ok: bool) -> None:
        self.said.append(f"{number} {'ok' if ok else 'failed'} {line}: {came_to}")

    def notice(self, text: str) -> None:
        self.said.append(text)

    def failed(self, error: SpecmillError) -> None:
        self.errors.append(error)

    def approve(self, line: str, preview: str, why: str, *, can_always: bool) -> tuple[str, str]:
        self.asked.append(f"{line}: {why}")
        return self.answers.pop(0)

    def ask(self, question: str, choices: tuple[str, ...]) -> str:
        self.asked.append(question)
        return self.answers.pop(0)[1]


@contextmanager
def chatting(
    root: Path, model: Scripted, person: Person, *, resume: str = "", **facts: str
) -> Iterator[Chat]:
    workspace = Workspace(root)
    opened = open_session(workspace, resume) if resume else new_session(workspace, NOW)
    with opened as session:
        session.note(**facts)
        chat = Chat(workspace, Settings(), session, person, lambda _: model)
        try:
            yield chat
        finally:
            chat.close()


def sent(request: Request) -> str:
    """All text of the last message of a request."""
    return "\n".join(
        block.get("text", "") or json.dumps(block) for block in request.messages[-1]["content"]
    )


EDIT = call("edit_file", path="a.sql", old="select 1", new="select 2")


@pytest.fixture
def root(workspace: Path) -> Path:
    (workspace / "a.sql").write_text("select 1\n")
    return workspace


def test_a_change_is_shown_asked_for_made_and_taken_back(root: Path) -> None:
    person = Person(answers=[("yes", "")])
    model = Scripted([call("read_file", path="a.sql"), EDIT, say("Done."), say("I see.")])
    with chatting(root, model, person) as chat:
        chat.turn("select 2, please")
        assert (root / "a.sql").read_text() == "select 2\n"
        shown = [line for line in person.said if line.startswith("2 write")]
        assert "-select 1\n+select 2" in shown[0]
        assert person.asked == ["edit_file a.sql: edit_file asks in ask mode"]
        acts = Acts(chat)
        assert "+select 2" in acts.diff()
        assert "a.sql" in acts.undo()
        assert (root / "a.sql").read_text() == "select 1\n"
        chat.turn("and now?")
        assert "took back" in sent(model.requests[-1])
        assert "a.sql" in acts.redo()
        assert (root / "a.sql").read_text() == "select 2\n"
    assert not person.errors


def test_a_rejection_carries_its_reason_to_the_model(root: Path) -> None:
    person = Person(answers=[("no", "use a CTE")])
    model = Scripted([call("read_file", path="a.sql"), EDIT, say("I will.")])
    with chatting(root, model, person) as chat:
        chat.turn("go")
        assert "use a CTE" in sent(model.requests[-1])
        assert (root / "a.sql").read_text() == "select 1\n"
        with pytest.raises(UsageError, match="nothing to undo"):
            Acts(chat).undo()


def test_always_asks_once(root: Path) -> None:
    person = Person(answers=[("always", "")])
    back = call("edit_file", path="a.sql", old="select 2", new="select 3")
    model = Scripted([call("read_file", path="a.sql"), EDIT, back, say("Done.")])
    with chatting(root, model, person) as chat:
        chat.turn("go")
    assert len(person.asked) == 1
    assert (root / "a.sql").read_text() == "select 3\n"


def test_without_a_person_nothing_is_asked_and_nothing_done(root: Path) -> None:
    person = Person(present=False)
    steps = [calls(("write_file", {"path": "b", "content": "x"})), say("So be it.")]
    model = Scripted(steps)
    with chatting(root, model, person) as chat:
        chat.turn("go")
    assert not (root / "b").exists()
    assert "nobody is here" in sent(model.requests[-1])
    assert any("nobody is here" in line for line in person.said)


@pytest.mark.parametrize(
    ("mode", "changes", "asks"),
    [("plan", False, 0), ("ask", True, 1), ("edit", True, 0), ("auto", True, 0)],
)
def test_modes(root: Path, mode: str, changes: bool, asks: int) -> None:
    person = Person(answers=[("yes", "")])
    model = Scripted([call("read_file", path="a.sql"), EDIT, say("The plan: select 2.")])
    with chatting(root, model, person, mode=mode) as chat:
        chat.turn("go")
        assert ((root / "a.sql").read_text() == "select 2\n") is changes
        assert len(person.asked) == asks
        told = f"mode is {mode}" in sent(model.requests[0])
        assert told is (mode != "ask")
        assert chat.session.facts.get("plan") == ("The plan: select 2." if mode == "plan" else None)


def test_a_mode_can_be_changed_and_the_model_is_told(root: Path) -> None:
    person = Person()
    model = Scripted([say("One."), say("Two.")])
    with chatting(root, model, person) as chat:
        chat.turn("one")
        acts = Acts(chat)
        assert acts.set_mode("edit") == "mode edit"
        with pytest.raises(UsageError, match="no mode bold"):
            acts.set_mode("bold")
        chat.turn("two")
    assert "mode is edit" in sent(model.requests[1])


def test_what_is_typed_steers_the_next_step(root: Path) -> None:
    person = Person()

    def speak(_: Request) -> Turn:
        chat.steer("use b.sql instead")
        return call("read_file", path="a.sql")

    model = Scripted([speak, say("I do.")])
    with chatting(root, model, person) as chat:
        chat.turn("go")
        assert chat.unsaid() == []
    assert "use b.sql instead" in sent(model.requests[1])


def test_a_stopped_turn_leaves_a_conversation_that_goes_on(root: Path) -> None:
    person = Person()
    model = Scripted([call("read_file", path="a.sql"), say("Half an ans"), say("Fine.")])
    with chatting(root, model, person) as chat:
        person.on_text = chat.stop
        chat.turn("go")
        assert person.said[-1] == "stopped"
        person.on_text = lambda: None
        chat.turn("go on")
        assert person.words == "Half an ansFine."
    assert "stopped your answer" in sent(model.requests[-1])


def test_a_stopped_change_can_be_taken_back(root: Path) -> None:
    """What a tool did before it was stopped is part of the turn."""
    person = Person(answers=[("yes", "")])
    model = Scripted([call("shell", command="echo changed > a.sql; sleep 60"), say("never")])
    with chatting(root, model, person) as chat:
        turn = threading.Thread(target=chat.turn, args=("go",))
        turn.start()
        while (root / "a.sql").read_text() != "changed\n":
            pass
        chat.stop()
        turn.join()
        Acts(chat).undo()
    assert (root / "a.sql").read_text() == "select 1\n"


@pytest.mark.parametrize("saves", range(1, 7))
def test_a_session_is_gone_on_with_after_a_kill(root: Path, saves: int) -> None:
    """Whatever was saved last: also between a call, its effect on a file, and its result."""
    model = Scripted([call("read_file", path="a.sql"), EDIT, say("Done.")])
    with chatting(root, model, Person(answers=[("yes", "")])) as chat:
        name, journal = chat.session.id, chat.session.folder / "journal.jsonl"
        states: list[bytes] = []
        real = chat.session.save

        def save() -> None:
            real()
            states.append(journal.read_bytes())

        chat.session.save = save  # type: ignore[method-assign]
        chat.turn("go")
    journal.write_bytes(states[saves - 1])
    again = Scripted([say("Fine.")])
    with chatting(root, again, Person(), resume=name) as chat:
        chat.turn("where were we?")  # the scripted model refuses an invalid conversation
        Acts(chat).undo()
    assert (root / "a.sql").read_text() == "select 1\n"


def test_undo_after_a_resume(root: Path) -> None:
    model = Scripted([call("read_file", path="a.sql"), EDIT, say("Done.")])
    with chatting(root, model, Person(answers=[("yes", "")])) as chat:
        chat.turn("go")
        name = chat.session.id
    with chatting(root, Scripted([]), Person(), resume=name) as chat:
        (root / "a.sql").write_text("mine\n")
        with pytest.raises(WaitsForPerson):
            Acts(chat).undo()
        Acts(chat).undo(force=True)
        assert (root / "a.sql").read_text() == "select 1\n"
        Acts(chat).redo()
    assert (root / "a.sql").read_text() == "mine\n"


def test_files_and_specs_go_along(root: Path) -> None:
    model = Scripted([say("I see."), EDIT, say("Done.")])
    person = Person(answers=[("yes", "")])
    with chatting(root, model, person) as chat:
        chat.turn("look at @a.sql, @orders and @no/such.sql; mail me@example.org")
        request = sent(model.requests[0])
        assert 'kind="file" name="a.sql"' in request
        assert 'kind="file" name="specs/orders.yaml"' in request
        assert [line for line in person.said if "@no/such.sql" in line]
        assert not [line for line in person.said if "example.org" in line]
        chat.turn("change it")  # what was sent along counts as read
    assert (root / "a.sql").read_text() == "select 2\n"


def test_a_failure_is_told_and_the_session_goes_on(root: Path) -> None:
    person = Person()
    model = Scripted([SpecmillError("the service is down", "try later"), say("Back.")])
    with chatting(root, model, person) as chat:
        chat.turn("hello")
        chat.turn("hello again")
    assert [error.message for error in person.errors] == ["the service is down"]
    assert person.words == "Back."


def test_a_conversation_that_does_not_fit_is_summed_up_and_goes_on(root: Path) -> None:
    person = Person()
    long = ContextTooLong("too long")
    model = Scripted([call("read_file", path="a.sql"), long, say("We read a.sql."), say("Done.")])
    with chatting(root, model, person) as chat:
        chat.turn("read a.sql and tell me")
        assert person.words == "Done."
        assert any("summing it up" in line for line in person.said)
    final = sent(model.requests[-1])
    assert "We read a.sql." in final
    assert "read a.sql and tell me" in final
    systems = {json.dumps(request.system) for request in model.requests}
    assert len(systems) == 1, "the constitution stays as it is"


def test_a_conversation_that_never_fits_ends_after_three_summaries(root: Path) -> None:
    person = Person()
    long = ContextTooLong("too long")
    model = Scripted([say("hi"), *[long, say("Short.")] * 3, long, say("never")])
    with chatting(root, model, person) as chat:
        chat.turn("hello")
        chat.turn("too much")
    assert "3 times in a row" in person.errors[0].message
    assert model.left == 1


def test_acts_tell_what_they_are_asked(root: Path) -> None:
    model = Scripted([call("read_file", path="a.sql"), say("Done."), say("The summary.")])
    with chatting(root, model, Person()) as chat:
        acts = Acts(chat)
        with pytest.raises(UsageError, match="nothing to compact"):
            acts.compact()
        chat.turn("go")
        assert "turns" in acts.cost()
        assert "results of calls" in acts.context()
        assert acts.show("1").call.name == acts.show("").call.name == "read_file"
        for number in ("0", "2", "x", "-1"):
            with pytest.raises(UsageError, match="no call"):
                acts.show(number)
        assert acts.sessions().startswith(f"* {chat.session.id}")
        assert acts.export("") == f"wrote chat-{chat.session.id}.md"
        text = (root / f"chat-{chat.session.id}.md").read_text()
        assert "## Person\n\ngo" in text
        assert "**read_file**" in text
        with pytest.raises(UsageError, match="there already"):
            acts.export("")
        with pytest.raises(UsageError, match="not a path inside"):
            acts.export("../out.md")
        assert "4 messages became" in acts.compact()


def test_what_a_command_printed_reaches_the_model(root: Path) -> None:
    model = Scripted([say("I see.")])
    with chatting(root, model, Person()) as chat:
        chat.share("specmill check", "1 error\n" + "x" * 20_000)
        chat.turn("fix it")
    request = sent(model.requests[0])
    assert "The person ran specmill check" in request
    assert len(request) < 10_000


def test_a_message_may_use_as_much_as_a_call_of_the_command_line(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person()
    model = Scripted([call("read_file", path="a.sql")] * 3 + [say("never"), say("Next.")])
    with chatting(root, model, person) as chat:
        chat.settings = chat.settings.with_flags(turns=2)
        chat.turn("loop")
        assert "turns" in person.errors[0].message
        used: Any = chat.spent.turns
        assert used == 2
        chat.turn("again")
        assert chat.spent.turns == 4
