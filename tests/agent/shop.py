"""A small dbt project whose tests pass, to be broken in tests of repair."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.agent.support import git

ORDERS = """\
select
    o.order_id,
    o.customer_id,
    o.amount,
    c.country
from {{ ref('raw_orders') }} as o
left join {{ ref('raw_customers') }} as c on o.customer_id = c.customer_id
"""
SALES = """\
select
    country,
    sum(amount) as amount,
    count(*) as orders
from {{ ref('orders') }}
group by country
"""
PROPERTIES = """\
models:
  - name: orders
    columns:
      - {name: order_id, data_tests: [unique, not_null]}
  - name: sales
    columns:
      - {name: country, data_tests: [unique]}
unit_tests:
  - name: sales_add_up
    model: sales
    given:
      - input: ref('orders')
        rows: [{country: NL, amount: 1}, {country: NL, amount: 2}]
    expect: {rows: [{country: NL, amount: 3, orders: 2}]}
"""
FILES: dict[str, str] = {
    "dbt_project.yml": "name: shop\nversion: '1.0'\nconfig-version: 2\nprofile: shop\n"
    "models: {+materialized: table}\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
    ".gitignore": "target/\nlogs/\n*.duckdb\n.specmill/\n",
    "seeds/raw_orders.csv": "order_id,customer_id,amount\n1,1,10.5\n2,1,4\n3,2,7\n4,,1\n",
    "seeds/raw_customers.csv": "customer_id,country\n1,NL\n2,DE\n3,FR\n",
    "models/orders.sql": ORDERS,
    "models/sales.sql": SALES,
    "models/schema.yml": PROPERTIES,
    "tests/amounts_are_positive.sql": "select * from {{ ref('orders') }} where amount <= 0\n",
}


def make_project(root: Path, changes: Mapping[str, str] | None = None) -> Path:
    """The project in a git repository, with some files otherwise."""
    for path, text in {**FILES, **(changes or {})}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    git(root.parent, "init", "--quiet", str(root))
    git(root, "add", ".")
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    git(root, *identity, "-c", "commit.gpgsign=false", "commit", "--quiet", "-m", "start")
    return root
