"""What takes too much memory fails where it is asked for, and nothing else is held back."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from tools.verify import memory
from tools.verify.dataset import Dataset
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.session import Failed
from tools.verify.mutants.store import Store
from tools.verify.oracle.engine import CannotEvaluate, Engine

HUGE = ["list_sum(range(1, 4000000000))", "len(range(4000000000) || range(4000000000))"]


def soft() -> int:
    return resource.getrlimit(resource.RLIMIT_DATA)[0]


@pytest.mark.parametrize("expression", HUGE)
def test_an_expression_that_takes_too_much_has_no_value(expression: str) -> None:
    with Engine() as engine:
        with pytest.raises(CannotEvaluate, match="more memory than"):
            engine.scalars(["integer"], [(1,)], [f"{expression} + c0"], "duckdb")
        assert engine.scalars(["integer"], [(1,)], ["c0 + 1"], "duckdb")[0] == [(2,)]


@pytest.mark.parametrize("expression", HUGE)
def test_a_query_that_takes_too_much_fails(expression: str) -> None:
    with Clock() as clock:
        store = Store([Dataset({})], {})
        session = store.session(clock, 20)
        with pytest.raises(Failed, match="more memory than") as caught:
            session.run(f"select {expression}")
        assert caught.value.kind == "time"
        assert session.run("select 1") == [(1,)]
        store.close()


def test_the_limit_holds_while_a_query_runs_and_not_for_programs_started_later() -> None:
    before = soft()
    with memory.limited():
        inner = soft()
        with memory.limited():
            assert soft() == inner > memory.room()
        assert soft() == inner
    assert soft() == before
    assert memory.room() <= memory.machine()


def test_what_the_process_has_already_is_not_counted() -> None:
    held = bytearray(200_000_000)
    with memory.limited():
        more = soft()
    del held
    with memory.limited():
        assert more - soft() > 150_000_000


def test_a_limit_that_is_lower_stays() -> None:
    script = (
        "import resource\nfrom tools.verify import memory\n"
        "low = memory.room() // 2\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (low, resource.RLIM_INFINITY))\n"
        "with memory.limited():\n"
        "    assert resource.getrlimit(resource.RLIMIT_DATA)[0] == low\n"
        "memory.keep_within(0.9)\n"
        "assert resource.getrlimit(resource.RLIMIT_DATA)[0] == low\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_process_is_held_to_its_share() -> None:
    script = (
        "from tools.verify import memory\nmemory.keep_within(0.01)\n"
        "try:\n    bytearray(memory.machine() // 10)\nexcept MemoryError:\n    print('refused')\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert ran.stdout == "refused\n"
