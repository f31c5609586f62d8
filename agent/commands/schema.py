"""specmill schema: the JSON Schemas that editors complete and check by."""

from __future__ import annotations

import click

from agent.commands.errors import Session
from agent.commands.options import examples


@click.command(
    short_help="Print the JSON Schema of specs, workflows.",
    epilog=examples("specmill schema > spec.schema.json", "specmill schema workflow"),
)
@click.argument("of", type=click.Choice(["spec", "workflow"]), default="spec")
@click.option("--json", "as_json", is_flag=True, help="As without it: a schema is JSON.")
@click.pass_obj
def schema(session: Session, of: str, as_json: bool) -> None:  # noqa: ARG001 - every command has it
    """Prints the JSON Schema of specs, or of the frontmatter of workflows."""
    if of == "spec":
        from tools.spec.schema import schema_text

        click.echo(schema_text(), nl=False)
    else:
        from tools.workflow import workflow_schema

        session.emit(workflow_schema())
