# ruff: noqa: F811  fixtures and what they give have the same names
"""A contract on a real chain, whose queue has what the first block takes, and blocks that are really proven."""

from typing import Any

import pytest

from rollup import deployment as contracts
from rollup import settlement, worker
from rollup.models import Block, Submission
from rollup.prover.proving import Prover
from rollup.state import eddsa
from tests.devchain import KeptChain, chain, deployed, dev_chain, mined_at_once  # noqa: F401  fixtures
from tests.rollup.made import ALICE, BOB, KEYS, Maker
from tests.rollup.provers import all_keys, prover  # noqa: F401  fixtures
from tests.stack import wait_until
from wallets.chain.client import Chain
from wallets.chain.deployment import Deployment


class World:
    """The operator's side: blocks are sealed and proven here, and settled pass by pass."""

    def __init__(self, kept: KeptChain, deployed: Deployment, prover: Prover) -> None:
        self.kept = kept
        self.deployed = deployed
        self.chain: Chain = deployed.chain
        self.rollup = deployed.rollup
        self.prover = prover
        self.operator = deployed.key("operator")
        self.maker = Maker(int(self.view("DOMAIN")))
        treasury = deployed.key("treasury")
        for account, token, amount in ((ALICE, 1, 500), (BOB, 2, 5_000)):
            key = eddsa.public_key(KEYS[account])
            register = self.rollup.functions.register(key.x, key.y, treasury.address)
            self.chain.send(treasury, register, value=contracts.REGISTRATION_FEE_WEI)
            contract = deployed.token(token)
            self.chain.send(treasury, contract.functions.mint(treasury.address, amount))
            self.chain.send(treasury, contract.functions.approve(deployed.address, amount))
            self.chain.send(treasury, self.rollup.functions.deposit(account, token, amount))

    def rpc(self, method: str, *parameters: Any) -> Any:
        """Ask anvil itself."""
        return self.kept.dev.rpc(method, *parameters)

    def view(self, name: str, *arguments: Any) -> Any:
        """What a view of the contract says."""
        return self.chain.call(self.rollup.functions[name](*arguments))

    def use_verifiers(self) -> None:
        """What the first pass does otherwise, by transactions of its own."""
        assert contracts.deploy_verifiers(say=lambda _: None)

    def now_s(self) -> int:
        """The chain's clock."""
        return self.chain.block_time_s(self.chain.head())

    def first(self) -> Block:
        """The first block, proven."""
        self.maker.first(time_s=self.now_s())
        return self.prove()

    def another(self) -> Block:
        """One more block, proven."""
        self.maker.transfer(time_s=self.now_s())
        return self.prove()

    def prove(self) -> Block:
        """Prove the oldest sealed block."""
        block = Block.objects.filter(status="sealed").order_by("number").first()
        assert block is not None
        assert worker.prove_one(worker.LocalMaster("test"), lambda _: self.prover)
        block.refresh_from_db()
        assert block.status == "proved"
        return block

    def settle(self) -> tuple[str, str]:
        """One pass; status and reason of the oldest block that is not final, or of the last one."""
        settlement.settle()
        rows = Block.objects.order_by("number")
        block = rows.exclude(status="final").first() or rows.last()
        assert block is not None
        return block.status, block.reason

    def settle_until_final(self) -> None:
        """Passes until all blocks are final, as beat asks for them."""
        wait_until(lambda: self.settle()[0] == "final", "all blocks to be final")

    def nonce(self) -> int:
        """How many transactions of the operator were mined."""
        return self.chain.nonce(self.operator.address)

    def submitted(self) -> list[int]:
        """Numbers of the blocks that the chain's events name, in order."""
        events = self.chain.events(self.deployed.from_block, self.chain.head())
        return [event.args["number"] for event in events if event.name == "BlockSubmitted"]

    def transactions(self) -> list[tuple[int, str]]:
        """Block and status of every transaction that settlement made."""
        return list(Submission.objects.order_by("id").values_list("block_id", "status"))


@pytest.fixture
def world(dev_chain: KeptChain, deployed: Deployment, prover: Prover, all_keys: None) -> World:
    """Everything up to the first block."""
    return World(dev_chain, deployed, prover)


@pytest.fixture
def proven(world: World) -> World:
    """The first block is proven and waits for settlement."""
    world.first()
    return world
