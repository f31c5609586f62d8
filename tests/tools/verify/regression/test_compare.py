"""Two revisions of a small spec on the same rows, with the code that the compiler makes of each."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests.tools.verify.proof.compiled import case_of
from tools.spec.load import LoadedSpec, load_spec
from tools.verify.proof.compile import Unit
from tools.verify.proof.fields import Rows
from tools.verify.regression.compare import Comparison
from tools.verify.regression.report import MetricMove, ModelMove
from tools.verify.regression.sides import Revision, Side, rows_of, side_of

SPEC = """
pipeline: sales
owner: sales
sources:
  - name: shop
    system: mysql
    tables:
      - name: order
        columns:
          - {name: order_id, type: bigint, nullable: false}
          - {name: status, type: varchar}
          - {name: amount, type: "decimal(10, 2)"}
        primary_key: [order_id]
models:
  - name: paid_orders
    layer: intermediate
    grain: [order_id]
    from: shop.order
    where: "{status} = 'paid'"
    columns:
      - {name: order_id, type: bigint, nullable: false}
      - {name: amount, type: "decimal(10, 2)", expr: "coalesce({amount}, 0)"}
  - name: totals
    layer: marts
    grain: [order_id]
    from: paid_orders
    columns:
      - {name: order_id, type: bigint, nullable: false}
      - {name: total, type: "decimal(12, 2)", expr: "{amount} * 2"}
semantic:
  measures:
    - {name: revenue, agg: sum, model: totals, expr: total}
    - {name: orders, agg: count, model: totals}
  metrics:
    - {name: revenue_per_order, type: ratio, numerator: revenue, denominator: orders}
    - {name: twice, type: derived, expr: "revenue * 2"}
    - {name: so_far, type: cumulative, measure: revenue}
"""


def loaded(folder: Path, *swaps: tuple[str, str]) -> LoadedSpec:
    text = SPEC
    for old, new in swaps:
        assert old in text
        text = text.replace(old, new)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "sales.yaml"
    file.write_text(text)
    return load_spec(file)


def side(spec: LoadedSpec) -> Side:
    case = case_of(spec.spec)
    return side_of(spec.spec, {}, case.compiled)


def revision(spec: LoadedSpec) -> Revision:
    return Revision(spec, {}, (), Path())


def compared(
    before: LoadedSpec, after: LoadedSpec
) -> tuple[dict[str, ModelMove], dict[str, MetricMove]]:
    rows = rows_of(revision(before), revision(after))
    models, metrics = Comparison(side(before), side(after), lambda: rows, lambda _: None).run()
    return {m.name: m for m in models}, {m.name: m for m in metrics}


def test_the_same_code_is_not_run(tmp_path: Path) -> None:
    one, two = loaded(tmp_path / "a"), loaded(tmp_path / "b", ("owner: sales", "owner: other"))

    @cache
    def rows() -> Rows:
        raise AssertionError("asked for rows")

    models, metrics = Comparison(side(one), side(two), rows, lambda _: None).run()
    assert {m.state for m in models} == {"same"}
    assert metrics == ()


def test_a_changed_filter_adds_rows_and_moves_what_follows(tmp_path: Path) -> None:
    models, metrics = compared(
        loaded(tmp_path / "a"), loaded(tmp_path / "b", ("= 'paid'", "in ('paid', 'open')"))
    )
    paid, totals = models["paid_orders"], models["totals"]
    assert models["stg_shop__order"].state == "same"
    assert (paid.state, paid.same_code) == ("moved", False)
    assert paid.added > 0
    assert (paid.removed, paid.changed, paid.columns) == (0, 0, ())
    assert (totals.state, totals.same_code, totals.follows) == ("moved", True, ("paid_orders",))
    assert paid.witness is not None
    ((name, given),) = paid.witness.given[0]
    assert name == "shop.order"
    assert len(given.rows) == 1
    assert paid.witness.before.rows == ()
    assert len(paid.witness.after.rows) == 1
    assert metrics["orders"].state == "moved"
    assert metrics["revenue"].state == "moved"


def test_a_changed_value_moves_one_column_and_the_metrics_of_it(tmp_path: Path) -> None:
    models, metrics = compared(
        loaded(tmp_path / "a"), loaded(tmp_path / "b", ("{amount} * 2", "{amount} * 3"))
    )
    assert models["paid_orders"].state == "same"
    assert [c.name for c in models["totals"].columns] == ["total"]
    column = models["totals"].columns[0]
    assert 0 < column.moved < column.compared
    assert (models["totals"].added, models["totals"].removed) == (0, 0)
    assert metrics["orders"].state == "same"
    assert metrics["revenue"].state == metrics["twice"].state == "moved"
    assert metrics["revenue_per_order"].before != metrics["revenue_per_order"].after
    assert metrics["so_far"].state == "same"
    assert "time axis" in metrics["so_far"].reason


def test_columns_types_and_models_that_come_and_go(tmp_path: Path) -> None:
    old = '{name: total, type: "decimal(12, 2)", expr: "{amount} * 2"}'
    note = """\n      - {name: note, type: varchar, expr: "'x'"}"""
    new = old.replace("12, 2", "14, 3") + note
    models, _ = compared(
        loaded(tmp_path / "a"),
        loaded(
            tmp_path / "b",
            (old, new),
            ("name: paid_orders", "name: settled"),
            ("from: paid_orders", "from: settled"),
        ),
    )  # fmt: skip
    assert models["settled"].state == "added"
    assert models["paid_orders"].state == "removed"
    found = {c.name: c for c in models["totals"].columns}
    assert found["note"].existence == "added"
    assert found["total"].retyped == ("decimal(12, 2)", "decimal(14, 3)")
    assert found["total"].moved == 0


def test_a_source_column_that_only_one_revision_has_is_filled(tmp_path: Path) -> None:
    column = "          - {name: fee, type: integer, nullable: false}\n        primary_key"
    models, _ = compared(
        loaded(tmp_path / "a"),
        loaded(
            tmp_path / "b", ("        primary_key", column), ("{amount} * 2", "{amount} * 2 + 0")
        ),
    )
    assert [c.existence for c in models["stg_shop__order"].columns] == ["added"]
    assert models["paid_orders"].state == "same"
    assert models["totals"].state == "same"


@pytest.mark.parametrize("broken", ["before", "after"])
def test_code_that_fails_in_one_revision_is_said(tmp_path: Path, broken: str) -> None:
    spec = loaded(tmp_path / "a")
    sides = {"before": side(spec), "after": side(spec)}
    unit = sides[broken].case.compiled.unit("paid_orders")
    assert isinstance(unit, Unit)
    bad = replace(unit, sql="select cast('x' as integer) as order_id from (select 1)")
    case = sides[broken].case.with_code(bad)
    sides[broken] = side_of(spec.spec, {}, case.compiled)
    rows = rows_of(revision(spec), revision(spec))
    models, _ = Comparison(
        sides["before"], sides["after"], lambda: rows, lambda _: None
    ).run()  # fmt: skip
    found = {m.name: m for m in models}
    assert found["paid_orders"].state == "moved"
    assert list(found["paid_orders"].fails) == [broken]
    assert "Conversion Error" in found["paid_orders"].fails[broken]
    assert "paid_orders" in found["totals"].fails[broken]
