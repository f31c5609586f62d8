"""The kind of a join is another one.

Stands for: an inner join where rows without a partner have to stay, so that money disappears; a
left join where they have to go; a full join that forgets a side; a semi join that is an anti join.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, Edit
from tools.sql.mutate.query import Query

NAME = "join_type"

_SIDES = {"": ["LEFT"], "LEFT": ["", "RIGHT"], "RIGHT": ["", "LEFT"], "FULL": ["LEFT", "RIGHT", ""]}
_KINDS = {"SEMI": "ANTI", "ANTI": "SEMI"}


def changes(query: Query) -> Iterator[Change]:
    """Every join with a condition, as each other kind that people mix it up with."""
    for join in query.all(exp.Join):
        side, kind = str(join.side or "").upper(), str(join.kind or "").upper()
        if kind in _KINDS:
            what = f"{kind.lower()} join becomes {_KINDS[kind].lower()} join"
            yield Change(join, what, (Edit(join, "kind", _KINDS[kind]),))
        elif join.args.get("on") is not None or join.args.get("using"):
            for other in _SIDES.get(side, []):
                yield Change(
                    join, f"{_name(side)} join becomes {_name(other)} join", _edits(join, other)
                )


def _edits(join: exp.Join, side: str) -> tuple[Edit, ...]:
    return (Edit(join, "side", side or None), Edit(join, "kind", None if side else "INNER"))


def _name(side: str) -> str:
    return side.lower() or "inner"
