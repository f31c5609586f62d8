"""A model at work on one task of a run: its conversation kept after each step, so that it goes on.

The conversation, what was read and what was used lie in the folder of the run. A run that was
killed finds them there: calls without a result get one that says so, and nothing runs twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.limits import Limits
from agent.loop import Ended, Silent, Toolbox, converse
from agent.model.base import Json, Turn
from agent.nodes.context import SPENT, Context
from agent.permissions import Permissions
from agent.prompting import constitution_text, data, system_for
from agent.recording import Recorder
from agent.state import RunState
from agent.talk import Conversation, ToolCall
from agent.toolbox import Decision, DeskToolbox
from tools.catalog import Tool, catalog
from tools.desk import Desk, ToolResult
from tools.errors import InternalError
from tools.secrets import redact
from tools.workspace import read_text
from tools.workspace_write import write_atomic

BARRED = frozenset({"ask_person", "commit", "edit_spec", "remember"})
"""Tools that no unattended step is given: nobody is there, and spec and history are not its own."""

TALKS = "talks"


@dataclass(frozen=True)
class Task:
    """What a model is asked to do.

    Args:
        key: names the conversation; unique in the run, and the same when it is resumed.
        role: the prompt, see :mod:`agent.prompting`.
        text: what is to be done, in one message.
        section: what the workflow says about it.
        tools: names of tools.
        refuses: why a file may not be written; empty if it may. It is asked about any file.
        before_write: told of files before a tool writes them.
        other: tools of its own instead of those.
    """

    key: str
    role: str
    text: str
    section: str = ""
    tools: tuple[str, ...] = ()
    refuses: Callable[[str], str] = lambda _: ""
    before_write: Callable[[Sequence[str]], None] = lambda _: None
    other: Toolbox | None = None


@dataclass(frozen=True)
class Worked:
    """How a task ended.

    Args:
        ended: how the conversation ended.
        refusals: what the model was refused, as JSON: ``task``, ``what``, ``why``.
    """

    ended: Ended
    refusals: tuple[Json, ...] = ()


@dataclass
class _Kept:
    """What is on disk of a conversation."""

    root: Path
    path: str
    talk: Conversation = field(default_factory=Conversation)
    seen: dict[str, str] = field(default_factory=dict)
    refusals: list[Json] = field(default_factory=list)

    @staticmethod
    def load(root: Path, path: str) -> _Kept:
        kept = _Kept(root, path)
        if (root / path).is_file():
            found = json.loads(read_text(root / path, limit=1 << 30))
            kept.talk = Conversation.from_json(found["messages"])
            kept.seen, kept.refusals = found["seen"], found["refusals"]
        return kept

    def save(self) -> None:
        found = {"messages": self.talk.to_json(), "seen": self.seen, "refusals": self.refusals}
        write_atomic(self.root, self.path, json.dumps(found, ensure_ascii=False))

    def refuse(self, task: str, what: str, why: str) -> None:
        refusal = {"task": task, "what": what, "why": why}
        if refusal not in self.refusals:
            self.refusals.append(refusal)


def work(state: RunState, node: str, context: Context, task: Task) -> Worked:
    """Lets the model work until it says that it is done; a task that is done is not done again.

    Args:
        state: of the run; its tree is where the model works.
        node: the step of the workflow.
        context: with a model.
        task: what is to be done.

    Raises:
        BudgetSpent: the run's turns, money or seconds are used up; it resumes with more of them.
        SpecmillError: the model cannot be reached, or wants another key.
    """
    model = context.author
    if model is None:
        raise InternalError(f"{task.key} needs a model, and there is none")
    model.about = task.key
    folder = context.folder.relative_to(context.workspace.root).as_posix()
    kept = _Kept.load(context.workspace.root, f"{folder}/{TALKS}/{task.key}.json")
    if not kept.talk.messages:
        kept.talk.say(task.text)
    toolbox = task.other or _toolbox(state, context, task, kept)
    spent_file = f"{folder}/{SPENT}"
    spent = context.spending()

    def save() -> None:
        kept.save()
        write_atomic(context.workspace.root, spent_file, json.dumps(spent.to_json()))

    try:
        ended = converse(
            model,
            kept.talk,
            system_for(
                task.role,
                constitution=constitution_text(context.constitution),
                workflow=task.section,
                spec=read_text(context.loaded.file),
            ),
            toolbox,
            limits_of(context),
            spent=spent,
            watch=_Told(node, context, model),
            cancel=context.cancel,
            save=save,
        )
    finally:
        save()
    return Worked(ended, tuple(kept.refusals))


def limits_of(context: Context) -> Limits:
    """What all conversations of a run may use together: the workflow's budget, never above ours."""
    budget, settings = context.workflow.budget, context.settings
    return Limits(
        turns=budget.turns,
        money=min(budget.money, max(0.0, settings.money - context.spent)),
        seconds=budget.seconds,
        max_tokens=settings.max_tokens,
    )


def _toolbox(state: RunState, context: Context, task: Task, kept: _Kept) -> DeskToolbox:
    root = context.tree(state)

    def decided(decision: Decision) -> None:
        if decision.outcome in ("denied", "unanswered"):
            kept.refuse(task.key, _shown(decision.call), decision.why)

    desk = Desk(
        root=root,
        workspace=context.workspace,
        outputs=root / ".specmill" / "outputs",
        refuses=task.refuses,
        seen=kept.seen,
        cancel=context.cancel,
        extras=context.extras,
    )
    rules = context.settings.permissions
    permissions = Permissions(
        "edit", allow=rules.allow, ask=rules.ask, deny=rules.deny, root=root, protects=task.refuses
    )
    return DeskToolbox(
        desk,
        _given(task.tools),
        permissions,
        before_write=task.before_write,
        redact=lambda text: data("output", "tool", redact(text, context.secrets)),
        decided=decided,
    )


def _given(names: tuple[str, ...]) -> Mapping[str, Tool]:
    known = catalog()
    return {name: known[name] for name in names if name in known and name not in BARRED}


class _Told(Silent):
    """Puts turns and calls into the trace, and on the screen what the model is busy with."""

    def __init__(self, node: str, context: Context, model: Recorder) -> None:
        self._node, self._context, self._model = node, context, model

    def answered(self, turn: Turn, money: float) -> None:
        self._context.trace.write(
            "turn",
            self._node,
            task=self._model.about,
            model=turn.model,
            stop=turn.stop_reason,
            usage=turn.usage.to_json(),
            money=round(money, 6),
            text=_words(turn),
        )

    def calling(self, call: ToolCall) -> None:
        self._context.progress.say(_shown(call))
        self._context.trace.write("call", self._node, id=call.id, tool=call.name, input=call.input)

    def called(self, call: ToolCall, result: ToolResult) -> None:
        self._context.trace.write(
            "result",
            self._node,
            id=call.id,
            tool=call.name,
            ok=not result.is_error,
            changed=list(result.changed),
            text=result.text,
        )


def _words(turn: Turn) -> str:
    return "".join(block["text"] for block in turn.content if block["type"] == "text")


_SUBJECTS = ("command", "path", "model", "sql", "query", "pattern")


def _shown(call: ToolCall) -> str:
    """A call in one line, such as ``edit_file models/a.sql``."""
    about: Any = next((call.input[name] for name in _SUBJECTS if name in call.input), "")
    return " ".join(f"{call.name} {about}".split())[:120]
