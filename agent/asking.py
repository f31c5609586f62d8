"""One request, answered with nobody there: what it says, changed, and leaves for a person.

The conversation is kept like one of ``specmill chat`` and can be gone on with in either.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import Any

from agent.checkpoints import Checkpoints
from agent.compaction import Compactor, Kept
from agent.config import Settings
from agent.limits import Meter, Spent
from agent.loop import Ended, converse
from agent.model.base import Block, ContextTooLong, Model
from agent.models import limits_from
from agent.permissions import Mode, Permissions
from agent.prompting import constitution_text, system_for
from agent.sessions import Session
from agent.telling import Tell, Telling, about
from agent.toolbox import Decision, DeskToolbox
from tools.catalog import catalog
from tools.desk import Desk, ToolError
from tools.errors import NeedsModel, SpecmillError
from tools.repo import Repo
from tools.rules.load import load_constitution
from tools.secrets import redact
from tools.workspace import STATE, Workspace

_NOBODY = (
    "nobody is here to answer; the question is put to the person when you end. Do what can be done "
    "without the answer, and say what cannot."
)


@dataclass(frozen=True)
class Answered:
    """How a request ended.

    Args:
        text: the last words of the model.
        exit_code: see the design.
        reason: why it ended, if it is not done.
        remedy: what to do about it.
        waits: what a person has to decide: questions, and calls that need their permission.
        refused: calls that are not open to anybody here, with why.
        changed: files that were changed.
        diff: the changes.
        session: its id.
        spent: tokens, money, seconds of the whole session.
    """

    text: str
    exit_code: int
    reason: str = ""
    remedy: str = ""
    waits: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    diff: str = ""
    session: str = ""
    spent: Spent = field(default_factory=Spent)

    @property
    def statistics(self) -> tuple[tuple[str, int, int], ...]:
        """The changed files, with how many lines each gained and lost."""
        known = {name: (gained, lost) for name, gained, lost in statistics(self.diff)}
        return tuple((path, *known.get(path, (0, 0))) for path in self.changed)

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "ok": self.exit_code == 0,
            **{key: value for key, value in vars(self).items() if key != "spent"},
            "waits": list(self.waits),
            "refused": list(self.refused),
            "changed": list(self.changed),
            "spent": self.spent.to_json(),
        }


def answer_request(
    workspace: Workspace,
    settings: Settings,
    session: Session,
    model: Model,
    *,
    text: str,
    mode: Mode,
    tell: Tell,
) -> Answered:
    """Answers one request.

    Args:
        workspace: where tools work.
        settings: limits and permission rules count.
        session: the conversation so far.
        model: answers.
        text: the request; empty to go on where the conversation stands.
        mode: what is done unasked.
        tell: is told what happens.

    Raises:
        SpecmillError: a rule of the settings or of the constitution is wrong, or there is no key.
    """
    work = _Work(workspace, settings, session, model, mode=mode, tell=tell)
    try:
        return work.answer(text)
    finally:
        work.close()


class _Work:
    """One request under way."""

    def __init__(
        self,
        workspace: Workspace,
        settings: Settings,
        session: Session,
        model: Model,
        *,
        mode: Mode,
        tell: Tell,
    ) -> None:
        self.session, self.model, self.telling = session, model, Telling(tell)
        self.waits: list[str] = []
        self.refused: list[str] = []
        known = session.facts.get("spent")
        self.spent = Spent.from_json(known) if known else Spent()
        limits = limits_from(settings)
        self.limits = replace(
            limits,
            turns=self.spent.turns + limits.turns,
            tokens=self.spent.usage.total + limits.tokens,
            money=self.spent.money + limits.money,
            seconds=self.spent.seconds + limits.seconds,
        )
        self.points = Checkpoints.load(workspace.root, session.id, session.folder)
        self.compactor = Compactor(session.facts.get("compactions", 0))
        self.request = ""
        self.cancel = threading.Event()
        _hide_state(workspace)
        self.toolbox = self._toolbox(workspace, settings, mode)
        constitution = constitution_text(load_constitution(workspace.constitution))
        self.system: tuple[Block, ...] = system_for("ask", constitution=constitution)
        session.note(mode=mode, model=settings.model)

    def _toolbox(self, workspace: Workspace, settings: Settings, mode: Mode) -> DeskToolbox:
        desk = Desk(
            workspace.root,
            workspace,
            self.session.folder / "outputs",
            ask=self._ask,
            cancel=self.cancel,
        )
        tools, rules = catalog(), settings.permissions
        permissions = Permissions(
            mode, allow=rules.allow, ask=rules.ask, deny=rules.deny, root=workspace.root
        )
        permissions.expect_known(tools)
        return DeskToolbox(
            desk,
            tools,
            permissions,
            before_write=lambda _: self.points.begin(self.request),
            redact=redact,
            decided=self._decided,
        )

    def _ask(self, question: str, choices: tuple[str, ...]) -> str:
        several = f" ({' | '.join(choices)})" if choices else ""
        self.waits.append(f"asks: {question}{several}")
        raise ToolError(_NOBODY)

    def _decided(self, decision: Decision) -> None:
        line = f"{decision.call.name} {about(decision.call)}".strip()
        if decision.outcome == "unanswered":
            self.waits.append(f"{line}: {decision.why}")
        elif decision.outcome == "denied":
            self.refused.append(f"{line}: {decision.why}")
        self.telling.decided(decision)

    def answer(self, text: str) -> Answered:
        """Goes through the conversation until the model is done, or something ends it."""
        talk = self.session.talk
        talk.mend()
        if text:
            talk.say(text)
        self.request = text or self.session.title
        self.session.save()
        ended, error = None, None
        try:
            ended = self._converse()
        except NeedsModel:
            raise
        except SpecmillError as failure:
            error = failure
        finally:
            changed = self._keep()
        return self._answered(ended, error, changed)

    def _converse(self) -> Ended:
        while True:
            try:
                return converse(
                    self.model,
                    self.session.talk,
                    self.system,
                    self.toolbox,
                    self.limits,
                    spent=self.spent,
                    watch=self.telling,
                    cancel=self.cancel,
                    save=self.session.save,
                )
            except ContextTooLong:
                self._shorten()

    def _shorten(self) -> None:
        session = self.session
        session.talk = self.compactor.compact(
            session.talk,
            self.model,
            self.system,
            self.toolbox.definitions(),
            self.cancel,
            meter=Meter(self.limits, self.spent, self.model.name),
            kept=(Kept("request", self.request),),
        )
        self.spent.context = 0  # not known before the next answer
        session.save()

    def _keep(self) -> tuple[str, ...]:
        """Saves what is new; also when the person or the system ends it here."""
        self.points.mark()
        changed = self.points.end()
        self.compactor.turn_ended()
        self.session.save()
        self.session.note(spent=self.spent.to_json(), compactions=self.compactor.row)
        return changed

    def _answered(
        self, ended: Ended | None, error: SpecmillError | None, changed: tuple[str, ...]
    ) -> Answered:
        code, reason, remedy = _ending(ended, error, self.waits)
        return Answered(
            text=ended.text if ended else "",
            exit_code=code,
            reason=reason,
            remedy=remedy,
            waits=tuple(dict.fromkeys(self.waits)),
            refused=tuple(dict.fromkeys(self.refused)),
            changed=changed,
            diff=self.points.diff(last=True) if changed else "",
            session=self.session.id,
            spent=self.spent,
        )

    def close(self) -> None:
        """Ends what tools kept running."""
        self.toolbox.close()


def _ending(
    ended: Ended | None, error: SpecmillError | None, waits: list[str]
) -> tuple[int, str, str]:
    """Exit code, reason and remedy."""
    if error is not None:
        return error.exit_code, error.message, error.remedy
    if ended is None or ended.reason != "done":
        detail = f": {ended.detail}" if ended and ended.detail else ""
        return 1, f"the model {ended.reason if ended else 'stopped'}{detail}", ""
    if waits:
        number = f"{len(waits)} thing{'' if len(waits) == 1 else 's'}"
        remedy = "answer with ask --resume, allow more with --mode or --allow, or go on in chat"
        return 3, f"{number} a person has to decide", remedy
    return 0, "", ""


def _hide_state(workspace: Workspace) -> None:
    """Has git overlook the state folder."""
    repo = Repo.open(workspace.root)
    if repo:
        repo.exclude(f"{STATE}/")


def statistics(diff: str) -> list[tuple[str, int, int]]:
    """The files of a unified diff, with how many lines each gained and lost."""
    found: list[tuple[str, int, int]] = []
    name, gained, lost, body = "", 0, 0, False
    for line in diff.splitlines():
        if line.startswith("diff --git "):
            if name:
                found.append((name, gained, lost))
            name, gained, lost, body = line.rpartition(" b/")[2], 0, 0, False
        elif line.startswith("@@"):
            body = True
        elif body and line.startswith("+"):
            gained += 1
        elif body and line.startswith("-"):
            lost += 1
    return [*found, (name, gained, lost)] if name else found
