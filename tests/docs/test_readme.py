"""What README says can be done can be done."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from agent.cli import cli
from docs.build import ROOT
from tools.spec.graph import lint_platform
from tools.spec.lint import lint
from tools.spec.load import load_spec, parse_spec

README = (ROOT / "README.md").read_text(encoding="utf-8")
_CALL = re.compile(r"(?:^|`)specmill ([a-z][^`\n#]*)", re.MULTILINE)


def _calls() -> Iterator[tuple[str, ...]]:
    for text in _CALL.findall(README):
        yield tuple(text.replace("\\|", "|").split())


def _command(words: tuple[str, ...]) -> click.Command:
    """The command that words name; their rest is its arguments."""
    command: click.Command = cli
    for word in words:
        if not isinstance(command, click.Group):
            break
        known = command.commands
        assert word in known, f"README names a command that does not exist: specmill {word}"
        command = known[word]
    return command


def test_every_command_in_readme_exists() -> None:
    calls = list(_calls())
    assert len(calls) > 15
    for words in calls:
        if words[0] in {"chat", "turns"}:  # named as not there yet; not a command
            continue
        _command(words)


def test_every_option_in_readme_exists() -> None:
    known = {o for command in _all(cli) for p in command.params for o in p.opts} | {"--help"}
    said = set(re.findall(r"`(--[a-z-]+)", README)) | {
        word for words in _calls() for word in words if word.startswith("--")
    }
    assert said
    assert said <= known


def _all(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for child in command.commands.values():
            yield from _all(child)


def test_every_command_is_in_the_table_of_readme() -> None:
    table = set(re.findall(r"`specmill ([a-z]+)", README))
    assert {name for name, command in cli.commands.items() if not command.hidden} <= table


def test_the_exit_codes_of_readme_are_those_of_the_help() -> None:
    said = re.findall(r"^ {2}(\d+) {2,}", cli.epilog or "", re.MULTILINE)
    assert said
    assert re.findall(r"^\| (\d+) \|", README, re.MULTILINE) == said


def test_the_targets_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    texts = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:^|`)make ([a-z]+)", texts, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"there is no make {target}"


def test_the_first_spec_of_readme_is_a_good_one_beside_the_examples() -> None:
    found = re.search(r"```yaml\n# (specs/\w+\.yaml)\n(.*?)```", README, re.DOTALL)
    assert found
    assert f"specmill run {found[1]}" in README
    loaded = parse_spec(found[2], path=found[1], file=ROOT / found[1])
    examples = [load_spec(file) for file in sorted((ROOT / "specs").glob("*.yaml"))]
    report = lint(loaded) + lint_platform([loaded, *examples])
    assert not report.findings, [str(finding) for finding in report]
    assert len(found[2].splitlines()) < 25


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_the_picture_comes_before_anything_long(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert text.startswith("# ")
    if name == "README.md":
        assert text[: text.index("make test")].count("\n") < 15
        assert text.index("docs/demo.svg") < text.index("make demo")
