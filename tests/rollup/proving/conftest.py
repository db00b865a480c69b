"""Real keys of the smallest circuit, and a prover that holds them."""

import pytest

from rollup.prover import keys
from rollup.prover.proving import Prover
from tests.rollup.made import Maker


@pytest.fixture(scope="session")
def prover() -> Prover:
    """Made once for all runs: the key cache is looked into first."""
    keys.ensure("tiny")
    return Prover("tiny")


@pytest.fixture
def maker(db: None, settings) -> Maker:
    settings.ROLLUP_PARAMETERS = "tiny"
    return Maker()
