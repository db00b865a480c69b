"""The whole state from the chain alone: from what the transactions that submitted the blocks were called with."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from rollup.calldata import data_of
from rollup.state.ledger import Ledger
from rollup.state.parameters import PARAMETERS
from rollup.state.published import apply_block
from wallets.chain.client import Event
from wallets.chain.deployment import Deployment

# Nodes answer for so many of the chain's blocks at a time.
SPAN: Final = 5_000


class Rebuilt(NamedTuple):
    """The state after the last block of the chain, and how many blocks there were."""

    ledger: Ledger
    blocks: int
    contract_root: int

    @property
    def is_right(self) -> bool:
        """Whether the contract says the same."""
        return self.ledger.root == self.contract_root


def rebuild(deployed: Deployment) -> Rebuilt:
    """Make every published block's changes again. Journal and rows are not looked at, but for the contract's address.

    NotPublishedSo where the chain's data do not follow on each other; raises what the chain's client raises.
    """
    chain, contract = deployed.chain, deployed.rollup
    domain = int(chain.call(contract.functions.DOMAIN()))
    ledger = Ledger(PARAMETERS[deployed.parameters], domain)
    head, count = chain.head(), 0
    for event in _submitted(deployed, head):
        _, arguments = contract.decode_function_input(chain.calldata(event.tx_hash))
        apply_block(ledger, data_of(arguments))
        count += 1
    # As of the head that was read: blocks go on coming.
    root = int(contract.functions.root().call(block_identifier=head))
    return Rebuilt(ledger, count, root)


def _submitted(deployed: Deployment, head: int) -> Iterator[Event]:
    for start in range(deployed.from_block, head + 1, SPAN):
        for event in deployed.chain.events(start, min(start + SPAN - 1, head)):
            if event.name == "BlockSubmitted":
                yield event
