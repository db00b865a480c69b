"""Acceptance scenarios (tests/engine/scenarios/*.txt) on the whole running exchange, over HTTP.

The same files run on the engine and on the reference in tests/engine/test_scenarios.py. Those that need what no
public call does (a clock that jumps, numbered deposits) say so: `engine-only: why`.
"""

from collections.abc import Iterator

import httpx
import pytest

from tests.api.dsl_http import HttpDriver, listing, symbol
from tests.api.operator import Operator
from tests.engine.dsl import Scenario
from tests.engine.dsl_run import RULES, run
from tests.engine.test_scenarios import SCENARIOS
from tests.stack import Stack, wait_until

FIRST_MARKET = 1_000
PUBLIC = [scenario for scenario in SCENARIOS if not scenario.engine_only]


@pytest.fixture(scope="module")
def operator(stack: Stack) -> Iterator[Operator]:
    process = Operator(stack.env)
    yield process
    process.stop()


@pytest.fixture(scope="module")
def markets(stack: Stack, operator: Operator) -> dict[str, int]:
    """A market of its own for each scenario, all listed at once: web processes look for new ones once a second."""
    numbers = {str(scenario): FIRST_MARKET + number for number, scenario in enumerate(PUBLIC)}
    operator.ask(commands=[listing(number, RULES) for number in numbers.values()])
    last = f"{stack.base_url}/api/v1/markets/{symbol(max(numbers.values()))}"
    wait_until(lambda: httpx.get(last).status_code == 200, "the scenarios' markets")
    return numbers


@pytest.mark.process
@pytest.mark.parametrize("scenario", PUBLIC, ids=str)
def test_scenario_over_http(scenario: Scenario, stack: Stack, operator: Operator, markets: dict[str, int]) -> None:
    driver = HttpDriver(stack.base_url, operator, markets[str(scenario)])
    try:
        run(scenario, driver)
    finally:
        driver.close()


def test_most_scenarios_run_over_http() -> None:
    assert len(PUBLIC) > len(SCENARIOS) * 2 / 3
