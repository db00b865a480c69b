"""What goes wrong on the way to the chain: nothing is lost, nothing is done twice, and the reason is told."""

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now

from exchange.embedded import private_tmp
from rollup import settlement
from rollup.deployment import REGISTRATION_FEE_WEI
from rollup.models import Block, ProvingTask, Submission
from tests.devchain import KeptChain
from tests.stack import free_ports, wait_until
from wallets.chain.client import Chain

GAS_WEI = 10**21


class Killed(BaseException):
    """What stands for a kill at this very place."""


def test_killed_before_the_broadcast_the_same_transaction_goes_out(proven, monkeypatch):
    proven.use_verifiers()
    nonce = proven.nonce()
    with monkeypatch.context() as patch:
        patch.setattr(Chain, "broadcast", _kill)
        with pytest.raises(Killed):
            settlement.settle()
    kept = Submission.objects.get()
    assert proven.transactions() == [(1, "sent")]
    assert Block.objects.get().status == "submitted"
    assert proven.submitted() == []
    proven.settle_until_final()
    assert Submission.objects.get().tx_hash == kept.tx_hash == Block.objects.get().l1_tx
    assert proven.nonce() == nonce + 1
    assert proven.submitted() == [1]


def test_killed_after_the_broadcast_nothing_goes_out_twice(proven, monkeypatch):
    proven.use_verifiers()
    nonce = proven.nonce()
    send = Chain.broadcast
    with monkeypatch.context() as patch:
        patch.setattr(Chain, "broadcast", lambda chain, raw: _kill(send(chain, raw)))
        with pytest.raises(Killed):
            settlement.settle()
    # The node answers a broadcast before it has mined it.
    wait_until(lambda: proven.submitted() == [1], "the block to be mined")
    proven.settle_until_final()
    assert proven.nonce() == nonce + 1
    assert proven.transactions() == [(1, "final")]


def test_after_a_reorganisation_the_same_transactions_go_out_again(proven, settings):
    settings.CHAIN_CONFIRMATIONS = 6
    proven.another()
    while len(proven.submitted()) < 2:
        proven.settle()
    proven.settle()
    assert proven.transactions() == [(1, "mined"), (2, "mined")]
    hashes, nonce = set(Submission.objects.values_list("tx_hash", flat=True)), proven.nonce()
    proven.rpc("anvil_reorg", 2, [])
    assert proven.submitted() == []
    assert proven.view("block_number") == 0
    proven.settle()
    reasons = dict(Block.objects.values_list("number", "reason"))
    assert reasons == {1: "reorganised: sent again", 2: "reorganised: sent again"}
    proven.settle()
    wait_until(lambda: proven.submitted() == [1, 2], "both blocks to be mined again")
    assert proven.nonce() == nonce
    proven.rpc("anvil_mine", "0x6")
    proven.settle_until_final()
    assert set(Submission.objects.values_list("tx_hash", flat=True)) == hashes
    assert proven.transactions() == [(1, "final"), (2, "final")]


def test_a_reorganisation_deeper_than_the_confirmations_is_mended_too(proven):
    proven.settle_until_final()
    nonce = proven.nonce()
    proven.rpc("anvil_reorg", 1, [])
    assert proven.view("block_number") == 0
    proven.settle_until_final()
    assert proven.submitted() == [1]
    assert proven.nonce() == nonce
    assert proven.transactions() == [(1, "final")]


def test_an_operator_without_gas_waits_for_some(proven):
    nonce = proven.nonce()
    proven.rpc("anvil_setBalance", proven.operator.address, "0x0")
    for _ in range(2):
        assert proven.settle() == ("proved", "no_gas")
    assert proven.transactions() == []
    assert proven.nonce() == nonce
    proven.rpc("anvil_setBalance", proven.operator.address, hex(GAS_WEI))
    proven.settle_until_final()
    assert Block.objects.get().reason == ""


def test_a_chain_that_is_down_is_waited_for(proven, settings):
    there = settings.CHAIN_RPC_URL
    settings.CHAIN_RPC_URL = f"http://127.0.0.1:{free_ports()[0]}"
    status, reason = proven.settle()
    assert status == "proved"
    assert reason.startswith("chain_unreachable: ")
    settings.CHAIN_RPC_URL = there
    proven.settle_until_final()
    assert proven.transactions() == [(1, "final")]


def test_a_paused_contract_is_waited_for(proven):
    owner = proven.deployed.key("owner")
    proven.chain.send(owner, proven.rollup.functions.pause())
    assert proven.settle() == ("proved", "paused")
    assert proven.transactions() == []
    proven.chain.send(owner, proven.rollup.functions.unpause())
    proven.settle_until_final()


def test_a_transaction_that_reverts_is_told_and_another_is_sent_later(proven, monkeypatch):
    # "Later" comes when the test says so, however long the passes before it take.
    monkeypatch.setattr(settlement, "REVERTED_WAIT_S", settlement.REVERTED_WAIT_S_MAX)
    owner = proven.deployed.key("owner")
    _send_and_lose(proven)
    proven.chain.send(owner, proven.rollup.functions.pause())
    # The same bytes again: nobody estimates them any more, and the contract refuses them.
    wait_until(lambda: proven.settle()[0] == "proved", "the failure to be confirmed")
    first = Submission.objects.get()
    assert (first.status, Block.objects.get().reason) == ("reverted", f"reverted: {first.tx_hash}")
    proven.chain.send(owner, proven.rollup.functions.unpause())
    for _ in range(2):
        proven.settle()
    assert proven.transactions() == [(1, "reverted")]
    Submission.objects.update(updated_at=Now() - timedelta(seconds=settlement.REVERTED_WAIT_S_MAX))
    proven.settle_until_final()
    assert proven.transactions() == [(1, "reverted"), (1, "final")]
    assert proven.submitted() == [1]


def test_a_transaction_whose_nonce_another_took_is_replaced(proven):
    _send_and_lose(proven)
    register = proven.rollup.functions.register(*_key(), proven.operator.address)
    proven.chain.send(proven.operator, register, value=REGISTRATION_FEE_WEI)
    wait_until(lambda: proven.settle()[0] == "final", "another transaction")
    assert proven.transactions() == [(1, "dropped"), (1, "final")]
    assert proven.submitted() == [1]


def test_a_proof_that_the_contract_refuses_is_not_sent(proven):
    nonce = proven.nonce()
    proof = ProvingTask.objects.get().proof
    ProvingTask.objects.update(proof=[proof[0], proof[1], *proof[2:6], "1", "2"])
    assert proven.settle() == ("proved", "wrong_proof")
    assert proven.transactions() == []
    assert proven.nonce() == nonce
    assert proven.view("block_number") == 0
    ProvingTask.objects.update(proof=proof)
    proven.settle_until_final()


def test_blocks_wait_for_the_verifiers_which_come_by_themselves(proven):
    assert proven.deployed.row.verifying_keys == ""
    assert int(proven.view("block_verifier"), 16) == 0
    proven.settle_until_final()
    assert int(proven.view("block_verifier"), 16) != 0


def test_a_frozen_contract_takes_nothing_any_more(world, settings):
    """On a chain of its own, whose clock may be turned."""
    root = Path(tempfile.mkdtemp(prefix="f", dir=private_tmp()))
    own = KeptChain(root, free_ports()[0])
    own.start()
    try:
        from rollup import deployment as contracts
        from tests.devchain import use
        from tests.rollup.settlement.conftest import World
        from wallets.models import ChainDeployment

        use(own, settings)
        ChainDeployment.objects.all().delete()
        there = World(own, contracts.deploy(say=lambda _: None), world.prover)
        there.first()
        there.rpc("evm_increaseTime", contracts.WINDOW_S + 1)
        there.rpc("evm_mine")
        there.chain.send(there.deployed.key("owner"), there.rollup.functions.freeze())
        assert there.settle() == ("proved", "frozen")
        assert there.transactions() == []
        assert there.view("block_number") == 0
    finally:
        own.kill()
        shutil.rmtree(root)


def _send_and_lose(world) -> None:
    """The chain's node takes the transaction and forgets it."""
    world.use_verifiers()
    world.rpc("evm_setAutomine", False)
    try:
        assert world.settle()[0] == "submitted"
        sent = Submission.objects.get()
        assert world.rpc("anvil_dropTransaction", sent.tx_hash) == sent.tx_hash
    finally:
        world.rpc("evm_setAutomine", True)
    assert world.chain.receipt(sent.tx_hash) is None


def _key() -> tuple[int, int]:
    from rollup.state import eddsa

    key = eddsa.public_key(bytes([9]) * 32)
    return key.x, key.y


def _kill(*_: object) -> None:
    raise Killed
