"""What every test shares."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

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
