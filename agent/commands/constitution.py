"""specmill constitution test, coverage: the rules themselves."""

from __future__ import annotations

import click

from agent.commands.errors import Session
from agent.commands.options import examples, json_option


@click.group(
    short_help="Test the rules, list what they cover.",
    epilog=examples("specmill constitution test", "specmill constitution coverage"),
)
def constitution() -> None:
    """What holds for every pipeline: is it enforced, and can it fail?"""


@constitution.command("test")
@json_option
@click.pass_obj
def self_test(session: Session, as_json: bool) -> int:
    """Proves on its own examples that every rule passes what it should and fails what it should."""
    from agent.terminal.lists import print_checked
    from tools.rules.load import load_constitution
    from tools.rules.selftest import self_test as prove

    constitution = load_constitution(session.workspace().constitution)
    report = prove(constitution)
    counts = {"articles": len(constitution.articles), "rules": len(constitution.rules)}
    if as_json:
        session.emit({"ok": report.ok, "counts": counts, "findings": report.to_json()})
    else:
        print_checked(session.terminal.out, report, counts)
    return 0 if report.ok else 1


@constitution.command("coverage")
@json_option
@click.pass_obj
def coverage(session: Session, as_json: bool) -> None:
    """Lists each article with its rules; prose without a rule is said to be not machine-checked."""
    from agent.terminal.lists import print_coverage
    from tools.rules.coverage import coverage as measure
    from tools.rules.load import load_constitution

    found = measure(load_constitution(session.workspace().constitution))
    if as_json:
        session.emit(found.to_json())
    else:
        print_coverage(session.terminal.out, found)
