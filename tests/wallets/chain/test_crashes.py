"""Whoever dies in between, an account is registered once, test tokens are paid in once, an entry is applied once."""

import pytest

from accounts import services as accounts
from matching import gateway
from matching.gateway import GatewayTimeout
from rollup import accounts as registrar
from tests.projections import project_all
from wallets import selectors, test_funds
from wallets.chain import funding, queue, registration, watcher
from wallets.chain.client import Chain, ChainRefused
from wallets.models import ChainTransaction, ChainWatch, Deposit, L2Account, QueueEntry, TestFunding

pytestmark = pytest.mark.process

BTC = 1
AMOUNT = 5 * 10**8


class Killed(BaseException):
    """What nothing in between may catch, like a kill."""


@pytest.fixture
def alice(contract) -> int:
    return accounts.create_account(name="alice").pk


@pytest.fixture
def registered(contract, alice) -> int:
    """An account with a number in the rollup, and no money."""
    registration_of(contract, alice)
    return alice


def registration_of(contract, account: int) -> None:
    test_funds.numbers.want(account_id=account)
    contract.rounds(2)
    assert L2Account.objects.get(pk=account).status == "registered"


def ask(account: int, reference: str = "r", amount: int = AMOUNT) -> TestFunding:
    return test_funds.request(account_id=account, asset_code="BTC", amount_atoms=amount, reference=reference)


def balance(account: int) -> int:
    project_all()
    return selectors.all_balances().get((account, BTC), (0, 0))[0]


def dies(monkeypatch, target, name: str, *, after: bool, times: int = 1) -> None:
    """The process is killed right before or right after `target.name` did its work, the first `times` times."""
    really, left = getattr(target, name), [times]

    def dying(*args, **named):
        if not left[0]:
            return really(*args, **named)
        left[0] -= 1
        if after:
            really(*args, **named)
        raise Killed

    monkeypatch.setattr(target, name, dying)


def killed_in_round(contract) -> None:
    with pytest.raises(Killed):
        contract.round()


@pytest.mark.parametrize("after", [False, True])
def test_a_registrar_killed_at_its_broadcast_registers_once(contract, alice, monkeypatch, after):
    contract.rounds(2)  # the key of account 0
    bob = accounts.create_account(name="bob").pk
    for account in (alice, bob):
        test_funds.numbers.want(account_id=account)
    dies(monkeypatch, Chain, "broadcast", after=after)
    killed_in_round(contract)
    assert set(L2Account.objects.filter(pk__in=(alice, bob)).values_list("status", flat=True)) == {"registering"}
    contract.rounds(3)
    assert list(L2Account.objects.filter(pk__in=(alice, bob)).order_by("number").values_list("number", "status")) == [
        (1, "registered"), (2, "registered"),
    ]  # fmt: skip
    assert contract.view("next_account") == 3
    assert ChainTransaction.objects.filter(purpose="register 2 accounts").count() == 1


def test_a_registrar_killed_before_its_commit_leaves_nothing(contract, alice, monkeypatch):
    contract.rounds(2)
    test_funds.numbers.want(account_id=alice)
    dies(monkeypatch, registration.transactions, "record", after=True)
    killed_in_round(contract)
    assert L2Account.objects.get(pk=alice).status == "wanted"
    assert not ChainTransaction.objects.filter(purpose__startswith="register").exists()
    contract.rounds(2)
    assert contract.view("next_account") == 2


def test_a_registration_whose_nonce_another_took_is_made_anew(contract, alice, monkeypatch):
    contract.rounds(2)
    test_funds.numbers.want(account_id=alice)
    dies(monkeypatch, Chain, "broadcast", after=False)
    killed_in_round(contract)
    key = contract.deployed.key("operator")
    contract.chain.send(key, contract.functions.set_key(0, *registrar.make_key()[:2]))
    contract.rounds(4)
    lost, made = ChainTransaction.objects.filter(purpose="register 1 accounts").order_by("id")
    assert (lost.status, made.status) == ("lost", "mined")
    assert L2Account.objects.get(pk=alice).number == 1
    assert contract.view("next_account") == 2


@pytest.mark.parametrize("after", [False, True])
def test_a_treasury_killed_at_its_deposits_broadcast_pays_in_once(contract, registered, monkeypatch, after):
    ask(registered)
    # Mint and approve leave by `send`; the third broadcast is the deposit's.
    sent = []
    really = Chain.broadcast

    def broadcast(self, raw):
        sent.append(raw)
        if len(sent) == 3 and not after:
            raise Killed
        really(self, raw)
        if len(sent) == 3:
            raise Killed

    monkeypatch.setattr(Chain, "broadcast", broadcast)
    killed_in_round(contract)
    assert TestFunding.objects.get().status == "sending"
    contract.rounds(3)
    assert balance(registered) == AMOUNT == contract.view("locked", BTC)
    assert TestFunding.objects.get().status == "queued"


def test_a_treasury_killed_between_mint_and_deposit_pays_in_once(contract, registered, monkeypatch):
    ask(registered)
    dies(monkeypatch, funding, "_deposit", after=False)
    killed_in_round(contract)
    assert contract.view("locked", BTC) == 0
    contract.rounds(2)
    assert balance(registered) == AMOUNT == contract.view("locked", BTC)
    token = contract.deployed.token(BTC)
    assert contract.chain.call(token.functions.totalSupply()) == AMOUNT


def test_a_reference_is_paid_in_once(contract, registered):
    first = ask(registered, "one")
    assert ask(registered, "one").pk == first.pk
    contract.rounds(2)
    assert ask(registered, "one").pk == first.pk
    contract.rounds(2)
    assert balance(registered) == AMOUNT
    with pytest.raises(test_funds.Problem) as caught:
        ask(registered, "one", AMOUNT + 1)
    assert caught.value.code == "reference_reused"


def test_a_watcher_killed_between_its_commit_and_sending_applies_once(contract, registered, monkeypatch):
    ask(registered)
    contract.round()
    ask(registered, "second")
    funding.send_wanted(contract.chain, contract.deployed)
    dies(monkeypatch, watcher, "send_seen", after=False)
    killed_in_round(contract)
    assert QueueEntry.objects.order_by("-index").first().status == "seen"
    contract.round()
    assert QueueEntry.objects.order_by("-index").first().status == "applied"
    assert balance(registered) == 2 * AMOUNT


def test_a_watcher_killed_within_its_transaction_reads_the_block_again(contract, registered, monkeypatch):
    ask(registered)
    funding.send_wanted(contract.chain, contract.deployed)
    dies(monkeypatch, watcher.events, "keep_all", after=True)
    before = ChainWatch.objects.get().block
    killed_in_round(contract)
    assert ChainWatch.objects.get().block == before
    contract.round()
    assert balance(registered) == AMOUNT


def test_an_entry_whose_answer_was_lost_is_applied_once(contract, registered, monkeypatch):
    ask(registered)
    funding.send_wanted(contract.chain, contract.deployed)
    really = gateway.submit

    def submit(commands, **options):
        really(commands, **options)
        monkeypatch.setattr(gateway, "submit", really)
        raise GatewayTimeout("the answer was lost")

    monkeypatch.setattr(gateway, "submit", submit)
    with pytest.raises(GatewayTimeout):
        contract.round()
    contract.round()
    entry = QueueEntry.objects.order_by("-index").first()
    assert (entry.kind, entry.status) == ("deposit", "applied")
    assert balance(registered) == AMOUNT
    # The read model knows which command it was, though the sender never heard of it.
    assert QueueEntry.objects.get(pk=entry.pk).sequence is not None
    assert Deposit.objects.get(index=entry.index).status == "credited"


def test_events_read_twice_change_nothing(contract, registered):
    ask(registered)
    contract.rounds(2)
    before = list(QueueEntry.objects.order_by("index").values())
    ChainWatch.objects.update(block=contract.deployed.from_block - 1, block_hash="")
    contract.rounds(2)
    assert list(QueueEntry.objects.order_by("index").values()) == before
    assert balance(registered) == AMOUNT
    assert ChainWatch.objects.get().state == "following"


def test_a_journal_of_another_chain_is_noticed(contract, registered):
    ask(registered)
    contract.rounds(2)
    # As if the database were an older one: the engine knows an entry that was never sent from here.
    last = QueueEntry.objects.order_by("-index").first()
    QueueEntry.objects.filter(pk=last.pk).update(status="seen", deadline_us=0, sequence=None)
    with pytest.raises(queue.QueueStuck, match="another chain or database"):
        queue.send_seen()
    contract.round()
    watch = ChainWatch.objects.get()
    assert (watch.state, "another chain" in watch.reason) == ("stuck", True)


def test_many_at_once_are_registered_in_batches_and_paid_in_together(contract):
    many = [accounts.create_account(name=f"a{number}").pk for number in range(40)]
    for account in many:
        ask(account, f"r{account}", account)
    contract.rounds(4)
    assert [balance(account) for account in many] == many
    assert ChainTransaction.objects.filter(purpose__startswith="register").count() == 2
    assert contract.view("locked", BTC) == sum(many)


def test_without_gas_it_says_so_and_goes_on_when_there_is_some(contract, alice):
    contract.rounds(2)
    operator = contract.deployed.key("operator").address
    contract.devchain.rpc("anvil_setBalance", operator, "0x0")
    ask(alice)
    contract.round()
    assert ChainWatch.objects.get().sending_reason == "no_gas"
    assert L2Account.objects.get(pk=alice).status == "wanted"
    contract.devchain.rpc("anvil_setBalance", operator, hex(10**21))
    contract.rounds(3)
    assert ChainWatch.objects.get().sending_reason == ""
    assert balance(alice) == AMOUNT


def test_a_full_queue_makes_deposits_wait(contract, registered, monkeypatch):
    ask(registered)
    really = Chain.prepare
    full = [True]

    def prepare(self, key, call, **options):
        if full[0] and getattr(call, "fn_name", "") == "deposit":
            raise ChainRefused("too_many_pending")
        return really(self, key, call, **options)

    monkeypatch.setattr(Chain, "prepare", prepare)
    contract.round()
    assert TestFunding.objects.get().code == "too_many_pending"
    assert ChainWatch.objects.get().sending_reason == "too_many_pending"
    full[0] = False
    contract.rounds(2)
    assert balance(registered) == AMOUNT


def test_what_the_contract_refuses_for_good_is_told(contract, registered):
    row = ask(registered, "big", 2**96 - 1)
    other = ask(registered, "small")
    contract.chain.send(
        contract.deployed.key("treasury"), contract.deployed.token(BTC).functions.mint(contract.deployed.address, 1)
    )
    contract.rounds(2)
    row.refresh_from_db()
    other.refresh_from_db()
    # Both together would exceed what the contract may hold: the second is refused, whichever it is.
    assert {row.status, other.status} == {"queued", "refused"}
    with pytest.raises(test_funds.Problem, match="too_much_locked"):
        test_funds.wait([row, other], timeout_s=1)
