"""Which contract is ours: the latest row of ChainDeployment, and the contracts it names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wallets.chain import client, keys
from wallets.chain.client import Chain, ChainUnreachable
from wallets.models import ChainDeployment

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from web3.contract import Contract


class NotDeployed(ChainUnreachable):
    """No contract is deployed yet; it will be."""


@dataclass(frozen=True)
class Deployment:
    """A deployed rollup: `row` as recorded, `rollup` its contract, on `chain`."""

    row: ChainDeployment
    chain: Chain

    @property
    def name(self) -> str:
        """Names it among all chains: chain id and address."""
        return str(self.row)

    @property
    def chain_id(self) -> int:
        """The chain's number."""
        return self.row.chain_id

    @property
    def address(self) -> str:
        """The contract's address, with checksum."""
        return self.row.address

    @property
    def from_block(self) -> int:
        """The first block that can have an event of it."""
        return self.row.from_block

    @property
    def parameters(self) -> str:
        """The name of its set of parameters."""
        return self.row.parameters

    @property
    def rollup(self) -> "Contract":
        """The rollup's contract."""
        assert self.chain.contract is not None
        return self.chain.contract

    def token(self, asset_id: int) -> "Contract":
        """The contract of an asset's token. KeyError if it has none."""
        return self.chain.at(self.row.tokens[str(asset_id)], self.row.token_abi)

    def key(self, name: keys.Name) -> "LocalAccount":
        """The key of one of our own addresses."""
        return keys.key(name)


def current() -> Deployment:
    """The deployment that counts. Raises NotDeployed."""
    row = ChainDeployment.objects.order_by("-id").first()
    if row is None:
        raise NotDeployed("no contract is deployed yet")
    return Deployment(row, client.connect())


def record(
    *, chain_id: int, address: str, from_block: int, parameters: str, abi: Sequence[object], token_abi: Sequence[object]
) -> ChainDeployment:
    """Keep a new deployment; from now on it counts."""
    return ChainDeployment.objects.create(
        chain_id=chain_id, address=address, from_block=from_block, parameters=parameters, abi=abi, token_abi=token_abi
    )


def record_token(row: ChainDeployment, *, asset_id: int, address: str) -> None:
    """Keep the address of an asset's token."""
    row.tokens[str(asset_id)] = address
    row.save(update_fields=["tokens"])


def record_verifiers(row: ChainDeployment, *, block: str, escape: str, fingerprint: str) -> None:
    """Keep the verifiers that the contract uses, and the fingerprint of the keys that they are of."""
    row.block_verifier, row.escape_verifier, row.verifying_keys = block, escape, fingerprint
    row.save(update_fields=["block_verifier", "escape_verifier", "verifying_keys"])
