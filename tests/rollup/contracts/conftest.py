"""Fixtures of the contracts' tests."""

from collections.abc import Iterator

import boa
import pytest

from tests.devchain import chain, deployed, dev_chain, mined_at_once  # noqa: F401  fixtures
from tests.rollup.contracts.world import World


@pytest.fixture(scope="session")
def first_world() -> World:
    """Made once for all tests of a worker."""
    return World()


@pytest.fixture
def world(first_world: World) -> Iterator[World]:
    """A fresh contract in process; what a test does to it is undone."""
    with boa.env.anchor():
        yield first_world
