"""Value enters by the contract's queue: registered once, credited once, in the queue's order, whatever dies."""

import pytest

from accounts import services as accounts
from wallets import selectors, test_funds
from wallets.models import ChainWatch, Deposit, L2Account, QueueEntry, TestFunding

pytestmark = pytest.mark.process

BTC, USDT = 1, 2


def new_account(name: str) -> int:
    return accounts.create_account(name=name).pk


def balance(account: int, asset: int = BTC) -> tuple[int, int]:
    return selectors.all_balances().get((account, asset), (0, 0))


def test_an_account_is_registered_funded_and_credited(contract):
    alice, bob = new_account("alice"), new_account("bob")
    test_funds.request(account_id=alice, asset_code="BTC", amount_atoms=5 * 10**8, reference="a")
    test_funds.request(account_id=bob, asset_code="USDT", amount_atoms=10**12, reference="b")
    contract.rounds(2)
    rows = {row.account_id: row for row in L2Account.objects.all()}
    assert {account: row.number for account, row in rows.items()} == {0: 0, alice: 1, bob: 2}
    assert {row.status for row in rows.values()} == {"registered"}
    assert contract.view("owner_of", 1) == contract.deployed.key("custody").address
    assert balance(alice) == (5 * 10**8, 0)
    assert balance(bob, USDT) == (10**12, 0)
    assert contract.view("locked", BTC) == 5 * 10**8
    entries = list(QueueEntry.objects.order_by("index"))
    assert [(entry.kind, entry.status) for entry in entries] == [
        ("set_key", "applied"), ("set_key", "applied"), ("set_key", "applied"), ("deposit", "applied"),
        ("deposit", "applied"),
    ]  # fmt: skip
    assert all(entry.sequence for entry in entries)
    assert set(Deposit.objects.values_list("source", "status")) == {(2, "credited")}
    assert ChainWatch.objects.get().state == "following"
    assert test_funds.wait(list(TestFunding.objects.all()), timeout_s=1) == entries[-1].sequence
