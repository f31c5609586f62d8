"""Histories on a real dbt, held against a plain reading of what a history is.

Every key is a random story of its own, so that a handful of loads tries some hundred stories.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tools.generate.base import generate
from tools.plan import make_plan
from tools.spec.model import Spec
from tools.sql.render import literal
from tools.verify.worker import DbtWorker

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dbt")]

EPOCH = dt.datetime(2024, 1, 1)
COLUMNS = {
    "id": "integer", "name": "varchar", "note": "varchar", "at": "timestamp", "seq": "integer",
    "op": "varchar", "flag": "varchar",
}  # fmt: skip


def moment(hours: float) -> dt.datetime:
    return EPOCH + dt.timedelta(hours=hours)


def table(name: str, columns: list[str], **more: Any) -> dict[str, Any]:
    typed = [{"name": c, "type": COLUMNS[c], "nullable": c != "id"} for c in columns]
    return {"name": name, "columns": typed, "primary_key": ["id"], **more}


def history(name: str, of: str, columns: list[str], **load: Any) -> dict[str, Any]:
    return {
        "name": name,
        "from": f"src.{of}",
        "grain": ["id"],
        "columns": [{"name": c, "type": COLUMNS[c], "nullable": c != "id"} for c in columns],
        "load": {"strategy": "scd2", "key": ["id"], **load},
    }


def make_spec(**changes: Any) -> Spec:
    feed = table(
        "feed", ["id", "name", "note", "at", "seq", "op"], extract="cdc",
        operation={"column": "op", "deleted": ["D"]}, deletes={"how": "operation"},
    )  # fmt: skip
    state = table("state", ["id", "name", "at"], deletes={"how": "absence", "max_ratio": 0.5})
    seen = table("seen", ["id", "name", "flag"], deletes={"how": "absence", "max_ratio": 0.5})
    models = [
        history("dim_feed", "feed", ["id", "name", "note"], effective_at="at", sequence_by=["seq"],
                track=["name"]),
        history("dim_state", "state", ["id", "name", "at"], effective_at="at"),
        history("dim_seen", "seen", ["id", "name"]),
    ]  # fmt: skip
    spec = {"pipeline": "histories", "sources": [{"name": "src", "system": "test"}]}
    spec["sources"][0]["tables"] = [feed, state, seen]  # type: ignore[index]
    return Spec.model_validate({**spec, "models": models, **changes})


@dataclass
class Lab:
    """A generated project with a database, and the loads that were made into it."""

    worker: DbtWorker
    root: Path
    database: Path
    loads: int = 0

    def write(self, spec: Spec) -> None:
        for artifact in generate(make_plan(spec, "0" * 64), spec):
            path = self.root / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(artifact.content, encoding="utf-8")

    def load(self, rows: dict[str, list[dict[str, Any]]], at: dt.datetime | None = None) -> None:
        """Replaces the source tables and runs every model, at a moment of load time."""
        self.loads += 1
        statements = ["create schema if not exists raw"]
        for name, content in rows.items():
            wanted = next(t for t in make_spec().sources[0].tables if t.name == name)
            columns = {c.name: c.type for c in wanted.columns}
            typed = ", ".join(f"{c} {kind}" for c, kind in columns.items()).replace("at ", '"at" ')
            statements.append(f"create or replace table raw.{name} ({typed})")
            if content:
                values = ", ".join(
                    "(" + ", ".join(literal(row.get(c)) for c in columns) + ")" for row in content
                )
                statements.append(f"insert into raw.{name} values {values}")
        self.worker.sql(self.database, statements)
        moment_of_load = at or moment(10_000 + self.loads)
        models = ["+dim_feed", "+dim_state", "+dim_seen"]
        wanted_models = [m for m in models if m.removeprefix("+dim_") in rows]
        run = self.worker.dbt(
            ["run", "--select", *wanted_models],
            {"batch_at": moment_of_load.isoformat(sep=" ")},
            project=self.root / "generated/dbt",
            database=self.database,
        )
        assert run.success, (run.error, [r for r in run.results if r["status"] != "success"])

    def history(self, model: str, columns: str) -> list[tuple[Any, ...]]:
        text = f"select {columns}, valid_from, valid_to, is_current from marts.{model} order by all"
        return list(self.worker.sql(self.database, [text])[0].rows)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DbtWorker]:
    with DbtWorker(tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.fixture
def lab(worker: DbtWorker, tmp_path: Path) -> Lab:
    made = Lab(worker, tmp_path, tmp_path / f"{tmp_path.name}.duckdb")
    made.write(make_spec())
    return made


def story_part(rng: random.Random, key: int, seq: int) -> dict[str, Any]:
    return {
        "id": key,
        "name": rng.choice(["a", "b", "", None]),
        "note": rng.choice(["x", "y", None]),
        "at": moment(rng.randint(0, 4)),
        "seq": seq,
        "op": rng.choice(["U", "U", "U", "I", "D", None]),
    }


def stories(seed: int, keys: int) -> list[dict[str, Any]]:
    """Changes of many keys: ties, no-ops, NULL and '', deletes, returns, all at random."""
    rng = random.Random(seed)
    changes = [story_part(rng, key, seq) for key in range(keys) for seq in range(rng.randint(1, 6))]
    rng.shuffle(changes)
    return changes


def plain_history(changes: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What a history is, said plainly: fold each key's last words through time."""
    out = []
    for key in {c["id"] for c in changes}:
        last_word: dict[dt.datetime, dict[str, Any]] = {}
        for change in sorted((c for c in changes if c["id"] == key), key=lambda c: c["seq"]):
            last_word[change["at"]] = change
        versions: list[dict[str, Any]] = []
        current: dict[str, Any] | None = None
        for at, change in sorted(last_word.items()):
            if change["op"] == "D":
                if current is not None:
                    current["to"] = at
                current = None
            elif current is not None and current["name"] == change["name"]:
                current["note"] = change["note"]
            else:
                if current is not None:
                    current["to"] = at
                current = {"name": change["name"], "note": change["note"], "from": at, "to": None}
                versions.append(current)
        for v in versions:
            to = None if v["to"] is None else str(v["to"])
            out.append((key, v["name"], v["note"], str(v["from"]), to, to is None))
    return sorted(out, key=str)


def batches(changes: list[dict[str, Any]], seed: int, count: int) -> list[list[dict[str, Any]]]:
    """The changes cut into batches, some of them sent twice."""
    rng = random.Random(seed)
    cut: list[list[dict[str, Any]]] = [[] for _ in range(count)]
    for change in changes:
        for at in {rng.randrange(count), rng.randrange(count)}:
            cut[at].append(change)
    return cut


@pytest.mark.parametrize("seed", [1, 2])
def test_feed_in_any_order_gives_the_plain_history(lab: Lab, seed: int) -> None:
    changes = stories(seed, keys=150)
    for at, batch in enumerate(batches(changes, seed, 4)):
        # Load times go back and forth: no clock may matter.
        lab.load({"feed": batch}, at=moment(20_000 + (7 * at) % 5))
    found = sorted(lab.history("dim_feed", "id, name, note"), key=str)
    assert found == plain_history(changes)


def test_reloading_changes_nothing(lab: Lab) -> None:
    rows = {
        "feed": stories(3, keys=20),
        "state": [{"id": n, "name": "a", "at": moment(n)} for n in range(20)],
        "seen": [{"id": n, "name": None} for n in range(20)],
    }
    count = (
        "select count(*) from intermediate.int_{0}__changes "
        "union all select count(*) from marts.{0}"
    )
    models = ("dim_feed", "dim_state", "dim_seen")

    def everything() -> list[Any]:
        counts = [lab.worker.sql(lab.database, [count.format(m)])[0].rows for m in models]
        return [counts, *(lab.history(m, "id, name") for m in models)]

    lab.load(rows)
    before = everything()
    lab.load(rows)
    lab.load(rows)
    assert everything() == before


def test_absence_closes_within_the_limit_only(lab: Lab) -> None:
    def state(*ids: int, at: float = 1) -> list[dict[str, Any]]:
        return [{"id": n, "name": "a", "at": moment(at)} for n in ids]

    def alive() -> list[int]:
        return [row[0] for row in lab.history("dim_state", "id") if row[-1]]

    lab.load({"state": state(1, 2, 3, 4)})
    lab.load({"state": []})
    assert alive() == [1, 2, 3, 4]  # an empty extract closes nothing
    lab.load({"state": state(1)})
    assert alive() == [1, 2, 3, 4]  # three of four at once are not believed
    lab.load({"state": state(1, 2, 3)})
    assert alive() == [1, 2, 3]
    closed = [row for row in lab.history("dim_state", "id") if not row[-1]]
    assert [(row[0], row[2]) for row in closed] == [(4, str(moment(10_004)))]
    lab.load({"state": state(1, 2, 3, 4)})
    reopened = [row for row in lab.history("dim_state", "id") if row[0] == 4]
    assert [row[1] for row in reopened] == [str(moment(1)), str(moment(10_005))]
    assert alive() == [1, 2, 3, 4]


def test_what_is_back_with_an_older_change_is_told_once(lab: Lab) -> None:
    """The load that sees it says all there is: the same extract again adds nothing."""
    first = {"id": 1, "name": "a", "at": moment(1)}
    other = {"id": 2, "name": "b", "at": moment(1)}
    changed = {"id": 1, "name": "c", "at": moment(3)}
    lab.load({"state": [first, other]}, at=moment(9))
    lab.load({"state": [other]}, at=moment(10))
    lab.load({"state": [changed, other]}, at=moment(11))
    told = [(r[1], r[2], r[3]) for r in lab.history("dim_state", "id, name") if r[0] == 1]
    assert told == [
        ("a", str(moment(1)), str(moment(3))), ("c", str(moment(3)), str(moment(10))),
        ("c", str(moment(11)), None),
    ]  # fmt: skip
    lab.load({"state": [changed, other]}, at=moment(12))
    again = [(r[1], r[2], r[3]) for r in lab.history("dim_state", "id, name") if r[0] == 1]
    assert again == told


def test_a_row_dated_ahead_counts_among_those_that_are_missing(lab: Lab) -> None:
    rows = [{"id": n, "name": "a", "at": moment(1)} for n in range(4)]
    rows[0]["at"] = moment(40_000)  # half may be missing: with this one it would be more
    lab.load({"state": rows})
    lab.load({"state": rows[3:]})
    assert all(row[-1] for row in lab.history("dim_state", "id"))


def test_without_event_time_a_change_takes_effect_when_it_is_seen(lab: Lab) -> None:
    def seen(**names: str | None) -> list[dict[str, Any]]:
        return [{"id": int(k[1:]), "name": v} for k, v in names.items()]

    lab.load({"seen": seen(k1="a", k2=None, k3="c")}, at=moment(1))
    lab.load({"seen": seen(k1="b", k2="", k3="c")}, at=moment(2))
    lab.load({"seen": seen(k1="b", k2="")}, at=moment(3))
    lab.load({"seen": seen(k1="b", k2="", k3="c")}, at=moment(4))
    spans = [(r[0], r[1], r[2], r[3]) for r in lab.history("dim_seen", "id, name")]
    at = [None, *(str(moment(n)) for n in range(1, 5))]
    assert sorted(spans, key=str) == sorted(
        [
            (1, "a", at[1], at[2]), (1, "b", at[2], None), (2, None, at[1], at[2]),
            (2, "", at[2], None), (3, "c", at[1], at[3]), (3, "c", at[4], None),
        ],
        key=str,
    )  # fmt: skip


def test_a_new_tracked_column_makes_no_new_versions(lab: Lab) -> None:
    rows = [{"id": n, "name": "a", "flag": "old"} for n in range(5)]
    lab.load({"seen": rows}, at=moment(1))
    spec = make_spec()
    wider = history("dim_seen", "seen", ["id", "name", "flag"])
    models = [*(m.model_dump(by_alias=True) for m in spec.models[:2]), wider]
    lab.write(make_spec(models=models))
    lab.load({"seen": rows}, at=moment(2))
    assert len(lab.history("dim_seen", "id")) == 5
    rows[0] = {**rows[0], "flag": "new"}
    lab.load({"seen": rows}, at=moment(3))
    versions = lab.history("dim_seen", "id, flag")
    assert len(versions) == 6
    assert [(r[1], r[3] is None) for r in versions if r[0] == 0] == [("new", True), ("old", False)]


def test_a_version_whose_last_support_is_gone_goes_too(lab: Lab) -> None:
    row = {"id": 1, "name": "a", "note": None, "at": moment(5), "seq": 1, "op": "U"}
    lab.load({"feed": [row]})
    assert len(lab.history("dim_feed", "id")) == 1
    lab.load({"feed": [{**row, "seq": 2, "op": "D"}]})
    assert lab.history("dim_feed", "id") == []
