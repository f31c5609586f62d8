"""Work beside other work can be left off, and leaves the dbt that it was lent alone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tools.verify.background import Beside, Lent, Stopped
from tools.verify.replies import Rows
from tools.verify.worker import DbtWorker

NOTHING = Rows((), (), ())


class Counting(DbtWorker):
    """A worker whose requests take until they are let go."""

    def __init__(self, state: Path) -> None:
        super().__init__(state)
        self.asked, self.killed = 0, False
        self.go = threading.Event()
        self.busy = threading.Event()

    def sql(self, *_: object, **__: object) -> tuple[Rows, ...]:
        self.asked += 1
        self.busy.set()
        assert self.go.wait(30)
        return (NOTHING,)

    def interrupt(self) -> None:
        self.killed = True
        self.go.set()


def test_requests_reach_the_worker_until_it_is_taken_back(tmp_path: Path) -> None:
    worker, back = Counting(tmp_path), threading.Event()
    worker.go.set()
    lent = Lent(worker, back)
    assert lent.sql(tmp_path / "d", ["select 1"]) == (NOTHING,)
    assert lent.state == worker.state
    back.set()
    with pytest.raises(Stopped):
        lent.sql(tmp_path / "d", ["select 1"])
    with pytest.raises(Stopped):
        lent.dbt(["run"], project=tmp_path, database=tmp_path / "d")
    assert worker.asked == 1


@pytest.mark.parametrize("at_once", [True, False])
def test_work_that_is_stopped_asks_no_more(tmp_path: Path, at_once: bool) -> None:
    worker = Counting(tmp_path)

    def forever(lent: DbtWorker) -> None:
        while True:
            lent.sql(tmp_path / "d", ["select 1"])

    work = Beside(forever, worker)
    assert worker.busy.wait(30)
    if not at_once:
        threading.Timer(0.1, worker.go.set).start()
    work.stop(at_once=at_once)
    assert worker.killed == at_once
    asked = worker.asked
    with pytest.raises(Stopped):
        work.result()
    assert worker.asked == asked


def test_what_was_made_is_there_when_it_is_done(tmp_path: Path) -> None:
    go = threading.Event()

    def make(_: DbtWorker) -> int:
        assert go.wait(30)
        return 3

    work = Beside(make, DbtWorker(tmp_path))
    assert work.done() is None
    go.set()
    assert work.result() == 3
    assert work.done() == 3
