"""Keys of the tiny circuits: made by the first test that needs them, kept in var/keys, shared by all workers."""

from collections.abc import Callable
from typing import Any

import pytest

from rollup.prover import keys
from rollup.prover.keyfile import Constraints, constraints_in
from rollup.prover.witness import WitnessProgram
from rollup.state.ledger import Ledger
from tests.rollup.circuits import world
from tests.rollup.provers import prover  # noqa: F401  a fixture


@pytest.fixture(scope="session")
def block_program() -> WitnessProgram:
    return WitnessProgram(keys.ensure("tiny").program)


@pytest.fixture(scope="session")
def exit_program() -> WitnessProgram:
    return WitnessProgram(keys.ensure("exit-tiny").program)


@pytest.fixture(scope="session")
def block_constraints() -> Constraints:
    return constraints_in(keys.ensure("tiny").proving.read_bytes())


@pytest.fixture(scope="session")
def exit_constraints() -> Constraints:
    return constraints_in(keys.ensure("exit-tiny").proving.read_bytes())


@pytest.fixture(scope="session")
def accepts(block_program, block_constraints) -> Callable[[dict[str, Any]], bool]:
    """Whether inputs fulfil all constraints of the block circuit."""

    def ask(inputs: dict[str, Any]) -> bool:
        return block_constraints.broken(block_program.witness(inputs)) is None

    return ask


@pytest.fixture
def ledger() -> Ledger:
    return world.new_ledger()
