"""Whether a call may run: denied, asked or allowed; decided on parsed input, never on its text.

Rules name a tool or an effect, and maybe what it is about::

    read_file              every call of that tool
    write(models/**)       writes below models/
    shell(git status *)    that command, with any further words
    dbt(build)             that command of dbt

What must never run is decided first, then deny, ask, allow, then the mode. In a shell text with
several commands each one has to be allowed; one that is denied denies all.
"""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

from agent import denials
from agent.talk import ToolCall
from tools.catalog import Effect, Tool
from tools.commands import Command, Commands, parse
from tools.errors import UsageError
from tools.spec.suggest import did_you_mean
from tools.workflow_steps import matches_any

Mode = Literal["plan", "ask", "edit", "auto"]
"""``plan`` reads only; ``ask`` asks before anything else; ``edit`` writes and tests unasked;
``auto`` commits too. A shell command is asked for in each, unless a rule allows it."""

_UNASKED: dict[Mode, frozenset[Effect]] = {
    "plan": frozenset({"read", "ask"}),
    "ask": frozenset({"read", "ask"}),
    "edit": frozenset({"read", "ask", "write", "run"}),
    "auto": frozenset({"read", "ask", "write", "run", "commit"}),
}
_SENSITIVE = (
    "specmill.toml",
    ".github/**",
    ".ci/**",
    ".gitlab-ci.yml",
    ".circleci/**",
    ".pre-commit-config.yaml",
    ".husky/**",
    ".githooks/**",
    ".vscode/**",
    "**/.gitattributes",
)
"""Files that run things later, or give rights: a person is asked whatever the mode."""


@dataclass(frozen=True)
class Verdict:
    """What is to become of a call.

    Args:
        answer: whether it runs.
        why: the reason, as the model and the person are told.
        rule: the rule that decided, if one did.
    """

    answer: Literal["allow", "ask", "deny"]
    why: str
    rule: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule as it was written, and its parts; no ``about`` means whatever it is about."""

    text: str
    name: str
    about: str | None

    @staticmethod
    def read(text: str) -> Rule:
        """Parses a rule.

        Raises:
            UsageError: it is not written as a rule is.
        """
        found = re.fullmatch(r"\s*([a-z_]+)\s*(?:\((.*)\))?\s*", text, re.DOTALL)
        if found is None or found[2] == "":
            raise UsageError(
                f"{text!r} is not a permission rule",
                "Write a tool's name, or name(what), such as shell(git status *).",
            )
        if found[1] == "shell" and found[2] is not None:
            _words(text, found[2])
        return Rule(text, found[1], found[2])

    @property
    def is_narrow(self) -> bool:
        """Whether it speaks of places that it names, not of whatever there is."""
        return self.about is not None and not self.about.startswith(("*", "?"))

    def names(self, tool: Tool) -> bool:
        """Whether it speaks of that tool; of the shell only when it says so."""
        return self.name == tool.name or (self.name == tool.effect and tool.name != "shell")

    def covers(self, subject: str) -> bool:
        """Whether it speaks of that path, or that command of a tool such as dbt."""
        return self.about is None or matches_any(subject, (self.about,))

    def covers_command(self, command: Command) -> bool:
        """Whether it speaks of that command of a shell: word for word, a last ``*`` for more."""
        if self.about is None:
            return True
        wanted = _words(self.text, self.about)
        words = (*command.assigned, *command.words)
        if wanted[-1] == "*":
            wanted = wanted[:-1]
            words = words[: len(wanted)] if len(words) >= len(wanted) else words
        return len(words) == len(wanted) and all(
            fnmatch.fnmatchcase(word, pattern) for word, pattern in zip(words, wanted, strict=True)
        )


def _words(rule: str, about: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(about))
    except ValueError as error:
        raise UsageError(
            f"{rule!r} is not a permission rule: {error}", "Close the quote."
        ) from error
    if not words:
        raise UsageError(f"{rule!r} is not a permission rule", "Name the command.")
    return words


def _first(rules: Iterable[Rule], tool: Tool, subject: str) -> Rule | None:
    """The first rule that speaks of a tool and what it is called about."""
    return next((rule for rule in rules if rule.names(tool) and rule.covers(subject)), None)


@lru_cache(maxsize=64)
def parsed(text: str) -> Commands:
    """The commands of a shell text; parsed once."""
    return parse(text)


class Permissions:
    """The rules of a session.

    Args:
        mode: what is unasked where no rule speaks.
        allow: rules; see the module.
        ask: rules.
        deny: rules.
        root: the folder that tools are confined to.
        protects: why a file (relative to the root) may not be written by anybody now, such as a
            test during a repair; empty if it may.

    Raises:
        UsageError: a rule is not written as a rule is.
    """

    def __init__(
        self,
        mode: Mode = "ask",
        *,
        allow: Iterable[str] = (),
        ask: Iterable[str] = (),
        deny: Iterable[str] = (),
        root: Path,
        protects: Callable[[str], str] = lambda _: "",
    ) -> None:
        self.mode: Mode = mode
        self._allow = [Rule.read(text) for text in allow]
        self._ask = tuple(Rule.read(text) for text in ask)
        self._deny = tuple(Rule.read(text) for text in deny)
        self._root = root
        self._protects = protects

    def expect_known(self, tools: Iterable[str]) -> None:
        """Refuses rules about tools that do not exist: a typing error must not unlock anything.

        Raises:
            UsageError: a rule names no tool and no effect.
        """
        known = {*tools, *get_args(Effect)}
        for rule in (*self._allow, *self._ask, *self._deny):
            if rule.name not in known:
                hint = did_you_mean(rule.name, sorted(known))
                raise UsageError(f"permission rule {rule.text!r}: no tool {rule.name}", hint)

    def rule_for(self, call: ToolCall, tool: Tool) -> str:
        """The rule that would allow the same call from now on; empty where none can."""
        if tool.name != "shell":
            return tool.name
        found = parsed(str(call.input.get("command", "")))
        if found.unclear or len(found.commands) != 1:
            return ""
        command = found.commands[0]
        words = (
            shlex.quote(re.sub(r"([*?[])", r"[\1]", w)) for w in (*command.assigned, *command.words)
        )
        return f"shell({' '.join(words)})"

    def always(self, call: ToolCall, tool: Tool) -> None:
        """Allows the same call for the rest of the session."""
        rule = self.rule_for(call, tool)
        if rule:
            self._allow.append(Rule.read(rule))

    def hides(self, path: str) -> str:
        """Why a file may not be read: a rule denies it, also to a search that would find it."""
        for rule in self._deny:
            if rule.name == "read" and rule.about is not None and rule.covers(path):
                return f"denied by the rule {rule.text}"
        return ""

    def verdict(self, call: ToolCall, tool: Tool) -> Verdict:
        """Whether a call may run."""
        if tool.name == "shell":
            return self._shell(str(call.input.get("command", "")), tool)
        subject = str(call.input.get("path", call.input.get("command", "")))
        return self._decide(tool, subject)

    def _decide(self, tool: Tool, subject: str) -> Verdict:
        writes = tool.effect == "write"
        why = self._protects(subject) if writes else ""
        if why:
            return Verdict("deny", why)
        sensitive = writes and matches_any(subject, _SENSITIVE)
        if rule := _first(self._deny, tool, subject):
            return Verdict("deny", f"the rule {rule.text} says so", rule.text)
        if self._closed(tool):
            return self._by_mode(tool)
        if rule := _first(self._ask, tool, subject):
            return Verdict("ask", f"the rule {rule.text} says so", rule.text)
        allow = [rule for rule in self._allow if not sensitive or rule.is_narrow]
        if rule := _first(allow, tool, subject):
            return Verdict("allow", f"the rule {rule.text} says so", rule.text)
        return self._by_mode(tool, sensitive=sensitive)

    def _closed(self, tool: Tool) -> bool:
        return self.mode == "plan" and tool.effect not in _UNASKED["plan"]

    def _by_mode(self, tool: Tool, *, sensitive: bool = False) -> Verdict:
        if self._closed(tool):
            return Verdict("deny", "plan mode only reads: say what you would do instead")
        if tool.effect in _UNASKED[self.mode] and not sensitive:
            return Verdict("allow", f"{self.mode} mode")
        return Verdict("ask", f"{tool.name} asks in {self.mode} mode")

    def _shell(self, text: str, tool: Tool) -> Verdict:
        found = parsed(text)
        why = denials.denied(found, self._root) or next(
            (why for path in denials.changed(found) if (why := self._protects(path))), ""
        )
        if why:
            return Verdict("deny", why)
        for rule in self._deny:
            if rule.name == "shell" and any(rule.covers_command(c) for c in found.commands):
                return Verdict("deny", f"the rule {rule.text} says so", rule.text)
        if self._closed(tool):
            return self._by_mode(tool)
        if found.unclear:
            return Verdict("ask", f"what it does cannot be told for sure: {found.unclear}")
        for rule in self._ask:
            if rule.name == "shell" and any(rule.covers_command(c) for c in found.commands):
                return Verdict("ask", f"the rule {rule.text} says so", rule.text)
        used = [self._allowing(command) for command in found.commands]
        files = [path for path in found.writes if path != "/dev/null"]
        if (
            not all(used)
            or (files and denials.moved(found))
            or not all(map(self._may_redirect, files))
        ):
            return Verdict("ask", "a shell command is asked for, unless a rule allows it")
        rules = ", ".join(dict.fromkeys(rule.text for rule in used if rule))
        return Verdict("allow", f"the rule {rules} says so", rules)

    def _allowing(self, command: Command) -> Rule | None:
        rules = (rule for rule in self._allow if rule.name == "shell")
        return next((rule for rule in rules if rule.covers_command(command)), None)

    def _may_redirect(self, path: str) -> bool:
        """Whether a redirection may write a file unasked: as a tool that writes might."""
        if path.startswith("/") or matches_any(path, _SENSITIVE):
            return False
        write = [rule for rule in self._allow if rule.name == "write"]
        held = [rule for rule in (*self._ask, *self._deny) if rule.name == "write"]
        unasked = "write" in _UNASKED[self.mode] or any(rule.covers(path) for rule in write)
        return unasked and not any(rule.covers(path) for rule in held)
