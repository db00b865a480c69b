"""Inputs that are right for each circuit: by them an imported key is tried, and provers are measured."""

from typing import Any

from rollup.prover.circuits import EXIT_PREFIX, parameters_of
from rollup.state.blocks import seal
from rollup.state.exits import exit_inputs
from rollup.state.ledger import Ledger
from rollup.state.slots import DEPOSIT, Slot


def sample_inputs(name: str) -> dict[str, Any]:
    """A block of deposits to as many accounts as it has slots; or the escape of one of them."""
    parameters = parameters_of(name)
    ledger = Ledger(parameters, domain=1)
    slots = [Slot(DEPOSIT, 1 + place, (1, 0), (10**18 + place, 0)) for place in range(parameters.slots)]
    _, inputs = seal(ledger, slots, number=1, timestamp=1)
    if name.startswith(EXIT_PREFIX):
        return exit_inputs(ledger, 1, 1)
    return {**inputs, "gamma": 7}
