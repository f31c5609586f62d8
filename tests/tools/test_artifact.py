from __future__ import annotations

import hashlib

import pytest

from tools.artifact import Artifact, sha256_text


def test_sha256_is_the_one_of_the_bytes() -> None:
    artifact = Artifact("a.sql", "select 'ü'\n", "compiled", "dim_order")
    assert artifact.sha256 == hashlib.sha256("select 'ü'\n".encode()).hexdigest()


def test_crlf_is_no_difference_but_a_lone_carriage_return_is() -> None:
    assert sha256_text("a\r\nb\r\n") == sha256_text("a\nb\n")
    assert sha256_text("a\rb") != sha256_text("a\nb")


def test_it_cannot_be_changed() -> None:
    artifact = Artifact("a.sql", "", "authored", "workspace")
    with pytest.raises(AttributeError):
        artifact.path = "b.sql"  # type: ignore[misc]
