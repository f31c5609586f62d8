"""The state machine: a workflow's steps as nodes, and what follows what. All of langgraph is here.

A node that waits for a person interrupts; one that fails raises. Both leave the checkpoint before
it, so that ``resume`` begins that node again; every node can be begun twice.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import interrupt
from langsmith import tracing_context

from agent.nodes.author import author
from agent.nodes.commit import commit
from agent.nodes.context import Context, Update, Waits
from agent.nodes.gate import approve
from agent.nodes.generate import generate
from agent.nodes.plan import plan
from agent.nodes.program import run_program
from agent.nodes.repair import repair
from agent.nodes.review import review
from agent.nodes.rules import rules
from agent.nodes.test import test
from agent.state import GRAPH_VERSION, RunState
from tools.errors import BudgetSpent, ProgramMissing, SpecmillError, UsageError
from tools.findings import Report
from tools.workflow_model import Workflow, WorkflowStep

Node = Callable[[RunState, WorkflowStep, Context], Update]

NODES: dict[str, Node] = {
    "plan": plan,
    "gate": approve,
    "generate": generate,
    "agent": author,
    "test": test,
    "rules": rules,
    "run": run_program,
    "repair": repair,
    "review": review,
    "commit": commit,
}
"""The function behind each kind of step."""

_CHECKS = frozenset({"test", "rules", "run"})
_STEPS_PER_ROUND = 20


@dataclass(frozen=True)
class Ended:
    """Where a run stands when the graph lets go of it.

    Args:
        state: what the run knows.
        waits: what it waits for, as ``Waits.to_json`` gives it; empty if it is over.
    """

    state: RunState
    waits: dict[str, Any]


def run_graph(context: Context, state: RunState | None, run: str, database: Path) -> Ended:
    """Walks the workflow's steps to the end, a wait or a failure.

    Args:
        context: what nodes work with; its workflow is the path.
        state: the initial state, or ``None`` to go on from the last checkpoint of ``run``.
        run: the id of the run; the thread of its checkpoints.
        database: the SQLite file of the checkpoints.

    Raises:
        SpecmillError: a node failed; the run resumes at that node.
    """
    with _saver(database) as saver, tracing_context(enabled=False):
        graph = _build(context.workflow, context, saver)
        rounds = context.workflow.budget.repairs + 1
        config: Any = {
            "configurable": {"thread_id": run},
            "recursion_limit": len(context.workflow.steps) * rounds + _STEPS_PER_ROUND,
        }
        result = graph.invoke(cast("Any", state), config, durability="sync")
        waiting = result.pop("__interrupt__", ()) if result else ()
        waits = waiting[0].value if waiting else {}
        return Ended(cast("RunState", result), waits)


def read_state(database: Path, run: str) -> Ended:
    """The newest checkpoint of a run.

    Raises:
        UsageError: no such run, or it was made by another version of the graph.
    """
    if not database.is_file():
        raise UsageError(f"there is no run {run} in this workspace", "specmill runs lists them")
    with _saver(database) as saver:
        found = saver.get_tuple({"configurable": {"thread_id": run}})
        if found is None:
            raise UsageError(f"there is no run {run} in this workspace", "specmill runs lists them")
        values: Any = found.checkpoint["channel_values"]
        pending = [w for _, channel, w in found.pending_writes or () if channel == "__interrupt__"]
    version = values.get("graph_version")
    if version != GRAPH_VERSION:
        raise UsageError(
            f"run {run} was made by another version of specmill (graph {version}, "
            f"this one has {GRAPH_VERSION})",
            f"start it anew: specmill run {values.get('spec', 'SPEC')}",
        )
    state = {k: v for k, v in values.items() if k in RunState.__annotations__}
    waits = pending[-1][0].value if pending else {}
    return Ended(cast("RunState", state), waits)


def _build(
    workflow: Workflow, context: Context, saver: SqliteSaver
) -> CompiledStateGraph[RunState, None, Any, Any]:
    builder = StateGraph(RunState)
    for step in workflow.steps:
        builder.add_node(step.name, cast("Any", _node(step, context)))
        targets = _targets(workflow, step)
        builder.add_conditional_edges(step.name, _edge(step, targets), list(targets.values()))
    builder.add_edge(START, workflow.steps[0].name)
    return builder.compile(checkpointer=saver)


def _targets(workflow: Workflow, step: WorkflowStep) -> dict[str, str]:
    """Where a step leads to: ``next``; a failed check is ``repaired``; a repair ``redoes``."""
    steps = workflow.steps
    index = steps.index(step)
    targets = {"end": END, "next": END}
    for later in steps[index + 1 :]:
        if later.kind != "repair":
            targets["next"] = later.name
            break
    for later in steps[index + 1 :]:
        if later.kind == "repair" and step.kind in _CHECKS:
            targets["repaired"] = later.name
        if later.kind not in _CHECKS:
            break
    if step.kind == "repair":
        made = [s.name for s in steps[:index] if s.kind == "generate"]
        tested = [s.name for s in steps[:index] if s.kind == "test"]
        targets["redoes"] = made[-1] if made else tested[-1]
    return targets


def _edge(step: WorkflowStep, targets: dict[str, str]) -> Callable[[RunState], str]:
    def follow(state: RunState) -> str:
        if "stop" in state:
            return targets["end"]
        if step.kind == "repair":
            return targets["redoes"]
        if step.kind in _CHECKS and not Report.from_json(state.get("findings", [])).ok:
            return targets.get("repaired", targets["end"])
        return targets["next"]

    return follow


def _node(step: WorkflowStep, context: Context) -> Callable[[RunState], Update]:
    function = NODES[step.kind]

    def node(state: RunState) -> Update:
        context.trace.write("start", step.name, kind=step.kind)
        context.progress.start(step.name, step.title)
        started = time.monotonic()
        try:
            _check_budget(state, context)
            update = function(state, step, context)
        except Waits as waits:
            _finish(context, step, started, ok=False, detail=waits.message, event="waits")
            update = cast("Update", interrupt(_plain(waits.to_json())))
        except (SpecmillError, OSError) as error:
            _finish(context, step, started, ok=False, detail=str(error), event="failed")
            raise
        ok = "stop" not in update and Report.from_json(update.get("findings", [])).ok
        detail = context.details.pop(step.name, "")
        if "stop" in update:
            detail = update["stop"]["reason"]
        seconds = _finish(context, step, started, ok=ok, detail=detail, event="end")
        spent = state.get("seconds", {})
        total = round(spent.get(step.name, 0.0) + seconds, 3)
        details = {**state.get("details", {}), step.name: detail}
        return _plain(update | {"seconds": {**spent, step.name: total}, "details": details})

    return node


def _plain(update: Update) -> Update:
    """JSON types only: an enum or a tuple would come back from the checkpoint as another thing."""
    plain: Update = json.loads(json.dumps(update))
    return plain


def _finish(
    context: Context, step: WorkflowStep, started: float, *, ok: bool, detail: str, event: str
) -> float:
    seconds = round(time.monotonic() - started, 3)
    context.progress.finish(step.name, seconds, ok=ok, detail=detail)
    context.trace.write(event, step.name, ok=ok, seconds=seconds, detail=detail)
    return seconds


def _check_budget(state: RunState, context: Context) -> None:
    limit = context.workflow.budget.seconds
    if sum(state.get("seconds", {}).values()) > limit:
        raise BudgetSpent(
            f"the run has used its {limit:g} seconds",
            f"raise budget.seconds in {context.workflow.path} and resume",
        )


@contextmanager
def _saver(database: Path) -> Iterator[SqliteSaver]:
    """The checkpoints; only JSON types are ever read back."""
    database.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(database, check_same_thread=False)) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            yield SqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
    except sqlite3.OperationalError as error:
        raise ProgramMissing(
            f"{database}: the checkpoints cannot be written: {error}",
            "check free disk space and permissions",
        ) from error
    except sqlite3.DatabaseError as error:
        raise ProgramMissing(
            f"{database}: the checkpoints cannot be read: {error}",
            "move the file away; runs begun before cannot be resumed",
        ) from error
