"""A process that runs a spec with a scripted model and kills itself at a chosen place.

    python -m tests.agent.kill_at ROOT PLACE NUMBER

PLACE is ``asking``, ``answered``, ``calling``, ``acted``, ``saving`` or ``saved``; NUMBER counts
how often it was passed, from 1. What is answered depends only on the conversation, so that a run
that goes on in another process goes on with the same model.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.model.base import Request, Turn
from agent.model.scripted import Scripted, call, say
from agent.nodes import working
from agent.run import Engine
from tests.agent.support import make_engine
from tools.catalog import Tool
from tools.desk import Desk, ToolResult

SPEC = Path("specs/orders.yaml")
MODEL = "generated/dbt/models/marts/fct_orders.sql"
PROPERTIES = "generated/dbt/models/marts/fct_orders.yml"
RULE = "Orders that somebody made for a test do not count; their status says so."
SQL = "select order_id from {{ ref('stg_shop__order') }} where lower(status) <> 'test'\n"
EFFECTS = "effects.log"


def answers(request: Request) -> Turn:
    """The answer to a conversation: reads the properties, writes once, looks when interrupted."""
    begun = len(request.messages) > 1
    if request.tools[0]["name"] == "propose":
        rule = {"model": "fct_orders", "rule": RULE, "restated": "no test orders"}
        formal = {"where": "lower(status) <> 'test'", "column": "", "expr": ""}
        return say("read") if begun else call("propose", rules=[{**rule, **formal}], questions=[])
    if not begun:
        return call("read_file", path=PROPERTIES)
    text = json.dumps(request.messages[-1])
    if "nterrupted" in text or "whether it took effect" in text:
        return call("list_files", path="generated/dbt/models/marts")
    if "fct_orders.sql" not in text:
        return call("write_file", path=MODEL, content=SQL)
    return say("written")


def engine_at(root: Path, place: str = "", number: int = 0) -> Engine:
    """An engine that notes each write, and kills the process at the place."""
    passed: Counter[str] = Counter()

    def pass_by(name: str) -> None:
        passed[name] += 1
        if (name, passed[name]) == (place, number):
            os.kill(os.getpid(), signal.SIGKILL)

    class Passing(Scripted):
        def turn(self, request: Request, *rest: Any) -> Turn:
            pass_by("asking")
            turn = super().turn(request, *rest)
            pass_by("answered")
            return turn

    given, save = working._given, working._Kept.save

    def tools(names: tuple[str, ...]) -> Mapping[str, Tool]:
        return {
            n: replace(t, function=_noted(root, t.function, pass_by))
            for n, t in given(names).items()
        }

    def saving(kept: Any) -> None:
        pass_by("saving")
        save(kept)
        pass_by("saved")

    working._given, working._Kept.save = tools, saving  # type: ignore[method-assign]
    engine = make_engine(root, commit=False)
    engine.model = lambda: Passing([answers] * 40)
    return engine


def _noted(
    root: Path, function: Callable[..., str | ToolResult], pass_by: Callable[[str], None]
) -> Callable[..., str | ToolResult]:
    def noted(desk: Desk, **given: Any) -> str | ToolResult:
        pass_by("calling")
        result = function(desk, **given)
        if "content" in given:
            with (root / EFFECTS).open("a") as file:
                file.write(f"{given['path']}\n")
        pass_by("acted")
        return result

    return noted


if __name__ == "__main__":
    result = engine_at(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])).start(SPEC)
    sys.exit(result.exit_code)
