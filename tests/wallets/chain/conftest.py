# ruff: noqa: F811  fixtures and what they give have the same names
"""A real anvil with the real contract, a real matcher, and the worker's rounds run by hand."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange import anvil
from exchange.devchain import DevChain
from matching import defaults
from rollup import accounts as registrar
from rollup import compiling
from rollup.deployment import REGISTRATION_FEE_WEI
from rollup.state.ledger import Ledger
from rollup.state.parameters import TINY
from tests.devchain import NO_WAIT_IS_TOO_LONG, mined_at_once  # noqa: F401  a fixture
from tests.matching.harness import MatcherProcess
from tests.projections import project_all
from tests.stack import free_ports
from wallets.chain import client, deployment, keys, rounds
from wallets.chain.client import Chain
from wallets.chain.deployment import Deployment

GAS_WEI = 10**21
WINDOW_S, TIMELOCK_S, BOND_WEI, PENDING_MAX = 3_600, 7_200, 10**15, 1_000

CREDULOUS = """
@external
@view
def verifyProof(a: uint256[2], b: uint256[2][2], c: uint256[2], input: uint256[3]) -> bool:
    return True
"""


@pytest.fixture(scope="session")
def anvil_chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevChain]:
    """An anvil for the tests of this worker; each deploys a contract of its own."""
    directory = Path(tmp_path_factory.mktemp("chain"))
    chain = DevChain(directory, free_ports()[0], anvil.program(os.environ))
    chain.start()
    yield chain
    chain.stop()


class Contract:
    """The exchange's side of a chain, as a test drives it."""

    def __init__(self, devchain: DevChain, chain: Chain, deployed: Deployment) -> None:
        self.devchain = devchain
        self.chain = chain
        self.deployed = deployed

    @property
    def functions(self) -> Any:
        """The rollup's functions."""
        return self.deployed.rollup.functions

    def round(self) -> None:
        """One round of the chain's worker, and all rows that follow the journal."""
        rounds.run(registrar.make_key)
        project_all()

    def rounds(self, count: int = 3) -> None:
        """Rounds enough for something to go all the way."""
        for _ in range(count):
            self.round()

    def view(self, name: str, *args: Any) -> Any:
        """What a view of the contract says."""
        return self.chain.call(getattr(self.functions, name)(*args))

    def believe_every_proof(self) -> None:
        """Have blocks verified by what says yes: for tests of what blocks do, and not of their proofs."""
        code = compiling.compiled(CREDULOUS)
        owner = self.deployed.key("owner")
        address = self.chain.deploy(owner, abi=code.abi, bytecode=code.bytecode, args=())
        self.chain.send(owner, self.functions.set_verifiers(address, address))

    def set_clock(self) -> None:
        """Have the chain's clock at ours again: whatever takes blocks back puts it back too, for all tests to come."""
        now = int(time.time())
        if self.chain.block_time_s(self.chain.head()) < now:
            self.devchain.rpc("evm_setNextBlockTimestamp", now)
            self.mine()

    def mine(self, blocks: int = 1) -> None:
        """Empty blocks."""
        for _ in range(blocks):
            self.devchain.rpc("evm_mine")


def deploy(devchain: DevChain) -> Contract:
    """A contract for the smallest parameters, with a token for each asset, and gas for our own addresses."""
    chain = client.connect()
    for name in keys.NAMES:
        devchain.rpc("anvil_setBalance", keys.key(name).address, hex(GAS_WEI))
    owner = keys.key("owner")
    code, token = compiling.rollup_contract(TINY), compiling.mintable_token()
    address = chain.deploy(
        owner, abi=code.abi, bytecode=code.bytecode,
        args=(
            keys.key("operator").address, Ledger(TINY, 1).root, WINDOW_S, TIMELOCK_S, BOND_WEI, PENDING_MAX,
            REGISTRATION_FEE_WEI,
        ),
    )  # fmt: skip
    row = deployment.record(
        chain_id=chain.chain_id(), address=address, from_block=chain.head(), parameters="tiny", abi=code.abi,
        token_abi=token.abi,
    )  # fmt: skip
    deployed = deployment.current()
    for asset in defaults.ASSETS:
        at = chain.deploy(
            owner, abi=token.abi, bytecode=token.bytecode,
            args=(asset.code, asset.code, asset.scale, keys.key("treasury").address),
        )  # fmt: skip
        deployment.record_token(row, asset_id=asset.id, address=at)
        chain.send(owner, deployed.rollup.functions.add_token(asset.id, at, 1))
    return Contract(devchain, client.connect(), deployment.current())


@pytest.fixture
def contract(matcher: MatcherProcess, anvil_chain: DevChain, settings: Any, mined_at_once: None) -> Contract:
    """A contract of the test's own, and an exchange whose assets exist."""
    settings.CHAIN_RPC_URL = anvil_chain.url
    settings.CHAIN_KEPT_FILE = ""
    settings.CHAIN_CONFIRMATIONS = 1
    settings.CHAIN_FEE_BLOCKS = NO_WAIT_IS_TOO_LONG
    project_all()
    made = deploy(anvil_chain)
    made.set_clock()
    return made
