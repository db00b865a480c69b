"""A reorganisation deeper than the confirmations: all stands still, and goes on only where nothing contradicts."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts import services as accounts
from exchange import health
from tests.projections import project_all
from wallets import selectors, test_funds
from wallets.chain import keys, reorg, withdrawals
from wallets.models import ChainTransaction, ChainWatch, Claim, L2Account, QueueEntry, Withdrawal

pytestmark = pytest.mark.process

BTC = 1
AMOUNT = 5 * 10**8


class Fork:
    """A place on the chain to which it can be turned back."""

    def __init__(self, contract: Any, *, by_revert: bool = True) -> None:
        self.contract = contract
        self.by_revert = by_revert
        contract.mine(1)
        contract.round()
        self.head = contract.chain.head()
        self.snapshot = contract.devchain.rpc("evm_snapshot")

    def turn_back(self) -> None:
        """All blocks since are gone; others take their place."""
        depth = self.contract.chain.head() - self.head
        if self.by_revert:
            assert self.contract.devchain.rpc("evm_revert", self.snapshot)
            self.contract.mine(depth + 1)
        else:
            self.contract.devchain.rpc("anvil_reorg", depth, [])


@pytest.fixture
def alice(contract: Any) -> int:
    """An account with a number in the rollup."""
    account = accounts.create_account(name="alice").pk
    test_funds.numbers.want(account_id=account)
    contract.rounds(2)
    assert L2Account.objects.get(pk=account).status == "registered"
    return account


@pytest.fixture
def pay_in(contract: Any, alice: int) -> Callable[[int], None]:
    """A stranger pays in for alice: a transaction that nobody but him has."""
    stranger, token = contract.deployed.key("owner"), contract.deployed.token(BTC)
    contract.chain.send(contract.deployed.key("treasury"), token.functions.mint(stranger.address, 100 * AMOUNT))
    contract.chain.send(stranger, token.functions.approve(contract.deployed.address, 100 * AMOUNT))
    number = L2Account.objects.get(pk=alice).number
    return lambda amount: contract.chain.send(stranger, contract.functions.deposit(number, BTC, amount)) and None


def balance(account: int) -> int:
    project_all()
    return selectors.all_balances().get((account, BTC), (0, 0))[0]


def state() -> str:
    return ChainWatch.objects.get().state


def rows() -> list[Any]:
    return [*ChainWatch.objects.values("block", "block_hash", "state"), *QueueEntry.objects.order_by("index").values()]


def command(*arguments: str) -> str:
    said = StringIO()
    call_command("chain_reorg", *arguments, stdout=said)
    return said.getvalue()


def refused(*arguments: str) -> tuple[str, str]:
    """What the command says before it refuses, and why it does; it changes nothing."""
    before, said = rows(), StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("chain_reorg", *arguments, stdout=said)
    assert rows() == before
    return said.getvalue(), str(caught.value)


@pytest.mark.parametrize("by_revert", [True, False], ids=["evm_revert", "anvil_reorg"])
def test_what_comes_back_as_it_was_is_gone_on_with_and_nothing_is_credited_twice(contract, alice, by_revert):
    fork = Fork(contract, by_revert=by_revert)
    for reference in ("one", "two"):
        test_funds.request(account_id=alice, asset_code="BTC", amount_atoms=AMOUNT, reference=reference)
    contract.rounds(3)
    assert balance(alice) == 2 * AMOUNT
    entries = list(QueueEntry.objects.order_by("index").values_list("index", "kind", "amount", "sequence"))
    sent = set(ChainTransaction.objects.values_list("hash", flat=True))
    # Ours wait in the node's pool at first.
    fork.turn_back()
    contract.devchain.rpc("evm_setAutomine", False)
    try:
        contract.round()
        assert state() == "reorganised"
        said, why = refused("--go-on")
        assert said.count("GONE entry") == 2
        assert said.count("the node has its transaction") == 2
        assert "deposits stay halted. Wait until they are mined" in why
    finally:
        contract.devchain.rpc("evm_setAutomine", True)
    contract.mine(1)
    contract.round()
    assert state() == "reorganised"
    before = rows()
    assert "safe: every entry that was read is back under its number" in command()
    assert rows() == before
    assert "nothing is credited twice" in command("--go-on")
    contract.rounds(2)
    assert state() == "following"
    assert balance(alice) == 2 * AMOUNT == contract.view("locked", BTC)
    assert list(QueueEntry.objects.order_by("index").values_list("index", "kind", "amount", "sequence")) == entries
    assert set(ChainTransaction.objects.values_list("hash", flat=True)) == sent
    for entry in QueueEntry.objects.all():
        assert contract.chain.block_hash(entry.block) == entry.block_hash
    # And life goes on.
    test_funds.request(account_id=alice, asset_code="BTC", amount_atoms=AMOUNT, reference="three")
    contract.rounds(3)
    assert balance(alice) == 3 * AMOUNT
    assert "there is nothing to do" in command("--go-on")


def test_what_is_gone_halts_deposits_until_somebody_makes_up_for_it(contract, alice, pay_in):
    fork = Fork(contract)
    pay_in(AMOUNT)
    contract.rounds(2)
    assert balance(alice) == AMOUNT
    fork.turn_back()
    bob = accounts.create_account(name="bob").pk
    test_funds.numbers.want(account_id=bob)
    contract.rounds(2)
    # Nothing new takes the number of what may come back.
    assert (state(), L2Account.objects.get(pk=bob).status) == ("reorganised", "wanted")
    check = health.CHECKS["chain"][1]()
    assert (check.ok, check.figures["reorganised"]) == (False, 1)
    said, why = refused("--go-on")
    assert f"deposit of 5 BTC, account {alice} (number 1 on the chain), credited" in said
    assert "the node does not know its transaction" in said
    assert "Somebody must send them again, or pay in the same for the same account" in why
    pay_in(AMOUNT)
    assert "back: 1" in command("--go-on")
    contract.rounds(3)
    assert state() == "following"
    assert balance(alice) == AMOUNT == contract.view("locked", BTC)
    assert L2Account.objects.get(pk=bob).status == "registered"


def test_another_order_is_never_gone_on_with(contract, alice, pay_in):
    fork = Fork(contract)
    pay_in(AMOUNT)
    pay_in(2 * AMOUNT)
    contract.rounds(2)
    assert balance(alice) == 3 * AMOUNT
    first, second = QueueEntry.objects.filter(kind="deposit").order_by("index").values_list("index", flat=True)
    fork.turn_back()
    pay_in(2 * AMOUNT)
    pay_in(AMOUNT)
    pay_in(7)
    contract.rounds(2)
    said, why = refused("--go-on")
    for index, other in ((first, second), (second, first)):
        line = next(line for line in said.splitlines() if line.startswith(f"GONE entry {index},"))
        assert line.endswith(f"the chain has it as entry {other}")
    assert "The chain has other entries under numbers that the engine has applied" in why
    contract.rounds(2)
    assert (state(), balance(alice)) == ("reorganised", 3 * AMOUNT)


def test_a_chain_without_the_contract_is_told_apart(contract, alice, monkeypatch):
    Fork(contract)
    ChainWatch.objects.update(block_hash="0x" + "11" * 32)
    contract.round()
    assert state() == "reorganised"
    monkeypatch.setattr(type(contract.chain), "has_code", lambda self, address: False)
    said, why = refused("--go-on")
    assert "the contract itself is not on this chain" in said
    assert "look at CHAIN_RPC_URL" in why


def test_where_nothing_is_wrong_nothing_is_done(contract, alice):
    Fork(contract)
    before = rows()
    for arguments in ((), ("--go-on",)):
        assert "there is nothing to do" in command(*arguments)
    with pytest.raises(reorg.NotReorganised):
        reorg.go_on(contract.chain, contract.deployed)
    assert rows() == before


def test_owners_are_those_of_the_chain_again(contract, alice):
    custody, other = keys.key("custody"), keys.key("owner")
    fork = Fork(contract)
    contract.chain.send(custody, contract.functions.link_owner(1, other.address))
    contract.round()
    assert L2Account.objects.get(pk=alice).owner == other.address
    fork.turn_back()
    contract.round()
    assert state() == "reorganised"
    command("--go-on")
    contract.round()
    assert (state(), L2Account.objects.get(pk=alice).owner) == ("following", custody.address)


def test_a_claim_that_is_gone_paid_nobody(contract, alice):
    fork = Fork(contract)
    treasury = contract.deployed.key("treasury")
    kept, lost = (
        contract.chain.prepare(treasury, contract.deployed.token(BTC).functions.mint(treasury.address, 1), nonce=nonce)
        for nonce in (contract.chain.nonce(treasury.address), contract.chain.nonce(treasury.address) + 1)
    )
    recipient = int(treasury.address, 16)
    for position, signed in enumerate((kept, lost)):
        Withdrawal.objects.create(
            account_id=alice, asset_id=BTC, amount=5, recipient=recipient, status="completed", l2_block=1,
            l2_position=position, l1_status="claimed",
        )  # fmt: skip
        Claim.objects.create(
            tx_hash=signed.hash, log_index=0, recipient=recipient, asset_id=BTC, amount=5, l2_block=1, position=position
        )
        contract.chain.broadcast(signed.raw)
    contract.round()
    fork.turn_back()
    contract.chain.broadcast(kept.raw)
    contract.round()
    assert state() == "reorganised"
    command("--go-on")
    contract.round()
    assert list(Claim.objects.values_list("tx_hash", flat=True)) == [kept.hash]
    assert list(Withdrawal.objects.order_by("l2_position").values_list("l1_status", flat=True)) == [
        "claimed", "claimable",
    ]  # fmt: skip


def test_meanwhile_no_withdrawal_is_completed_by_itself(contract, alice, monkeypatch):
    Fork(contract)
    completed = []
    monkeypatch.setattr(withdrawals, "complete_held", lambda: completed.append(state()))
    contract.round()
    ChainWatch.objects.update(block_hash="0x" + "11" * 32)
    contract.rounds(3)
    # The round that notices had begun before.
    assert completed == ["following", "following"]
    assert state() == "reorganised"
