"""Random queries over the shop's relations: joins, filters, groups, windows, CTEs, unions."""

from __future__ import annotations

import random

from tests.tools.verify.mutants.shop import SHOP

COLUMNS = {
    name.split(".")[1]: {c: str(k).removesuffix(" null") for c, k in given["columns"].items()}
    for name, given in SHOP["relations"].items()
}
KEYS = {tuple(given["columns"]): tuple(given["keys"][0]) for given in SHOP["relations"].values()}
LINKS = {
    ("orders", "customers"): "customer_id", ("customers", "orders"): "customer_id",
    ("items", "orders"): "order_id", ("orders", "items"): "order_id",
    ("events", "customers"): "customer_id", ("customers", "events"): "customer_id",
    ("events", "orders"): "customer_id", ("orders", "events"): "customer_id",
    ("orders", "orders"): "order_id", ("items", "items"): "order_id",
}  # fmt: skip
VALUES = {"bigint": ["0", "1", "2", "3"], "integer": ["0", "1", "2"], "double": ["0.5", "1", "2"]}
DATES = ["2020-01-01", "2020-01-15", "2020-02-01"]

Sources = dict[str, dict[str, str]]


class Writer:
    """Writes one query after the other from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def query(self) -> str:
        """A query: plain, of a CTE, of two CTEs joined, or a union."""
        kind = self.rng.random()
        if kind < 0.4:
            return self.select()[0]
        if kind < 0.7:
            inner, columns = self.select()
            outer, _ = self.select({"s": columns}, ["s"])
            return f"with s as ({inner}) {outer}"
        if kind < 0.85:
            first, one = self.select()
            key = self.rng.choice(list(one))
            outer, _ = self.select({"s": one, "r": one}, ["s", f"s_r:{key}"])
            return f"with s as ({first}), r as ({first}) {outer}"
        left, columns = self.select()
        word = self.rng.choice(["union", "union all"])
        again = self.select_like(columns)
        return f"with s as ({left}) select * from s {word} {again}"

    def select_like(self, columns: dict[str, str]) -> str:
        """The second branch of a union."""
        some = self.rng.choice(["", " where " + self.predicate({"s": columns})])
        return f"select {', '.join(f's.{c}' for c in columns)} from s{some}"

    def sources(self) -> tuple[Sources, str]:
        """FROM with up to two joins."""
        rng = self.rng
        tables = [rng.choice(list(COLUMNS))]
        found: Sources = {"t0": COLUMNS[tables[0]]}
        text = f"raw.{tables[0]} as t0"
        for at in (1, 2):
            if rng.random() < 0.4:
                break
            owner = rng.randrange(len(tables))
            others = [b for a, b in LINKS if a == tables[owner]]
            table = rng.choice(others)
            key = LINKS[tables[owner], table]
            side = rng.choice(["inner", "inner", "left", "left", "left", "right", "full"])
            tables.append(table)
            found[f"t{at}"] = COLUMNS[table]
            on = f"t{owner}.{key} = t{at}.{key}"
            if rng.random() < 0.3:
                on += f" and {self.predicate(found)}"
            text += f" {side} join raw.{table} as t{at} on {on}"
        return found, text

    def column(self, sources: Sources, kinds: tuple[str, ...] = ()) -> tuple[str, str]:
        """A column and its type, of some types if there are any such."""
        every = [(f"{s}.{c}", k) for s, cs in sources.items() for c, k in cs.items()]
        fitting = [(c, k) for c, k in every if k.startswith(kinds)] if kinds else every
        return self.rng.choice(fitting or every)

    def constant(self, kind: str) -> str:
        """A constant of a type."""
        if kind in VALUES:
            return self.rng.choice(VALUES[kind])
        if kind.startswith("decimal"):
            return self.rng.choice(["0", "1", "2.5", "10"])
        if kind in ("date", "timestamp"):
            return f"{kind} '{self.rng.choice(DATES)}'"
        if kind == "boolean":
            return "true"
        return self.rng.choice(["'a'", "'b'", "'c'", "''"])

    def predicate(self, sources: Sources, depth: int = 0) -> str:
        """A condition."""
        rng = self.rng
        column, kind = self.column(sources)
        roll = rng.random()
        if depth < 2 and roll < 0.35:
            word = rng.choice(["and", "or"])
            sides = [self.predicate(sources, depth + 1) for _ in range(2)]
            return f"({sides[0]} {word} {sides[1]})"
        if roll < 0.45:
            return f"{column} is {rng.choice(['', 'not '])}null"
        if roll < 0.5:
            return f"not ({self.predicate(sources, depth + 1)})"
        if roll < 0.58:
            return f"coalesce({column}, {self.constant(kind)}) = {self.constant(kind)}"
        if roll < 0.66:
            other, _ = self.column(sources, (kind,))
            same = [c for c in (other,) if c != column]
            return f"{column} {rng.choice(['=', '<', 'is distinct from'])} {(same or [column])[0]}"
        if roll < 0.72:
            values = ", ".join(self.constant(kind) for _ in range(2))
            return f"{column} {rng.choice(['', 'not '])}in ({values})"
        word = rng.choice(["=", "<>", "<", "<=", ">", ">="])
        return f"{column} {word} {self.constant(kind)}"

    def value(self, sources: Sources) -> tuple[str, str]:
        """An output and its type."""
        rng = self.rng
        column, kind = self.column(sources)
        roll = rng.random()
        if roll < 0.55:
            return column, kind
        if roll < 0.7:
            return f"coalesce({column}, {self.constant(kind)})", kind
        if roll < 0.85:
            tests = [self.predicate(sources, 2) for _ in range(2)]
            results = [self.constant(kind) for _ in range(3)]
            case = f"case when {tests[0]} then {results[0]} when {tests[1]} then {results[1]}"
            return f"{case} else {results[2]} end", kind
        return self.window(sources)

    def window(self, sources: Sources) -> tuple[str, str]:
        """A window function; its order ends with every key there is, so that it is determined."""
        rng = self.rng
        part = self.column(sources)[0]
        keys = [f"{s}.{c}" for s, cs in sources.items() for c in KEYS.get(tuple(cs), tuple(cs))]
        first = self.column(sources)[0]
        order = ", ".join([first + rng.choice(["", " desc"]), *keys])
        over = f"over (partition by {part} order by {order})"
        name = rng.choice(["row_number()", "rank()", "dense_rank()", "count(*)", f"count({first})"])
        return f"{name} {over}", "bigint"

    def select(
        self, sources: Sources | None = None, joined: list[str] | None = None
    ) -> tuple[str, dict[str, str]]:
        """A select and its columns."""
        rng = self.rng
        if sources is None or joined is None:
            sources, text = self.sources()
        else:
            text = joined[0]
            for name in joined[1:]:
                key = name.split(":")[1]
                side = rng.choice(["inner", "left"])
                text += f" {side} join r on s.{key} = r.{key}"
        where = f" where {self.predicate(sources)}" if rng.random() < 0.6 else ""
        if rng.random() < 0.35:
            return self.grouped(sources, text, where)
        items = [self.value(sources) for _ in range(rng.randint(1, 4))]
        listed = ", ".join(f"{v} as c{i}" for i, (v, _) in enumerate(items))
        distinct = "distinct " if rng.random() < 0.25 else ""
        qualify = ""
        if rng.random() < 0.3:
            window = self.window(sources)[0]
            qualify = f" qualify {window} {rng.choice(['=', '<='])} 1"
        columns = {f"c{i}": kind for i, (_, kind) in enumerate(items)}
        return f"select {distinct}{listed} from {text}{where}{qualify}", columns

    def grouped(self, sources: Sources, text: str, where: str) -> tuple[str, dict[str, str]]:
        """A select with GROUP BY."""
        rng = self.rng
        keys = list(dict.fromkeys(self.column(sources) for _ in range(rng.randint(1, 3))))
        column, kind = self.column(sources)
        call, result = rng.choice(
            [
                ("count(*)", "bigint"),
                (f"count({column})", "bigint"),
                (f"count(distinct {column})", "bigint"),
                (f"min({column})", kind),
                (f"max({column})", kind),
            ]
        )
        listed = ", ".join(f"{c} as c{i}" for i, (c, _) in enumerate(keys))
        having = rng.choice(["", "", " having count(*) > 0", " having count(*) > 1"])
        group = ", ".join(c for c, _ in keys)
        columns = {f"c{i}": k for i, (_, k) in enumerate(keys)} | {"n": result}
        return f"select {listed}, {call} as n from {text}{where} group by {group}{having}", columns
