"""Transactions of the outbox that offer less for their gas than the chain asks: dearer, once, whatever dies between."""

from collections.abc import Iterator
from typing import Any

import pytest

from accounts import services as accounts
from exchange import health
from tests.projections import project_all
from tests.stack import wait_until
from wallets import selectors, test_funds
from wallets.chain import keys
from wallets.chain.client import Chain, FeeTooLow, read_signed
from wallets.models import ChainTransaction, ChainWatch, L2Account, TestFunding, TransactionVersion

pytestmark = pytest.mark.process

GWEI = 10**9
BTC = 1
AMOUNT = 5 * 10**8


class Killed(BaseException):
    """What nothing in between may catch, like a kill."""


@pytest.fixture
def held(contract: Any) -> Iterator[Any]:
    """Account 0 has its key; from now on no block is made by itself."""
    contract.rounds(2)
    contract.devchain.rpc("evm_setAutomine", False)
    try:
        yield contract
    finally:
        ask(contract, GWEI)
        contract.devchain.rpc("evm_setAutomine", True)
        contract.devchain.rpc("evm_mine")


def ask(contract: Any, wei: int) -> None:
    """What the next block asks for gas."""
    contract.devchain.rpc("anvil_setNextBlockBaseFeePerGas", hex(wei))


def registering(contract: Any) -> ChainTransaction:
    """An account's registration, sent and not mined."""
    test_funds.numbers.want(account_id=accounts.create_account(name="alice").pk)
    contract.round()
    return ChainTransaction.objects.get(status="sending")


def offer(row: ChainTransaction) -> int:
    return read_signed(bytes(row.raw)).offer.max_wei


def reason() -> str:
    return ChainWatch.objects.get().sending_reason


def mine_until_registered(contract: Any) -> None:
    def is_registered() -> bool:
        contract.mine()
        contract.round()
        return not L2Account.objects.exclude(status="registered").exists()

    wait_until(is_registered, "the account to be registered")


def test_a_registration_that_is_too_cheap_becomes_dearer_and_is_made_once(held):
    row = registering(held)
    first = row.hash
    ask(held, 10 * offer(row))
    held.round()
    row.refresh_from_db()
    assert row.hash != first
    assert [version.hash for version in TransactionVersion.objects.order_by("id")] == [first, row.hash]
    assert health.CHECKS["chain"][1]().figures["fee_bumps"] == 1
    mine_until_registered(held)
    mined = ChainTransaction.objects.get(pk=row.pk)
    assert (mined.hash, mined.status) == (row.hash, "mined")
    assert held.view("next_account") == 2
    assert reason() == ""


def test_killed_between_keeping_and_sending_a_dearer_one_it_goes_out(held, monkeypatch):
    row = registering(held)
    first = row.hash
    ask(held, 10 * offer(row))

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Chain, "broadcast", die)
        with pytest.raises(Killed):
            held.round()
    row.refresh_from_db()
    assert row.hash != first
    assert held.devchain.rpc("eth_getTransactionByHash", row.hash) is None
    mine_until_registered(held)
    assert ChainTransaction.objects.get(pk=row.pk).hash == row.hash
    assert held.view("next_account") == 2


def test_the_cheap_one_may_be_mined_after_all_and_the_row_knows_it_by_its_event(held, monkeypatch):
    row = registering(held)
    first = row.hash
    ask(held, 10 * offer(row))
    with monkeypatch.context() as patch:
        patch.setattr(Chain, "broadcast", lambda chain, raw: None)
        held.round()
    row.refresh_from_db()
    assert row.hash != first
    ask(held, GWEI // 2)
    mine_until_registered(held)
    row.refresh_from_db()
    assert (row.hash, row.status) == (first, "mined")
    assert held.view("next_account") == 2


def test_above_the_bound_it_waits_says_so_and_goes_on(held, settings):
    row = registering(held)
    settings.CHAIN_FEE_WEI_MAX = offer(row) + 1
    ask(held, offer(row) + 2)
    held.round()
    assert reason().startswith("fee_too_low: waiting, since the chain asks more than CHAIN_FEE_WEI_MAX (")
    assert not TransactionVersion.objects.exists()
    check = health.CHECKS["chain"][1]()
    assert not check.ok
    assert check.detail.startswith("transactions do not leave: fee_too_low: waiting")
    assert (check.figures["fee_too_low"], check.figures["fee_bumps"]) == (1, 0)
    # What is new is not signed at such a price either.
    test_funds.numbers.want(account_id=accounts.create_account(name="bob").pk)
    held.round()
    assert ChainTransaction.objects.filter(status="sending").count() == 1
    with pytest.raises(FeeTooLow):
        held.chain.prepare(keys.key("operator"), held.functions.set_key(0, 1, 2))
    ask(held, GWEI // 2)
    mine_until_registered(held)
    assert reason() == ""
    assert held.view("next_account") == 3


def test_only_the_first_of_a_senders_becomes_dearer_until_it_is_mined(held):
    first = registering(held)
    test_funds.numbers.want(account_id=accounts.create_account(name="bob").pk)
    held.round()
    second = ChainTransaction.objects.filter(status="sending").exclude(pk=first.pk).get()
    ask(held, 10 * offer(second))
    held.round()
    assert TransactionVersion.objects.filter(first=first.hash).count() == 2
    assert not TransactionVersion.objects.filter(first=second.hash).exists()
    assert reason() == "fee_too_low: waiting for the transaction before it"
    mine_until_registered(held)
    assert held.view("next_account") == 3


def test_one_that_blocks_go_by_without_offers_more(held, settings):
    row = registering(held)
    first = row.hash
    # The node has forgotten it, and blocks are made of others.
    held.devchain.rpc("anvil_dropTransaction", first)
    settings.CHAIN_FEE_BLOCKS = 2
    # The chain knows whole seconds only, and the first of its blocks must be after the transaction.
    held.devchain.rpc("evm_increaseTime", 2)
    held.mine(4)
    held.round()
    row.refresh_from_db()
    assert row.hash != first
    mine_until_registered(held)
    assert held.view("next_account") == 2


def test_without_gas_for_a_dearer_one_it_says_so_and_goes_on(held):
    row = registering(held)
    first = row.hash
    ask(held, 10 * offer(row))
    operator = keys.key("operator").address
    held.devchain.rpc("anvil_setBalance", operator, "0x1")
    held.round()
    row.refresh_from_db()
    assert (reason(), row.hash) == ("no_gas", first)
    held.devchain.rpc("anvil_setBalance", operator, hex(10**24))
    mine_until_registered(held)
    assert held.view("next_account") == 2


def test_a_node_that_does_not_say_what_it_asks_is_told_and_nothing_is_sent(held, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(type(held.chain.web3.eth), "fee_history", lambda *_: {"oldestBlock": 1})
        test_funds.numbers.want(account_id=accounts.create_account(name="alice").pk)
        held.round()
        assert reason() == "the node does not say what a block asks for gas (eth_feeHistory)"
        assert not ChainTransaction.objects.filter(status="sending").exists()
    mine_until_registered(held)


def test_test_tokens_are_paid_in_once_though_the_treasury_waits_for_its_price(contract, settings):
    alice = accounts.create_account(name="alice").pk
    test_funds.numbers.want(account_id=alice)
    contract.rounds(2)
    row = test_funds.request(account_id=alice, asset_code="BTC", amount_atoms=AMOUNT, reference="r")
    settings.CHAIN_FEE_WEI_MAX = 10
    try:
        ask(contract, GWEI)
        for _ in range(3):
            contract.round()
        assert reason().startswith("fee_too_low: waiting")
        assert TestFunding.objects.get(pk=row.pk).status == "wanted"
        assert not ChainTransaction.objects.filter(sender=keys.key("treasury").address).exists()
        settings.CHAIN_FEE_WEI_MAX = 500 * GWEI
        contract.rounds(3)
    finally:
        ask(contract, GWEI)
    project_all()
    assert selectors.all_balances()[alice, BTC][0] == AMOUNT == contract.view("locked", BTC)
    token = contract.deployed.token(BTC)
    assert contract.chain.call(token.functions.totalSupply()) == AMOUNT
