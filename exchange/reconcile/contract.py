"""What the contract says of itself as of a block of the chain."""

from dataclasses import dataclass

from web3.contract.contract import ContractFunction

from wallets.chain import deployment


@dataclass(frozen=True, slots=True)
class ContractState:
    """`block`: the last block of the rollup that it has. By token: what is locked in it, what it holds."""

    block: int
    root: int
    queue_length: int
    locked: dict[int, int]
    holdings: dict[int, int]


def read(l1_block: int) -> ContractState:
    """As of a block of the chain. Raises ChainUnreachable, ChainRefused (states of long ago are not kept)."""
    deployed = deployment.current()
    views = deployed.rollup.functions
    tokens = [int(asset) for asset in deployed.row.tokens]

    def ask(function: ContractFunction) -> int:
        return int(deployed.chain.call(function, at_block=l1_block))

    return ContractState(
        block=ask(views.block_number()),
        root=ask(views.root()),
        queue_length=ask(views.queue_length()),
        locked={token: ask(views.locked(token)) for token in tokens},
        holdings={
            token: ask(deployed.token(token).functions.balanceOf(deployed.address)) for token in tokens
        },
    )  # fmt: skip
