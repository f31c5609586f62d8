"""Which texts stand: what is compiled, what was authored or repaired before and still holds.

An authored file stays as the lock has it for as long as what it was written from stays the same.
A compiled file that a repair rewrote stands for as long as the compiler gives what was repaired.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent.nodes.context import Context
from agent.state import RunState
from tools import layout
from tools.artifact import Artifact, Authorship, sha256_text
from tools.findings import Fix
from tools.generate.base import generate as compile_plan
from tools.lock import LockFile, bases, on_disk
from tools.plan import Plan, Step
from tools.repair import patched
from tools.spec.part import part_digest

REPAIR = "repair"
"""The step of a compiled file that a repair rewrote; its part is the text that was compiled."""


@dataclass(frozen=True)
class Standing:
    """The files of a pipeline as far as nobody has to write one.

    Args:
        artifacts: compiled files, and authored ones that stand.
        open: authored steps whose files have to be written.
    """

    artifacts: tuple[Artifact, ...]
    open: tuple[Step, ...]


def standing(state: RunState, context: Context, root: Path, *, whole: bool) -> Standing:
    """What stands now.

    Args:
        state: with the plan.
        context: of the run.
        root: the tree whose lock counts.
        whole: whether files that wait for an open step are compiled too.
    """
    plan = Plan.from_json(state["plan"])
    texts = _Texts(state, context, root)
    kept: dict[str, Artifact] = {}
    for step in plan.authored:
        found = texts.of(step.path, part_of(step, context), step.id)
        if found is not None:
            kept[step.id] = found
    missing = tuple(step for step in plan.authored if step.id not in kept)
    done = [*kept, *(step.id for step in missing if whole)]
    compiled = compile_plan(plan, context.loaded.spec, context.others, done)
    made = [texts.of(a.path, a.sha256, "") or a for a in compiled]
    made += [*kept.values(), *_reading(state), *_carried(context, texts)]
    fixes = [Fix(**fix) for fix in state.get("patches", [])]
    return Standing(patched(made, fixes), missing)


def part_of(step: Step, context: Context) -> str:
    """The digest of what an authored step is written from."""
    spec = context.loaded.spec
    model = spec.model_named(step.subject)
    return part_digest(spec, model, context.others) if model else context.loaded.digest


def reading_file(pipeline: str) -> str:
    """Where it is said how rules in prose were read."""
    return str(layout.REVIEW / f"{pipeline}.reading.json")


def _reading(state: RunState) -> list[Artifact]:
    found = state.get("reading")
    if not found:
        return []
    path, by = reading_file(state["pipeline"]), Authorship(**found["by"])
    return [Artifact(path, found["text"], "authored", state["pipeline"], by)]


def _carried(context: Context, texts: _Texts) -> list[Artifact]:
    """What agent steps of the workflow wrote in earlier runs."""
    steps = {step.name for step in context.workflow.steps if step.kind == "agent"}
    pipeline = context.loaded.spec.pipeline
    found = []
    for path, file in texts.locked.files.items():
        if file.author and file.author.step in steps and pipeline in file.owners:
            artifact = texts.of(path, file.author.part, file.author.step)
            found += [artifact] if artifact else []
    return found


class _Texts:
    """Finds the texts of authored files: those of this run first, then those of the lock."""

    def __init__(self, state: RunState, context: Context, root: Path) -> None:
        self._root, self._pipeline = root, context.loaded.spec.pipeline
        self.locked = LockFile.load(root)
        self._rewrites = state.get("rewrites", {})
        history = context.repo.find_by_sha256 if context.repo else None
        self._base_of = bases(context.workspace.root, history)

    def of(self, path: str, part: str, step: str) -> Artifact | None:
        """The text of a path that was written from a part.

        Args:
            path: of the file.
            part: the digest that it must have been written from.
            step: what it must have been written for; empty for a repair of a compiled file.
        """
        for sha256, by in self._known(path):
            if by.part == part and (by.step == step or (not step and by.step == REPAIR)):
                text = self._text(path, sha256)
                if text is not None:
                    return Artifact(path, text, "authored", self._pipeline, by)
        return None

    def _known(self, path: str) -> list[tuple[str, Authorship]]:
        found = []
        if path in self._rewrites:
            one = self._rewrites[path]
            found.append((one["sha256"], Authorship(**one["by"])))
        locked = self.locked.files.get(path)
        if locked is not None and locked.author is not None:
            found.append((locked.sha256, Authorship(**locked.author.model_dump())))
        return found

    def _text(self, path: str, sha256: str) -> str | None:
        text = on_disk(self._root, path)
        if text is not None and sha256_text(text) == sha256:
            return text
        return self._base_of(path, sha256)
