"""How many examples hypothesis tries: quick by default, many with HYPOTHESIS_PROFILE=long."""

import os

import pytest
from hypothesis import HealthCheck, settings

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
# For modules whose tests grow with the profile; the suite's own limit is for the quick one.
PATIENT = pytest.mark.timeout(7_200 if LONG else 1_500)
EXAMPLES = settings(
    max_examples=5_000 if LONG else 150,
    deadline=None,
    # A history is large on purpose, and a slow machine is not a failure.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
