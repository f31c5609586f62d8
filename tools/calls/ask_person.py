"""Asks the person."""

from __future__ import annotations

from tools.desk import Desk, ToolError

EFFECT = "ask"


def ask_person(desk: Desk, question: str, choices: list[str] = []) -> str:  # noqa: B006  a schema
    """Ask the person one question, when only they can know and guessing would do harm.

    Args:
        question: The question, in one or two sentences, with what depends on it.
        choices: The answers to choose from, if there are only a few; the person may say something
            else all the same.
    """
    if desk.ask is None:
        raise ToolError(
            "nobody is here to be asked. If the work can go on with an assumption, take the most "
            "careful one, say so in your answer, and add it to open_questions of the spec; if it "
            "cannot, stop and say what you need to know."
        )
    answer = desk.ask(question, tuple(choices)).strip()
    return answer or "[the person gave no answer: take the most careful assumption and say so]"
