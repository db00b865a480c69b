"""Real proofs through the real verifiers, on a real chain: what was proven is accepted, and nothing else."""

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from exchange.embedded import private_tmp
from rollup import compiling
from rollup import deployment as rollup_deployment
from rollup.calldata import data_of, submit_arguments
from rollup.prover import apart, keys
from rollup.prover.proving import Proof, Prover
from rollup.state import eddsa
from rollup.state.binding import commitment, gamma
from rollup.state.blocks import seal
from rollup.state.exits import exit_inputs
from rollup.state.field import MODULUS
from rollup.state.ledger import Ledger
from rollup.state.parameters import TINY
from rollup.state.slots import DEPOSIT, SET_KEY, WITHDRAW, Slot, domain_of
from tests.devchain import KeptChain, deploy, use
from tests.rollup.made import KEYS, signed
from tests.rollup.provers import prover_of
from tests.stack import free_ports
from wallets.chain.client import Reverted
from wallets.chain.deployment import Deployment
from wallets.chain.payouts import payouts_of
from wallets.models import ChainDeployment

CHAIN_ID = 31337
PAID_IN, TAKEN_OUT = 10**8, 3 * 10**7
RECIPIENT = 0xC0FFEE


class Proven(NamedTuple):
    """A block with its proof."""

    data: list[int]
    h: int
    proof: Proof

    @property
    def arguments(self) -> tuple[Any, ...]:
        return submit_arguments(self.data, self.h, self.proof.points)


class Settled:
    """A deployed rollup whose account 1 has a key and a deposit in the queue, and provers for it."""

    def __init__(self, deployed: Deployment, prover: Prover) -> None:
        self.deployed, self.chain, self.rollup = deployed, deployed.chain, deployed.rollup.functions
        self.prover = prover
        self.ledger = Ledger(TINY, domain_of(CHAIN_ID, int(deployed.address, 16)))
        self.key = eddsa.public_key(KEYS[1])
        treasury, token = deployed.key("treasury"), deployed.token(1)
        fee = rollup_deployment.REGISTRATION_FEE_WEI
        self.chain.send(treasury, self.rollup.register(*self.key, treasury.address), value=fee)
        self.chain.send(treasury, token.functions.mint(treasury.address, PAID_IN))
        self.chain.send(treasury, token.functions.approve(deployed.address, PAID_IN))
        self.chain.send(treasury, self.rollup.deposit(1, 1, PAID_IN))

    def first_slots(self) -> list[Slot]:
        """What the queue has, and a withdrawal right after it."""
        nonce = 1 << 32
        out = Slot(WITHDRAW, 1, (1, 0), (TAKEN_OUT, 0), nonce=nonce, recipient=RECIPIENT)
        return [
            Slot(SET_KEY, 1, new_key=self.key, nonce=nonce),
            Slot(DEPOSIT, 1, (1, 0), (PAID_IN, 0)),
            signed(out, domain=self.ledger.domain),
        ]

    def prove(self, slots: Sequence[Slot], *, number: int = 1) -> Proven:
        """Apply slots to the state and prove it."""
        now = self.chain.block_time_s(self.chain.head())
        data, inputs = seal(self.ledger, slots, number=number, timestamp=now)
        h = commitment(data)
        point = gamma(CHAIN_ID, int(self.deployed.address, 16), h, data)
        return Proven(data, h, self.prover.prove(inputs | {"gamma": point}))

    def submit(self, proven: Proven) -> Any:
        return self.chain.send(self.deployed.key("operator"), self.rollup.submit_block(*proven.arguments))

    def refused(self, reason: str, arguments: tuple[Any, ...]) -> None:
        with pytest.raises(Reverted) as caught:
            self.chain.prepare(self.deployed.key("operator"), self.rollup.submit_block(*arguments))
        assert caught.value.reason == reason
        assert self.chain.call(self.rollup.block_number()) == 0


@pytest.fixture(scope="module")
def prover() -> Prover:
    """Proves blocks. Keys are made once and kept; CI makes its own."""
    keys.ensure("exit-tiny")
    return prover_of("tiny")


@pytest.fixture
def settled(prover: Prover, deployed: Deployment) -> Settled:
    assert rollup_deployment.deploy_verifiers(say=lambda _: None)
    return Settled(deployed, prover)


@pytest.fixture
def own_chain(settings: Any) -> Iterator[KeptChain]:
    """A chain whose clock a test may turn."""
    root = Path(tempfile.mkdtemp(prefix="c", dir=private_tmp()))
    one = KeptChain(root, free_ports()[0])
    one.start()
    use(one, settings)
    yield one
    one.stop()
    shutil.rmtree(root, ignore_errors=True)


def test_a_proven_block_is_accepted_and_pays_out(settled: Settled) -> None:
    block = settled.prove(settled.first_slots())
    receipt = settled.submit(block)
    rollup, chain = settled.rollup, settled.chain
    assert chain.call(rollup.root()) == settled.ledger.root
    assert (chain.call(rollup.block_number()), chain.call(rollup.next_entry())) == (1, 3)
    recipient = settled.deployed.chain.web3.to_checksum_address(RECIPIENT.to_bytes(20, "big"))
    # All that was published can be read again from the chain, and that is what a claim presents.
    event = next(e for e in chain.events(receipt.block_number, receipt.block_number) if e.name == "BlockSubmitted")
    _, arguments = settled.deployed.rollup.decode_function_input(chain.calldata(event.tx_hash))
    assert data_of(arguments) == block.data
    listed = [list(payout) for payout in payouts_of(arguments)]
    chain.send(settled.deployed.key("owner"), rollup.claim(1, listed, [0]))
    assert chain.call(settled.deployed.token(1).functions.balanceOf(recipient)) == TAKEN_OUT
    assert chain.call(rollup.locked(1)) == PAID_IN - TAKEN_OUT
    # The next block proves on top of it.
    settled.submit(settled.prove([Slot()], number=2))
    assert chain.call(rollup.block_number()) == 2


def test_no_word_commitment_or_point_can_be_another(settled: Settled) -> None:
    block = settled.prove(settled.first_slots())
    # Some changes break a rule of the contract as well; the last slot's words are the proof's affair alone.
    said = set()
    for place, word in enumerate(block.data):
        for changed in {(word + 1) % MODULUS, word ^ (1 << 200), 0} - {word}:
            data = [*block.data[:place], changed, *block.data[place + 1 :]]
            with pytest.raises(Reverted) as caught:
                settled.chain.prepare(
                    settled.deployed.key("operator"),
                    settled.rollup.submit_block(*submit_arguments(data, block.h, block.proof.points)),
                )
            said.add(caught.value.reason)
            assert place < 14 or caught.value.reason == "wrong_proof"
    assert {"wrong_proof", "stale_root", "not_the_next_entry", "wrong_nonce"} <= said
    for h in ((block.h + 1) % MODULUS, 0, commitment([*block.data[:-1], 1])):
        settled.refused("wrong_proof", submit_arguments(block.data, h, block.proof.points))
    right = block.proof.points
    for place in range(len(right)):
        points = [point + (at == place) for at, point in enumerate(right)]
        with pytest.raises(Reverted):
            settled.chain.prepare(
                settled.deployed.key("operator"),
                settled.rollup.submit_block(*submit_arguments(block.data, block.h, points)),
            )
    for points in ([*right[6:], *right[2:6], *right[:2]], [0] * 8):
        settled.refused("wrong_proof", submit_arguments(block.data, block.h, points))
    assert settled.chain.call(settled.rollup.block_number()) == 0
    settled.submit(block)


def test_the_proof_of_another_block_is_refused(settled: Settled) -> None:
    one = settled.prove(settled.first_slots())
    settled.ledger = Ledger(TINY, settled.ledger.domain)
    two = settled.prove(settled.first_slots()[:2])
    settled.refused("wrong_proof", submit_arguments(one.data, one.h, two.proof.points))
    settled.refused("wrong_proof", submit_arguments(one.data, two.h, two.proof.points))
    settled.refused("wrong_proof", submit_arguments(two.data, two.h, one.proof.points))
    settled.submit(two)


def test_the_proof_of_another_contracts_block_is_refused(settled: Settled) -> None:
    # Nothing of a queue in it, so that the other contract could take it but for the proof.
    block = settled.prove([])
    ChainDeployment.objects.all().delete()
    other = rollup_deployment.deploy(say=lambda _: None)
    assert rollup_deployment.deploy_verifiers(say=lambda _: None)
    renamed = [domain_of(CHAIN_ID, int(other.address, 16)), *block.data[1:]]
    for data, reason in ((block.data, "wrong_domain"), (renamed, "wrong_proof")):
        with pytest.raises(Reverted) as caught:
            other.chain.prepare(
                other.key("operator"),
                other.rollup.functions.submit_block(*submit_arguments(data, block.h, block.proof.points)),
            )
        assert caught.value.reason == reason
    settled.submit(block)


def test_an_escape_is_paid_for_the_proven_amount_alone(prover: Prover, own_chain: KeptChain, db: None) -> None:
    deployed = deploy()
    assert rollup_deployment.deploy_verifiers(say=lambda _: None)
    settled = Settled(deployed, prover)
    settled.submit(settled.prove(settled.first_slots()))
    treasury = deployed.key("treasury")
    settled.chain.send(treasury, settled.rollup.request_exit(1, 2), value=rollup_deployment.EXIT_BOND_WEI)
    own_chain.dev.rpc("evm_increaseTime", rollup_deployment.WINDOW_S + 1)
    own_chain.dev.rpc("evm_mine")
    settled.chain.send(treasury, settled.rollup.freeze())
    amount = PAID_IN - TAKEN_OUT
    proof = prover_of("exit-tiny").prove(exit_inputs(settled.ledger, 1, 1))
    assert proof.public == [settled.ledger.root, 1, 1, amount]
    for wrong in ((1, 1, amount + 1), (1, 2, amount), (0, 1, amount), (1, 1, amount + MODULUS)):
        with pytest.raises(Reverted):
            settled.chain.prepare(treasury, settled.rollup.escape(*wrong, proof.points))
    settled.chain.send(treasury, settled.rollup.escape(1, 1, amount, proof.points))
    assert settled.chain.call(settled.rollup.claimable(treasury.address, 1)) == amount
    with pytest.raises(Reverted, match="escaped"):
        settled.chain.prepare(treasury, settled.rollup.escape(1, 1, amount, proof.points))
    # What was left of nothing is nothing.
    nothing = prover_of("exit-tiny").prove(exit_inputs(settled.ledger, 1, 2))
    with pytest.raises(Reverted, match="nothing_to_claim"):
        settled.chain.prepare(treasury, settled.rollup.escape(1, 2, 0, nothing.points))


@pytest.mark.parametrize("place", ["GAMMA2", "GENERATOR2_X"])
def test_keys_that_prove_anything_cannot_be_deployed(prover: Prover, deployed: Deployment, place: str) -> None:
    source = apart.verifier_source("tiny")
    found = dict(re.findall(r"^(\w+): constant\(uint256\[2\]\[2\]\) = (.*)$", source, re.M))
    generator = "[[{}, {}], [1, 1]]".format(*re.findall(r"\d{70,}", compiling.DEPLOYMENT_CHECK))
    delta = found["GAMMA2"] if place == "GAMMA2" else generator
    bad = compiling.verifier(source.replace(found["DELTA2"], delta))
    reason = "delta_is_gamma" if place == "GAMMA2" else "delta_is_generator"
    with pytest.raises(Reverted, match=reason):
        deployed.chain.deploy(deployed.key("owner"), **bad._asdict(), args=())


def test_verifiers_of_other_keys_are_not_used_unnoticed(settled: Settled) -> None:
    row = settled.deployed.row
    row.refresh_from_db()
    row.verifying_keys = "of others"
    row.save()
    with pytest.raises(rollup_deployment.DeploymentRefused, match="other proving keys"):
        rollup_deployment.deploy_verifiers(say=lambda _: None)
