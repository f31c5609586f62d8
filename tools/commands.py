"""Shell text as the commands that it would run, or the reason why that cannot be told for sure.

The text is parsed by the grammar of bash, never matched. What a word comes to must be plain from
the text alone: a word that the shell would expand makes the whole text unclear. Commands are
collected from everywhere, also from unclear text: what must never run is looked for in all of
them, what may run is decided on clear text only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

_PLAIN = frozenset(
    "program list pipeline command command_name subshell compound_statement negated_command "
    "redirected_statement file_redirect file_descriptor word number string string_content "
    "raw_string concatenation variable_assignment variable_name command_substitution "
    "comment".split()
)
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash"})
_DEEPEST = 8
_LONGEST = 20_000


@dataclass(frozen=True)
class Command:
    """One program that would be started.

    Args:
        words: its argument list; a word that is not plain has ``…`` where it is unknown.
        assigned: variables set for it, as ``NAME=value``.
    """

    words: tuple[str, ...]
    assigned: tuple[str, ...] = ()


@dataclass
class Commands:
    """What a text would run.

    Args:
        commands: every command in it, also those in substitutions and in ``bash -c``.
        writes: files that redirections write.
        reads: files that redirections read.
        assigned: variables that it sets for what comes after, as ``NAME=value``.
        unclear: why it cannot be told for sure what it does; empty if it can.
    """

    commands: list[Command] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    assigned: list[str] = field(default_factory=list)
    unclear: str = ""

    def doubt(self, why: str) -> None:
        """Notes a reason; the first one is kept."""
        self.unclear = self.unclear or why


def parse(text: str) -> Commands:
    """Reads a shell command."""
    found = Commands()
    _read(text, found, depth=0)
    if not found.commands:
        found.doubt("it holds no command")
    return found


@lru_cache(maxsize=1)
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bash.language()))


def _read(text: str, found: Commands, depth: int) -> None:
    if depth > _DEEPEST or len(text) > _LONGEST:
        found.doubt("it is nested too deep, or too long")
        return
    if any(ord(c) < 32 and c not in "\n\t" for c in text) or "\\\n" in text:
        found.doubt("it holds a control character or a continued line")
        text = text.replace("\\\n", "")
    root = _parser().parse(text.encode("utf-8", "replace")).root_node
    if root.has_error:
        found.doubt("it does not parse")
    for node in _nodes(root):
        if node.is_named and node.type not in _PLAIN:
            found.doubt(f"it holds {_article(node.type)}")
        elif node.type == "&":
            found.doubt("it runs something in the background")
        if node.type == "command":
            _add(node, found, depth)
        elif node.type == "file_redirect":
            _redirect(node, found)
        elif node.type == "variable_assignment" and node.parent and node.parent.type != "command":
            found.assigned.append(_text(node))
            found.doubt("it sets a variable")


def _nodes(root: Node) -> Iterator[Node]:
    """Every node, in the order of the text; without recursion, which text could exhaust."""
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending += reversed(node.children)


def _article(kind: str) -> str:
    words = kind.replace("_", " ")
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def _add(node: Node, found: Commands, depth: int) -> None:
    words, assigned = [], []
    for child in node.named_children:
        if child.type == "variable_assignment":
            assigned.append(_text(child))
        elif child.type == "command_name":
            words += [_word(part, found) for part in child.named_children]
        elif child.type not in ("file_redirect", "comment"):
            words.append(_word(child, found))
    if not words:
        found.doubt("it has a command without a name")
        return
    found.commands.append(Command(tuple(words), tuple(assigned)))
    inner = _inner(words, found)
    if inner is not None:
        _read(inner, found, depth + 1)


def _inner(words: list[str], found: Commands) -> str | None:
    """The text that a shell or ``eval`` would read from its arguments."""
    name = words[0].rpartition("/")[2]
    if name in ("eval", "source", ".", "trap", "alias"):
        found.doubt(f"it uses {name}")
        return " ".join(words[1:]) if name == "eval" else None
    for at, word in enumerate(words):
        if word.rpartition("/")[2] not in _SHELLS:
            continue
        for option, text in zip(words[at + 1 :], words[at + 2 :], strict=False):
            if re.fullmatch(r"-[a-zA-Z]*c[a-zA-Z]*", option):
                return text
        found.doubt(f"{word} reads commands from somewhere else")
    return None


def _redirect(node: Node, found: Commands) -> None:
    operator = next((c.type for c in node.children if not c.is_named), "")
    destination = node.child_by_field_name("destination")
    if destination is None:
        found.doubt("it has a redirection without a file")
        return
    target = _word(destination, found)
    if operator in (">&", "<&") and re.fullmatch(r"\d+|-", target):
        return
    if operator in ("<", "<>"):
        found.reads.append(target)
    if operator != "<":
        found.writes.append(target)


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _word(node: Node, found: Commands) -> str:
    """What a word comes to; ``…`` stands for what only the shell would know."""
    text = _text(node)
    if node.type == "raw_string":
        return text[1:-1]
    if node.type == "string":
        return _quoted(node, found)
    if node.type == "concatenation":
        quoted = ("string", "raw_string")
        _expect_no_braces("".join(_text(c) for c in node.children if c.type not in quoted), found)
        return "".join(_word(c, found) if c.is_named else _text(c) for c in node.children)
    if node.type in ("word", "number"):
        return _bare(text, found)
    found.doubt(f"it holds {_article(node.type)}")
    return "…"


def _expect_no_braces(text: str, found: Commands) -> None:
    if re.search(r"\{.*(,|\.\.)", text):
        found.doubt("it has a brace expansion")


def _quoted(node: Node, found: Commands) -> str:
    """A string in double quotes."""
    source = node.text or b""
    parts, at = [], node.start_byte + 1
    for child in (*node.named_children, None):
        end = child.start_byte if child is not None else node.end_byte - 1
        between = source[at - node.start_byte : end - node.start_byte].decode("utf-8", "replace")
        parts.append(between)
        if child is not None:
            parts.append(_text(child) if child.type == "string_content" else "…")
            if child.type != "string_content":
                found.doubt(f"it holds {_article(child.type)}")
            at = child.end_byte
    return re.sub(r'\\([$`"\\])', r"\1", "".join(parts))


def _bare(text: str, found: Commands) -> str:
    """A word without quotes: backslashes are taken away, what would be expanded is unclear."""
    plain = re.sub(r"\\.", "", text)
    if re.match(r"-?[*?\[]", plain):
        found.doubt("it has a pattern of file names where an option could come out")
    _expect_no_braces(plain, found)
    if re.search(r"[$`!]", plain.replace("!=", "")) and plain != "!":
        found.doubt("it has an expansion")
    return re.sub(r"\\(.)", r"\1", text)
