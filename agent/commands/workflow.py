"""specmill workflow list, show, export: the paths that runs take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.commands.errors import Session
from agent.commands.options import examples, json_option

if TYPE_CHECKING:
    from tools.workflow_model import Workflow


@click.group(
    short_help="List, show, export the paths of runs.",
    epilog=examples(
        "specmill workflow list",
        "specmill workflow show scd2-dimension",
        "specmill workflow export scd2-dimension > SKILL.md",
    ),
)
def workflow() -> None:
    """The paths that runs take: workflows/*.md."""


@workflow.command("list")
@json_option
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """Lists the workflows with their steps."""
    from agent.terminal.lists import print_workflows
    from tools.workflow import load_workflows

    found = tuple(load_workflows(session.workspace().workflows).values())
    if as_json:
        session.emit([_document(workflow) for workflow in found])
    else:
        print_workflows(session.terminal.out, found)


@workflow.command()
@click.argument("name")
@json_option
@click.pass_obj
def show(session: Session, name: str, as_json: bool) -> None:
    """Shows the steps of a workflow, its budget and its gates."""
    from agent.terminal.lists import print_workflow

    found = _named(session, name)
    if as_json:
        session.emit(_document(found))
    else:
        print_workflow(session.terminal.out, found)


@workflow.command()
@click.argument("name")
@json_option
@click.pass_obj
def export(session: Session, name: str, as_json: bool) -> None:
    """Prints a workflow as a SKILL.md file."""
    from tools.workflow import to_skill

    text = to_skill(_named(session, name))
    if as_json:
        session.emit({"name": name, "skill": text})
    else:
        click.echo(text, nl=False)


def _named(session: Session, name: str) -> Workflow:
    from tools.errors import UsageError
    from tools.spec.suggest import did_you_mean
    from tools.workflow import load_workflows

    known = load_workflows(session.workspace().workflows)
    if name not in known:
        raise UsageError(f"there is no workflow {name}", did_you_mean(name, sorted(known)))
    return known[name]


def _document(workflow: Workflow) -> dict[str, object]:
    return {
        "name": workflow.name,
        "description": workflow.description,
        "path": workflow.path,
        "budget": workflow.budget.model_dump(),
        "steps": [step.options.model_dump(mode="json") for step in workflow.steps],
    }
