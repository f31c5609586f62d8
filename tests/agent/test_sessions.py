from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import agent.sessions
from agent.model.scripted import say
from agent.sessions import JOURNAL, Session, find_session, list_sessions, new_session, open_session
from agent.talk import Conversation
from tests.agent.support import environment
from tools.errors import ProgramMissing, UsageError
from tools.workspace import Workspace

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def talk_some(session: Session, *texts: str) -> None:
    for text in texts:
        session.talk.say(text)
        session.save()
        session.talk.answer(say(f"answer to {text}"))
        session.save()


def test_a_session_comes_back_as_it_was(place: Workspace) -> None:
    with new_session(place, NOW) as session:
        session.talk.say("one")
        session.talk.say("and more")  # joins the message before: it changes
        session.save()
        talk_some(session, "two")
        session.note(mode="edit", spent={"turns": 2})
        before = session.talk.to_json()
    with open_session(place, "last") as again:
        assert again.talk.to_json() == before
        assert again.facts["mode"] == "edit"
        assert again.id == "0102-0304"
        talk_some(again, "three")
        again.talk = Conversation(again.talk.to_json()[-2:])  # made shorter
        again.save()
        before = again.talk.to_json()
    with open_session(place, "0102") as last:
        assert last.talk.to_json() == before


def test_a_save_writes_only_what_is_new(place: Workspace) -> None:
    with new_session(place, NOW) as session:
        talk_some(session, "a" * 10_000)
        size = (session.folder / JOURNAL).stat().st_size
        session.save()
        session.note(began=session.facts["began"])
        assert (session.folder / JOURNAL).stat().st_size == size
        talk_some(session, "b")
        assert (session.folder / JOURNAL).stat().st_size < size + 300
        assert stat.S_IMODE((session.folder / JOURNAL).stat().st_mode) == 0o600


@pytest.mark.parametrize("kept", range(0, 400, 13))
def test_a_torn_file_loses_at_most_its_last_entry(place: Workspace, kept: int) -> None:
    with new_session(place, NOW) as session:
        talk_some(session, "one", "two")
        data = (session.folder / JOURNAL).read_bytes()
        messages = session.talk.to_json()
        file = session.folder / JOURNAL
    cut = data[: len(data) - kept]
    file.write_bytes(cut)
    whole = [json.loads(line) for line in cut.split(b"\n")[:-1]]
    count = sum("messages" in entry for entry in whole)
    if not count:
        assert list_sessions(place) == () or cut.endswith(b"}")
        return
    with open_session(place, "0102-0304") as again:
        found = again.talk.to_json()
        assert found == messages[: len(found)]
        assert len(found) in (count, count + 1)
        if again.talk.waits:
            again.talk.answer(say("late"))
        talk_some(again, "three")
        after = again.talk.to_json()
    with open_session(place, "0102-0304") as last:
        assert last.talk.to_json() == after


def test_garbage_in_the_middle_is_skipped(place: Workspace) -> None:
    with new_session(place, NOW) as session:
        talk_some(session, "one")
        with (session.folder / JOURNAL).open("ab") as file:
            file.write(b'\xff\xfe\n{"from": 99, "messages": []}\n[1]\n{"from": "x"}\n')
        talk_some(session, "two")
        before = session.talk.to_json()
    with open_session(place, "last") as again:
        assert again.talk.to_json() == before


def test_a_full_disk_is_said_and_what_comes_later_is_kept(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with new_session(place, NOW) as session:
        talk_some(session, "one")
        real = os.write

        def half(descriptor: int, data: bytes) -> int:
            if len(data) > 20:
                return real(descriptor, data[:20])
            raise OSError(28, "No space left on device")

        session.talk.say("two")
        with monkeypatch.context() as patch:
            patch.setattr(agent.sessions.os, "write", half)
            with pytest.raises(ProgramMissing, match="no space left"):
                session.save()
        session.save()
        before = session.talk.to_json()
    with open_session(place, "last") as again:
        assert again.talk.to_json() == before


def test_who_comes_second_is_refused(place: Workspace) -> None:
    with new_session(place, NOW) as session:
        talk_some(session, "one")
        code = (
            "import sys; from pathlib import Path; from agent.sessions import open_session; "
            "from tools.workspace import Workspace\n"
            f"with open_session(Workspace(Path({str(place.root)!r})), 'last'): pass"
        )
        argv = [sys.executable, "-c", code]
        done = subprocess.run(argv, env=environment(), capture_output=True, text=True, check=False)
        assert f"open in another process ({os.getpid()})" in done.stderr
    done = subprocess.run(argv, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_sessions_are_found_by_name(place: Workspace) -> None:
    with pytest.raises(UsageError, match="no session to resume"):
        find_session(place, "last")
    with new_session(place, NOW) as first:
        talk_some(first, "one")
        with new_session(place, NOW) as second:
            assert second.id == "0102-0304-2"
            talk_some(second, "what is   the\ngrain of it? " + "x" * 100)
        with new_session(place, NOW) as empty:
            pass
    assert not empty.folder.exists(), "a session in which nothing was said is not kept"
    os.utime(first.folder / JOURNAL, (1, 1))
    records = list_sessions(place)
    assert [record.id for record in records] == ["0102-0304-2", "0102-0304"]
    assert records[0].title.startswith("what is the grain of it? xxx")
    assert len(records[0].title) == 60
    assert find_session(place, "last") == "0102-0304-2"
    assert find_session(place, "0102-0304") == "0102-0304"
    with pytest.raises(UsageError, match="may be any of"):
        find_session(place, "01")
    with pytest.raises(UsageError, match="no session 9"):
        find_session(place, "9")
