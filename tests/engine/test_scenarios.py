"""Acceptance scenarios (scenarios/*.txt) on the fast and on the reference engine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matching.engine import Engine
from tests.engine.dsl import Scenario, parse_file
from tests.engine.dsl_engine import EngineDriver
from tests.engine.dsl_run import run
from tests.engine.reference import ReferenceEngine

FILES = sorted((Path(__file__).parent / "scenarios").glob("*.txt"))
SCENARIOS = [scenario for file in FILES for scenario in parse_file(file)]


@pytest.mark.parametrize("engine", [Engine, ReferenceEngine], ids=["fast", "reference"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_scenario(scenario: Scenario, engine: Callable[[], Any]) -> None:
    driver = EngineDriver(engine())
    run(scenario, driver)
    if isinstance(driver.engine, Engine):
        driver.engine.validate()


def test_scenario_titles_are_unique() -> None:
    titles = [str(scenario) for scenario in SCENARIOS]
    assert len(titles) == len(set(titles)) >= 200
