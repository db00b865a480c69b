"""What takes slots of a block for nothing has a bound; and what could never come back does not leave."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import services as accounts
from accounts.problems import Problem
from tests.wallets.chain.test_withdrawals import AMOUNT, alice, balance, withdraw  # noqa: F401  a fixture
from wallets import services
from wallets.chain import numbers
from wallets.models import InternalTransfer, L2Account, Withdrawal

pytestmark = pytest.mark.process


def transfer(giver: int, receiver: int, atoms: int, reference: str | None = None) -> InternalTransfer:
    return services.transfer(
        from_account_id=giver, to_account_id=receiver, asset_code="BTC", amount_atoms=atoms, reference=reference
    )


def refused(step, *args) -> Problem:
    with pytest.raises(Problem) as caught:
        step(*args)
    return caught.value


@pytest.fixture
def bob(contract) -> int:
    account = accounts.create_account(name="bob").pk
    numbers.want(account_id=account)
    contract.rounds(2)
    return account


def test_transfers_of_an_account_have_a_bound_in_an_hour(contract, alice, bob, settings):  # noqa: F811
    settings.MOVEMENTS_PER_HOUR = 2
    first = transfer(alice, bob, 1, "first")
    # One that the matcher refuses takes no slot.
    assert refused(transfer, alice, bob, AMOUNT, "too much").code == "insufficient_balance"
    transfer(alice, bob, 1)
    before = balance(alice)
    problem = refused(transfer, alice, bob, 1, "third")
    assert (problem.code, 0 < int(problem.headers["Retry-After"]) <= 3_600) == ("rate_limited", True)
    assert balance(alice) == before == (AMOUNT - 2, 0)
    assert not InternalTransfer.objects.filter(reference="third").exists()
    # What was asked for already may be asked again; others go on; withdrawals are counted for themselves.
    assert transfer(alice, bob, 1, "first").pk == first.pk
    transfer(bob, alice, 1)
    assert withdraw(alice, 1).status == "held"
    InternalTransfer.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(hours=1))
    assert transfer(alice, bob, 1, "third").status == "done"


def test_withdrawals_of_an_account_have_a_bound_in_an_hour(contract, alice, settings):  # noqa: F811
    settings.MOVEMENTS_PER_HOUR = 2
    given_back = withdraw(alice, 1)
    services.cancel_withdrawal(account_id=alice, withdrawal_id=given_back.pk)
    withdraw(alice, 1)
    withdraw(alice, 1)
    assert refused(withdraw, alice, 1).code == "rate_limited"
    assert Withdrawal.objects.count() == 3
    assert balance(alice) == (AMOUNT - 2, 2)


def test_without_a_chain_there_is_no_bound(contract, alice, bob, settings):  # noqa: F811
    settings.MOVEMENTS_PER_HOUR = 1
    settings.CHAIN_RPC_URL = ""
    for _ in range(3):
        transfer(alice, bob, 1)


def test_contracts_that_would_keep_what_they_get_are_no_recipients(contract, alice):  # noqa: F811
    for address in (contract.deployed.address, *contract.deployed.row.tokens.values()):
        for written in (address, address.lower()):
            assert refused(withdraw, alice, 10, written).code == "invalid_address", address
    assert balance(alice) == (AMOUNT, 0)
    assert not Withdrawal.objects.exists()


def test_who_has_only_announced_a_key_is_not_waited_for(contract, alice, monkeypatch):  # noqa: F811
    """Only its user can register it: a request that waited would hold a thread for nothing."""
    monkeypatch.setattr(services, "REGISTERED_WITHIN_S", float("inf"))
    announced = accounts.create_account(name="announced").pk
    numbers.announce(account_id=announced, x=5, y=6, owner=7)
    assert refused(transfer, alice, announced, 1).code == "account_not_registered"
    assert L2Account.objects.get(pk=announced).status == "wanted"
    assert balance(alice) == (AMOUNT, 0)
