"""A prover with the real keys of the smallest circuits."""

import pytest

from rollup.prover import keys
from rollup.prover.proving import Prover


@pytest.fixture(scope="session")
def prover() -> Prover:
    """The keys are made once for all runs: the key cache is looked into first."""
    keys.ensure("tiny")
    return Prover("tiny")


@pytest.fixture(scope="session")
def all_keys() -> None:
    """Of blocks and of escapes, as a contract's verifiers need them."""
    for name in ("tiny", "exit-tiny"):
        keys.ensure(name)
