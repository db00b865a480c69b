"""Acceptance scenarios (tests/engine/scenarios/*.txt) on the whole running exchange, over HTTP.

The same files run on the engine and on the reference in tests/engine/test_scenarios.py. Those that need what no
public call does (a clock that jumps, numbered deposits) say so: `engine-only: why`.
"""

from collections.abc import Iterator

import pytest

from tests.api.dsl_http import HttpDriver
from tests.api.operator import Operator
from tests.engine.dsl import Scenario
from tests.engine.dsl_run import run
from tests.engine.test_scenarios import SCENARIOS
from tests.stack import Stack

PUBLIC = [scenario for scenario in SCENARIOS if not scenario.engine_only]


@pytest.fixture(scope="module")
def operator(stack: Stack) -> Iterator[Operator]:
    process = Operator(stack.env)
    yield process
    process.stop()


@pytest.mark.process
@pytest.mark.parametrize("scenario", PUBLIC, ids=str)
def test_scenario_over_http(scenario: Scenario, stack: Stack, operator: Operator) -> None:
    driver = HttpDriver(stack.base_url, operator)
    try:
        run(scenario, driver)
    finally:
        driver.close()


def test_most_scenarios_run_over_http() -> None:
    assert len(PUBLIC) > len(SCENARIOS) * 2 / 3
