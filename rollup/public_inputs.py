"""What a proof of a block must speak of: computed here from the block's data, never taken from a prover."""

from collections.abc import Sequence
from typing import NamedTuple

from rollup.state.binding import commitment, gamma
from rollup.state.blocks import evaluation

ADDRESS_BITS = 160


class PublicInputs(NamedTuple):
    """The public inputs in the circuit's order: the hash of the data, their polynomial's value, where it was taken."""

    h: int
    e: int
    gamma: int


def public_inputs(data: Sequence[int]) -> PublicInputs:
    """Of a block's published data, whose first word says for which contract on which chain it is."""
    chain_id, contract = divmod(data[0], 1 << ADDRESS_BITS)
    h = commitment(data)
    at = gamma(chain_id, contract, h, data)
    return PublicInputs(h, evaluation(data, at), at)
