"""What every test shares."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A shell without job control starts what it puts in the background with SIGINT ignored, and
# children inherit that. Tests interrupt programs on purpose: they begin as in a terminal.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Examples are the same from run to run, so that a red test is red for everybody; time is measured
# in bench/, never in tests.
settings.register_profile(
    "specmill",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("specmill")


@pytest.fixture(autouse=True)
def _stays_where_it_is() -> Iterator[None]:
    """A test that leaves the process in another folder fails itself, not those after it."""
    here = Path.cwd()
    yield
    there = Path.cwd()
    os.chdir(here)
    assert there == here
