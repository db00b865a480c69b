"""A chain that is down, reorganises, or says what cannot be: a clear state, nothing applied twice, nothing lost."""

import pytest

from accounts import services as accounts
from rollup import accounts as registrar
from rollup.deployment import REGISTRATION_FEE_WEI as FEE
from tests.projections import project_all
from wallets import selectors, test_funds
from wallets.chain import funding, registration
from wallets.models import Asset, ChainTransaction, ChainWatch, L2Account, QueueEntry, TestFunding

pytestmark = pytest.mark.process

BTC = 1
AMOUNT = 5 * 10**8


@pytest.fixture
def alice(contract) -> int:
    """An account with a number in the rollup."""
    account = accounts.create_account(name="alice").pk
    test_funds.numbers.want(account_id=account)
    contract.rounds(2)
    assert L2Account.objects.get(pk=account).status == "registered"
    return account


def balance(account: int) -> int:
    project_all()
    return selectors.all_balances().get((account, BTC), (0, 0))[0]


def ask(account: int) -> TestFunding:
    return test_funds.request(account_id=account, asset_code="BTC", amount_atoms=AMOUNT)


def watch() -> tuple[str, str]:
    row = ChainWatch.objects.get()
    return row.state, row.reason


def test_a_chain_that_is_down_is_told_and_followed_again(contract, alice, settings):
    url = settings.CHAIN_RPC_URL
    row = ask(alice)
    settings.CHAIN_RPC_URL = "http://127.0.0.1:1"
    contract.round()
    assert watch()[0] == "down"
    row.refresh_from_db()
    assert row.status == "wanted"
    settings.CHAIN_RPC_URL = url
    contract.rounds(2)
    assert watch() == ("following", "")
    assert balance(alice) == AMOUNT


def test_below_the_confirmations_nothing_is_believed_and_a_reorg_harms_nobody(contract, alice, settings):
    settings.CHAIN_CONFIRMATIONS = 4
    contract.mine(4)
    contract.round()
    entries = QueueEntry.objects.count()
    snapshot = contract.devchain.rpc("evm_snapshot")
    ask(alice)
    funding.send_wanted(contract.chain, contract.deployed)
    contract.round()
    assert QueueEntry.objects.count() == entries
    # The deposit goes away with its block; the treasury's tokens too.
    contract.devchain.rpc("evm_revert", snapshot)
    contract.mine(1)
    for _ in range(8):
        contract.round()
        contract.mine(2)
    assert watch() == ("following", "")
    assert balance(alice) == AMOUNT == contract.view("locked", BTC)
    assert QueueEntry.objects.filter(kind="deposit").count() == 1
    # The next one is none the worse for it.
    ask(alice)
    for _ in range(4):
        contract.round()
        contract.mine(4)
    assert balance(alice) == 2 * AMOUNT


def test_a_reorg_of_what_was_applied_stops_everything(contract, alice):
    contract.mine(1)
    contract.round()
    snapshot = contract.devchain.rpc("evm_snapshot")
    ask(alice)
    contract.rounds(2)
    assert balance(alice) == AMOUNT
    read = ChainWatch.objects.get().block
    contract.devchain.rpc("evm_revert", snapshot)
    contract.mine(read)
    contract.rounds(2)
    state, reason = watch()
    assert (state, f"block {read}" in reason) == ("reorganised", True)
    assert ChainWatch.objects.get().block == read
    assert balance(alice) == AMOUNT


def test_an_event_that_cannot_be_stops_the_watcher_where_it_is(contract, alice):
    # A token of the contract that is no asset of the exchange (any more).
    treasury, eth = contract.deployed.key("treasury"), contract.deployed.token(3)
    Asset.objects.filter(pk=3).delete()
    contract.chain.send(treasury, eth.functions.mint(treasury.address, 100))
    contract.chain.send(treasury, eth.functions.approve(contract.deployed.address, 100))
    contract.chain.send(treasury, contract.functions.deposit(1, 3, 100))
    before = ChainWatch.objects.get().block
    contract.round()
    state, reason = watch()
    assert (state, "token 3, which is no asset" in reason) == ("stuck", True)
    assert ChainWatch.objects.get().block == before
    Asset.objects.create(id=3, code="ETH", scale=18)
    contract.round()
    assert watch() == ("following", "")
    assert selectors.all_balances()[alice, 3] == (100, 0)


def test_another_contract_is_not_followed_in_the_midst(contract, alice):
    ChainWatch.objects.update(deployment="1:0x0000000000000000000000000000000000000001")
    ask(alice)
    contract.round()
    state, reason = watch()
    assert (state, "0x0000000000000000000000000000000000000001" in reason) == ("stuck", True)
    assert balance(alice) == 0


def test_whoever_registers_by_himself_gets_an_account_and_can_be_paid(contract, alice):
    key, owner = registrar.make_key(), contract.deployed.key("owner")
    contract.chain.send(owner, contract.functions.register(key.x, key.y, owner.address), value=FEE)
    contract.rounds(1)
    row = L2Account.objects.get(number=2)
    assert (row.custody, row.owner, row.status) == (0, owner.address, "registered")
    treasury, token = contract.deployed.key("treasury"), contract.deployed.token(BTC)
    contract.chain.send(treasury, token.functions.mint(treasury.address, 70))
    contract.chain.send(treasury, token.functions.approve(contract.deployed.address, 70))
    contract.chain.send(treasury, contract.functions.deposit(2, BTC, 70))
    contract.rounds(1)
    assert balance(row.account_id) == 70


def test_a_key_announced_with_its_owner_is_the_account_that_announced_it(contract, alice):
    key, owner = registrar.make_key(), contract.deployed.key("owner")
    bob = accounts.create_account(name="bob").pk
    test_funds.numbers.announce(account_id=bob, x=key.x, y=key.y, owner=int(owner.address, 16))
    # The same key with another owner is somebody else's account: he could set another key.
    thief = contract.deployed.key("treasury")
    contract.chain.send(thief, contract.functions.register(key.x, key.y, thief.address), value=FEE)
    contract.chain.send(owner, contract.functions.register(key.x, key.y, owner.address), value=FEE)
    contract.rounds(2)
    row = L2Account.objects.get(pk=bob)
    assert (row.number, row.custody, row.status) == (3, 0, "registered")
    assert L2Account.objects.get(number=2).account_id != bob
    with pytest.raises(test_funds.Problem, match="account_registered"):
        test_funds.numbers.announce(account_id=bob, x=key.x, y=key.y, owner=1)
    eve = accounts.create_account(name="eve").pk
    with pytest.raises(test_funds.Problem, match="key_announced"):
        test_funds.numbers.announce(account_id=eve, x=key.x, y=key.y, owner=int(owner.address, 16))
    assert not L2Account.objects.filter(pk=eve).exists()


def test_a_linked_owner_sets_a_key_of_his_own_and_exits(contract, alice):
    ask(alice)
    contract.rounds(2)
    custody, owner = contract.deployed.key("custody"), contract.deployed.key("owner")
    contract.chain.send(custody, contract.functions.link_owner(1, owner.address))
    key = registrar.make_key()
    contract.chain.send(owner, contract.functions.set_key(1, key.x, key.y))
    contract.round()
    row = L2Account.objects.get(pk=alice)
    assert (row.custody, row.x, row.y, row.owner) == (0, key.x, key.y, owner.address)
    # What the exchange signed before must stay signable.
    assert len(registrar.custodial_seed(1)) == 32
    contract.chain.send(owner, contract.functions.request_exit(1, BTC), value=contract.view("EXIT_BOND"))
    contract.round()
    last = QueueEntry.objects.order_by("-index").first()
    assert (last.kind, last.status, last.account_id, last.asset_id) == ("exit", "applied", alice, BTC)
    assert balance(alice) == 0
    # It is still the contract's until a block takes the exit.
    assert contract.view("locked", BTC) == AMOUNT


def test_lost_registrations_keep_their_keys(contract, alice):
    bob = accounts.create_account(name="bob").pk
    test_funds.numbers.want(account_id=bob)
    snapshot = contract.devchain.rpc("evm_snapshot")
    registration.register_wanted(contract.chain, contract.deployed, registrar.make_key)
    before = L2Account.objects.get(pk=bob)
    contract.devchain.rpc("evm_revert", snapshot)
    contract.rounds(3)
    after = L2Account.objects.get(pk=bob)
    assert (after.x, after.y, after.number, after.status) == (before.x, before.y, 2, "registered")
    assert ChainTransaction.objects.filter(purpose="register 1 accounts").count() >= 1
