"""The person is asked where one is there; elsewhere the model learns what to do."""

from __future__ import annotations

from typing import Any


def test_the_answer_is_the_result(office: Any) -> None:
    asked = []

    def ask(question: str, choices: tuple[str, ...]) -> str:
        asked.append((question, choices))
        return "  gross "

    office.desk.ask = ask
    assert office.call("ask_person", question="Which?", choices=["gross", "net"]) == "gross"
    assert asked == [("Which?", ("gross", "net"))]


def test_no_answer_is_no_yes(office: Any) -> None:
    office.desk.ask = lambda *_: " "
    assert "gave no answer" in office.call("ask_person", question="Which?")


def test_nobody_is_there(office: Any) -> None:
    said = office.error("ask_person", question="Which?")
    assert "nobody is here to be asked" in said
    assert "open_questions" in said
