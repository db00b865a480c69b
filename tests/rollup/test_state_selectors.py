"""Accounts and proofs of balances, at the newest block and at the newest final one; which block covers a trade."""

import pytest

from matching import journal
from rollup import selectors
from rollup.models import Block
from rollup.state.field import poseidon
from rollup.state.parameters import TINY
from rollup.state.tree import root_of_path
from tests.rollup.exchange import Exchange, close_and_catch_up, make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def tiny(settings) -> None:
    settings.ROLLUP_PARAMETERS = TINY.name


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange(1)
    exchange.go_on(150)
    close_and_catch_up(make())
    return exchange


def root_by(proof: selectors.BalanceProof, balance: int) -> int:
    """The root that a client computes who believes nothing but the published root."""
    balances = root_of_path(proof.token, balance, proof.balance_path)
    leaf = poseidon(*proof.key, proof.nonce, balances, proof.order_root)
    return root_of_path(proof.account, leaf, proof.account_path)


def test_balances_are_those_of_the_engine_and_each_is_proven(exchange):
    newest = Block.objects.latest("number")
    totals = exchange.totals()
    for number in range(8):
        state = selectors.account_state(number)
        assert (state.block, state.root) == (newest.number, newest.new_root)
        assert state.balances == {token: amount for (who, token), amount in totals.items() if who == number}
        for token in range(TINY.tokens):
            proof = selectors.balance_proof(number, token, at="sealed")
            assert proof.balance == totals.get((number, token), 0)
            assert root_by(proof, proof.balance) == newest.new_root
            assert root_by(proof, proof.balance + 1) != newest.new_root


def test_the_final_state_is_the_one_of_the_newest_final_block_and_moves_with_it(exchange):
    assert selectors.balance_proof(1, 1).block == 0
    assert selectors.account_state(1, at="final").balances == {}
    for number in (3, 5, 7):
        Block.objects.filter(number__lte=number).update(status=Block.Status.FINAL)
        proof = selectors.balance_proof(1, 1)
        assert (proof.block, proof.root) == (number, Block.objects.get(number=number).new_root)
        assert root_by(proof, proof.balance) == proof.root
    exchange.go_on(100)
    close_and_catch_up(make())
    assert selectors.balance_proof(1, 1).block == 7
    assert selectors.account_state(1).block == Block.objects.latest("number").number > 7


@pytest.mark.parametrize(("number", "token"), [(-1, 1), (TINY.accounts, 1), (1, TINY.tokens), (1, -1)])
def test_there_is_nothing_beyond_the_trees(number, token):
    with pytest.raises(selectors.UnknownAccount, match="there is no"):
        selectors.balance_proof(number, token)


def test_every_trade_is_in_the_block_whose_events_hold_it():
    exchange = Exchange(0)
    exchange.go_on(420)
    projection = make()
    close_and_catch_up(projection)
    number = 0
    for batch in journal.read(after=0, limit=10_000):
        for sequence, events in enumerate(batch.events, batch.first):
            for ordinal, event in enumerate(events):
                if event[0] == "trade":
                    number += 1
                    block = selectors.block_of_trade(number)
                    first, last = (
                        (block.first_sequence, block.first_ordinal), (block.last_sequence, block.last_ordinal),
                    )  # fmt: skip
                    assert first <= (sequence, ordinal) <= last
    assert number > 10
    assert selectors.block_of_trade(number + 1) is None
    assert selectors.block_of_trade(0) is None
