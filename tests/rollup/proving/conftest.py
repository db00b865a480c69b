"""Fixtures of the provers' tests."""

import pytest

from tests.rollup.made import Maker
from tests.rollup.provers import prover  # noqa: F401  a fixture


@pytest.fixture
def maker(db: None, settings) -> Maker:
    """Seals blocks of the smallest circuit."""
    settings.ROLLUP_PARAMETERS = "tiny"
    return Maker()
