"""Reference pages in markdown, made from the code they describe. Same code, same text."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping

import click
from pydantic.fields import FieldInfo

from tools.rules.article import Article, Constitution, Rule
from tools.rules.breach import Options
from tools.rules.registry import Check, registered

WIDTH = 78
"""Columns of help that click prints on a terminal of 80."""

_MADE = "<!-- Made by `python -m docs.build`; do not edit. -->"


def cli_page(group: click.Group) -> str:
    """The ``--help`` of every command, in the order in which the group lists them.

    Args:
        group: the top of the command line; its name is taken to be ``specmill``.
    """
    parts = [_MADE, "# Commands", "What `--help` says, of every command."]
    for name, text in helps(group):
        parts.append(f"## {name}\n\n```text\n{text}\n```")
    return "\n\n".join(parts) + "\n"


def helps(group: click.Group) -> Iterator[tuple[str, str]]:
    """Every command by its full name, ``specmill run``, with its help text."""
    settings = {**group.context_settings, "terminal_width": WIDTH}
    yield from _helps(group, click.Context(group, info_name="specmill", **settings))


def _helps(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    yield context.command_path, text
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                inner = click.Context(child, info_name=name, parent=context, terminal_width=WIDTH)
                yield from _helps(child, inner)


def rules_page(constitution: Constitution) -> str:
    """The constitution's articles with their rules, then the registered checks."""
    rules = constitution.rules
    prose = sum(not article.machine_checked for article in constitution.articles)
    counts = (
        f"{len(constitution.articles)} articles, {len(rules)} rules; {prose} articles are prose"
    )
    parts = [
        _MADE,
        "# Rules",
        (
            f"The constitution of this repo: {counts} only. A MUST stops a run, a SHOULD warns. "
            "The prose, and the examples that prove each rule able to fail, are in "
            f"[{constitution.folder}/](../{constitution.folder}/). "
            "`specmill constitution coverage` prints such a list for a workspace."
        ),
        *(_article(article) for article in constitution.articles),
        "## Checks",
        (
            "A rule names one of these with `check:`. Each is one file in "
            "[tools/rules/checks/](../tools/rules/checks/)."
        ),
        *(_check(check, rules) for check in sorted(registered().values(), key=lambda c: c.name)),
    ]
    return "\n\n".join(parts) + "\n"


def _article(article: Article) -> str:
    head = (
        f"## {article.id} {article.title}\n\n[{article.location.path}](../{article.location.path})"
    )
    if not article.machine_checked:
        return f"{head}\n\nNot machine-checked: prose only."
    rows = ["| rule | level | on | checks |", "|---|---|---|---|"]
    rows += [f"| {r.id} | {r.level} | {r.on} | {_cell(_what(r))} |" for r in article.rules]
    rows += [f"| {g.id} | gate | {g.before} | {_cell(g.message)} |" for g in article.gates]
    return f"{head}\n\n" + "\n".join(rows)


def _what(rule: Rule) -> str:
    when = f" when `{rule.when}`" if rule.when else ""
    if rule.check is None:
        return f"`{rule.expr}`{when}, else: {rule.message}"
    options = ", ".join(f"{key}: {_plain(value)}" for key, value in rule.options.items())
    summary = registered()[rule.check].summary.rstrip(".")
    said = f"[{rule.check}](#{rule.check}): {summary}".replace("``", "`")
    return said + (f" (`{options}`)" if options else "") + when


def _plain(value: object) -> str:
    """A value as YAML's flow form would have it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_plain(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_plain(item) for item in value)}]"
    return str(value)


def _check(check: Check, rules: tuple[Rule, ...]) -> str:
    by = ", ".join(rule.id for rule in rules if rule.check == check.name) or "no rule of this repo"
    asked = f"Looks at: {', '.join(sorted(check.on))}. Asked for by: {by}."
    doc = check.doc.replace("``", "`")
    return f"### {check.name}\n\n{asked}\n\n{doc}{_options(check.params)}"


def _options(params: type[Options]) -> str:
    """What a check's ``with:`` may say: its documentation, then each default."""
    if not params.model_fields:
        return ""
    said = (inspect.getdoc(params) or "").replace("``", "`")
    defaults = [
        f"- `{name}`: "
        + ("required" if field.is_required() else f"by default `{_plain(_default(field))}`")
        for name, field in params.model_fields.items()
    ]
    return f"\n\nOptions: {said}\n\n" + "\n".join(defaults)


def _default(field: FieldInfo) -> object:
    return field.get_default(call_default_factory=True)


def lint_page(codes: dict[str, str]) -> str:
    """The codes that the lint of specs gives, as a table."""
    rows = "\n".join(f"| {code} | {_cell(text)} |" for code, text in codes.items())
    return (
        f"{_MADE}\n\n# Codes of `specmill check`\n\n"
        "What the lint of specs can say. A code is never given another meaning. An error stops a "
        "run; a question is built on with its assumption written down, and blocks production.\n\n"
        f"| code | says |\n|---|---|\n{rows}\n"
    )


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
