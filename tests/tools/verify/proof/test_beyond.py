"""Faults that no rows show, and those that only seem to be of that kind."""

from __future__ import annotations

import pytest

from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import Program
from tools.verify.proof.beyond import beyond

LOG = (
    "select id, status, md5(id || status) as _row_digest, '|id|' as _known_columns from raw.t "
    "where strpos(_known_columns, '|id|') > 0 and status > 'a' order by _change_id"
)


def fault(old: str, new: str) -> Mutant:
    assert old in LOG
    return Mutant("by hand", "test", Program(LOG.replace(old, new)), Program(LOG))


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("md5(id || status)", "md5(id)", "at one moment"),
        ("'|id|' as", "'|x|' as", "columns of the source"),
        ("> 0", ">= 0", "columns of the source"),
        ("> 0", "> 1", "columns of the source"),
        ("_change_id", "_change_id desc", "at one moment"),
        ("select id, status,", "select status as id, status,", ""),
        ("status > 'a'", "status >= 'a'", ""),
        ("> 'a'", "> 'b'", ""),
    ],
)
def test_what_a_fault_is_about_decides(old: str, new: str, word: str) -> None:
    found = beyond(fault(old, new))
    assert word in found
    assert bool(found) == bool(word)


def test_of_a_surrogate_key_the_spec_says_nothing() -> None:
    mutant = fault("md5(id || status) as _row_digest", "md5(id || status) as order_key")
    assert beyond(mutant, ["order_key"])
    key = Mutant("", "", Program("select md5(a) as k from t"), Program("select md5(b) as k from t"))
    assert not beyond(key)
    assert beyond(key, ["k"]) == "the spec does not say how it is made"
