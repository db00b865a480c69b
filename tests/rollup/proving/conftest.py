"""Fixtures of the provers' tests."""

from typing import Any

import pytest

from rollup import proving
from tests.rollup.made import Maker
from tests.rollup.provers import prover  # noqa: F401  a fixture


@pytest.fixture
def maker(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Maker:
    """Seals blocks of the smallest circuit."""
    settings.ROLLUP_PARAMETERS = "tiny"
    # What was refused is free again when a test says so.
    monkeypatch.setattr(proving, "REFUSED_WAIT_S", proving.REFUSED_WAIT_S_MAX)
    return Maker()
