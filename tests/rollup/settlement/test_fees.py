"""A block's transaction that offers less for its gas than the chain asks: it is made dearer, and one version counts."""

from collections.abc import Iterator

import pytest

from rollup import metrics
from rollup.models import Block, Submission
from tests.rollup.settlement.conftest import World
from tests.rollup.settlement.test_trouble import Killed, _kill
from tests.stack import wait_until
from wallets.chain.client import Chain, read_signed
from wallets.models import TransactionVersion

GWEI = 10**9


@pytest.fixture
def held(proven: World) -> Iterator[World]:
    """The first block's transaction is in the node's pool, and no block is made by itself."""
    proven.use_verifiers()
    proven.rpc("evm_setAutomine", False)
    try:
        assert proven.settle() == ("submitted", "")
        yield proven
    finally:
        proven.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
        proven.rpc("evm_setAutomine", True)
        proven.rpc("evm_mine")


def ask(world: World, wei: int) -> None:
    """What the next block asks for gas."""
    world.rpc("anvil_setNextBlockBaseFeePerGas", hex(wei))


def current() -> tuple[str, int]:
    """The block's transaction as it is now: its hash, and what it offers in wei a gas."""
    sent = Submission.objects.get()
    assert Block.objects.get().l1_tx == sent.tx_hash
    return sent.tx_hash, read_signed(bytes(sent.raw)).offer.max_wei


def mine_and_settle(world: World) -> None:
    def is_final() -> bool:
        world.rpc("evm_mine")
        return world.settle()[0] == "final"

    wait_until(is_final, "the block to be final")


def test_one_that_is_too_cheap_becomes_dearer_and_counts_once(held):
    nonce, (first, offer) = held.nonce(), current()
    cheap = held.rpc("eth_getTransactionByHash", first)
    ask(held, 10 * offer)
    assert held.settle() == ("submitted", "fee_too_low: bumped 1 time")
    second, more = current()
    assert second != first
    assert more >= 10 * offer
    dear = held.rpc("eth_getTransactionByHash", second)
    assert [dear[name] for name in ("nonce", "to", "input")] == [cheap[name] for name in ("nonce", "to", "input")]
    assert held.rpc("eth_getTransactionByHash", first) is None
    # Nothing more is done while it can be mined.
    assert held.settle() == ("submitted", "fee_too_low: bumped 1 time")
    assert current()[0] == second
    ask(held, 2 * more)
    assert held.settle() == ("submitted", "fee_too_low: bumped 2 times")
    third, _ = current()
    assert list(TransactionVersion.objects.order_by("id").values_list("hash", "first")) == [
        (first, first), (second, first), (third, first),
    ]  # fmt: skip
    mine_and_settle(held)
    assert held.nonce() == nonce + 1
    assert held.submitted() == [1]
    assert held.transactions() == [(1, "final")]
    assert (Block.objects.get().reason, current()[0]) == ("", third)


def test_above_the_bound_it_waits_and_goes_on_by_itself_when_the_chain_asks_less(held, settings):
    nonce, (first, offer) = held.nonce(), current()
    settings.CHAIN_FEE_WEI_MAX = 5 * offer
    ask(held, 5 * offer + 1)
    waiting = f"fee_too_low: waiting, since the chain asks more than CHAIN_FEE_WEI_MAX ({5 * offer} wei a gas)"
    for _ in range(2):
        assert held.settle() == ("submitted", waiting)
    assert {metric.name: metric.samples[0].value for metric in metrics.gauges()}["provex_rollup_fee_too_low"] == 1
    assert current() == (first, offer)
    assert not TransactionVersion.objects.exists()
    ask(held, GWEI // 2)
    mine_and_settle(held)
    assert (held.nonce(), current()[0]) == (nonce + 1, first)


def test_killed_between_keeping_and_sending_a_dearer_one_it_goes_out(held, monkeypatch):
    nonce, (first, offer) = held.nonce(), current()
    ask(held, 10 * offer)
    with monkeypatch.context() as patch:
        patch.setattr(Chain, "broadcast", _kill)
        with pytest.raises(Killed):
            held.settle()
    second = current()[0]
    assert second != first
    assert held.rpc("eth_getTransactionByHash", second) is None
    held.settle()
    assert current()[0] == second
    mine_and_settle(held)
    assert (held.nonce(), held.submitted(), current()[0]) == (nonce + 1, [1], second)


def test_the_cheap_one_may_be_mined_after_all_and_counts(held, monkeypatch):
    nonce, (first, offer) = held.nonce(), current()
    ask(held, 10 * offer)
    with monkeypatch.context() as patch:
        # As when the node that took it was cut off from those who make blocks.
        patch.setattr(Chain, "broadcast", lambda chain, raw: None)
        held.settle()
    assert current()[0] != first
    ask(held, GWEI // 2)
    mine_and_settle(held)
    assert (held.nonce(), held.submitted()) == (nonce + 1, [1])
    assert held.transactions() == [(1, "final")]
    assert current() == (first, offer)
