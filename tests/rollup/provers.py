"""Provers with the real keys of the smallest circuits."""

from functools import cache

import pytest

from rollup.prover import keys
from rollup.prover.proving import Prover


@cache
def prover_of(name: str) -> Prover:
    """One for all tests of a worker, whichever directory they are in: loading its key takes seconds."""
    keys.ensure(name)
    return Prover(name)


@pytest.fixture(scope="session")
def prover() -> Prover:
    """Proves blocks of `tiny`."""
    return prover_of("tiny")


@pytest.fixture(scope="session")
def all_keys() -> None:
    """Of blocks and of escapes, as a contract's verifiers need them."""
    for name in ("tiny", "exit-tiny"):
        keys.ensure(name)
