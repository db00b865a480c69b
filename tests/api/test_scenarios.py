"""Acceptance scenarios (tests/engine/scenarios/*.txt) on the whole running exchange, over REST and over sockets.

The same files run on the engine and on the reference in tests/engine/test_scenarios.py. Those that need what no
public call does (a clock that jumps, numbered deposits) say so: `engine-only: why`.
"""

from collections.abc import Iterator

import httpx
import pytest

from tests.api.dsl_http import HttpDriver, listing, symbol
from tests.api.dsl_socket import SocketDriver
from tests.api.operator import Operator
from tests.engine.dsl import Scenario
from tests.engine.dsl_run import RULES, run
from tests.engine.test_scenarios import SCENARIOS
from tests.patience import PATIENCE_S
from tests.stack import Stack, wait_until

FIRST_MARKET = 1_000
PUBLIC = [scenario for scenario in SCENARIOS if not scenario.engine_only]
# A socket's requests meet the same services as REST's, so the files about requests say enough about it.
SOCKET = [s for s in PUBLIC if s.file in {"amend", "cancel", "idempotency", "ioc_fok", "replace", "market", "oco"}]


@pytest.fixture(scope="module")
def operator(stack: Stack) -> Iterator[Operator]:
    process = Operator(stack.env)
    yield process
    process.stop()


@pytest.fixture(scope="module")
def markets(stack: Stack, operator: Operator) -> Iterator[int]:
    """Numbers of markets that nothing else uses, all listed at once: web processes look for new ones once a second."""
    numbers = range(FIRST_MARKET, FIRST_MARKET + len(PUBLIC) + len(SOCKET))
    operator.ask(commands=[listing(number, RULES) for number in numbers])
    last = f"{stack.base_url}/api/v1/markets/{symbol(numbers[-1])}"
    wait_until(lambda: httpx.get(last, timeout=PATIENCE_S).status_code == 200, "the scenarios' markets")
    return iter(numbers)


@pytest.mark.process
@pytest.mark.parametrize("scenario", PUBLIC, ids=str)
def test_scenario_over_rest(scenario: Scenario, stack: Stack, operator: Operator, markets: Iterator[int]) -> None:
    driver = HttpDriver(stack.base_url, operator, next(markets))
    try:
        run(scenario, driver)
    finally:
        driver.close()


@pytest.mark.process
@pytest.mark.parametrize("scenario", SOCKET, ids=str)
def test_scenario_over_a_socket(scenario: Scenario, stack: Stack, operator: Operator, markets: Iterator[int]) -> None:
    driver = SocketDriver(stack.base_url, stack.socket_url, operator, next(markets))
    try:
        run(scenario, driver)
    finally:
        driver.close()


def test_most_scenarios_run_on_the_whole_exchange() -> None:
    assert len(PUBLIC) > len(SCENARIOS) * 2 / 3
