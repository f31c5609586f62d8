from collections.abc import Iterator

import pytest

from tools.verify.mutants.clock import Clock


@pytest.fixture
def clock() -> Iterator[Clock]:
    """What stops queries that run too long."""
    with Clock() as running:
        yield running
