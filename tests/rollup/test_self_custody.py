"""Self custody on a real chain: a user's wallet registers his key, what he signs is accepted, and it can be proven.

The state manager seals the journal into blocks, and its oracle verifies every signature once more, as the circuit does.
"""

import pytest
from eth_account import Account as Wallet

from accounts import services as accounts
from accounts.problems import Problem
from matching import journal
from orders import services as orders
from orders.requests import AmendRequest, read_order
from rollup import signed
from rollup.api import signed_requests
from rollup.authority import ChainAuthority
from rollup.client import Signer
from rollup.deployment import REGISTRATION_FEE_WEI as FEE
from rollup.state.book import Book
from rollup.state.eddsa import public_key
from rollup.state.folding import KINDS
from rollup.state.ledger import Ledger
from rollup.state.manager import Manager
from rollup.state.parameters import TINY
from rollup.state.slots import SETTLE, TRANSFER, WITHDRAW
from tests.projections import project_all
from tests.wallets.chain.conftest import GAS_WEI, anvil_chain, contract, mined_at_once  # noqa: F401  fixtures
from tests.wallets.conftest import patient_outbox  # noqa: F401  a fixture
from wallets import selectors, test_funds
from wallets.models import L2Account

pytestmark = pytest.mark.process

SECRET = b"\x42" * 32
BTC, USDT = 1, 2
ADDRESS = "0x52908400098527886E0F7030069857D2E4169EE7"


def signer(account: int) -> Signer:
    """The user's side: what the exchange's API tells, and his key."""
    from rollup.api.signed import terms_json

    project_all()
    return Signer(SECRET, terms_json(account, signed.terms(account_id=account)))


@pytest.fixture
def alice(contract) -> int:  # noqa: F811
    """An account whose user has registered his own key from his own wallet, with dollars; the chain's first."""
    contract.rounds(2)
    account = accounts.create_account(name="alice").pk
    wallet = Wallet.create()
    contract.devchain.rpc("anvil_setBalance", wallet.address, hex(GAS_WEI))
    link = signed_requests.read_link(signer(account).link(wallet.address))
    signed.link_account(account_id=account, key=link.key, owner=link.owner, signature=link.signature)
    key = public_key(SECRET)
    contract.chain.send(wallet, contract.functions.register(key.x, key.y, wallet.address), value=FEE)
    contract.rounds(2)
    row = L2Account.objects.get(pk=account)
    assert (row.status, row.custody, row.owner) == ("registered", 0, wallet.address)
    assert contract.view("owner_of", row.number) == wallet.address
    fund(contract, account, "USDT", 10**6 * 10**6)
    return account


def fund(contract, account: int, asset: str, atoms: int) -> None:  # noqa: F811
    test_funds.request(account_id=account, asset_code=asset, amount_atoms=atoms)
    contract.rounds(2)


def place(account: int, body: dict) -> int:
    order, signature = signed_requests.read_signed_order(body)
    return signed.place_order(account_id=account, order=order, signed=signature).order.id


def sealed_blocks() -> list:
    """The whole journal as blocks; the oracle refuses what the circuit would."""
    authority, sealed = ChainAuthority(), []
    manager = Manager(Ledger(TINY, authority.domain()), Book(), authority, number=0, sealed=sealed.append)
    for batch in journal.read(after=0, limit=10_000):
        for sequence, events in enumerate(batch.events, batch.first):
            for ordinal, event in enumerate(events):
                if event[0] in KINDS:
                    manager.fold(event, (sequence, ordinal), batch.time_us)
    manager.close()
    return sealed


def test_what_a_user_signed_is_traded_moved_and_proven(contract, alice):  # noqa: F811
    bob = accounts.create_account(name="bob").pk
    fund(contract, bob, "BTC", 10**8)
    mine = signer(alice)
    limit = {"market": "BTC-USDT", "side": "buy", "price": "50000", "size": "0.01"}
    body = mine.order(**limit)
    order = place(alice, body)
    amended = mine.amend(market="BTC-USDT", side="buy", price="50000", size="0.02", id=int(body["signature"]["id"]))
    _, signature = signed_requests.read_signed_amend(amended)
    project_all()
    signed.amend_order(
        account_id=alice, order_id=order, changes=AmendRequest(price="50000", size="0.02"), signed=signature
    )
    # The other side trusts the exchange, and asks for more than there is.
    plain = read_order({"market": "BTC-USDT", "side": "sell", "price": "50000", "size": "0.03"})
    taken = orders.place_order(account_id=bob, order=plain)
    assert sum(int(fill.lots) for fill in taken.fills) > 0

    to = selectors.l2_account(bob)
    asked = signed_requests.read_transfer(mine.transfer(asset="USDT", amount="10", to=to.number, reference="t"))
    signed.transfer(
        account_id=alice, to_number=asked.to, asset_code="USDT", amount_atoms=asked.amount_atoms, nonce=asked.nonce,
        signature=asked.signature, reference="t",
    )  # fmt: skip
    out = signed_requests.read_withdrawal(mine.withdrawal(asset="USDT", amount="5", address=ADDRESS, reference="w"))
    row = signed.withdraw(
        account_id=alice, address=out.address, asset_code="USDT", amount_atoms=out.amount_atoms, nonce=out.nonce,
        signature=out.signature, reference="w",
    )  # fmt: skip
    assert (row.status, row.recipient) == ("completed", int(ADDRESS, 16))

    project_all()
    balances = selectors.all_balances()
    number = selectors.l2_account(alice).number
    slots = [slot for block in sealed_blocks() for slot in block.slots]
    mine_there = [slot for slot in slots if slot.account == number and slot.op in (SETTLE, TRANSFER, WITHDRAW)]
    assert {slot.op for slot in mine_there} == {SETTLE, TRANSFER, WITHDRAW}
    # What it was amended to is what is settled, whole.
    (settled,) = (slot for slot in mine_there if slot.op == SETTLE)
    assert (settled.order.buy_total, settled.amounts[1]) == (2 * 10**6, 2 * 10**6)
    bought = settled.amounts[1] - settled.fees[1]
    assert balances[alice, BTC] == (bought, 0)
    assert balances[alice, USDT] == (10**12 - settled.amounts[0] - 15 * 10**6, 0)


def test_a_stranger_who_registers_the_same_key_gets_no_account(contract, alice):  # noqa: F811
    """Who announces and who registers are told apart by key and owner; a copy of the key belongs to nobody here."""
    key, stranger = public_key(SECRET), Wallet.create()
    contract.devchain.rpc("anvil_setBalance", stranger.address, hex(GAS_WEI))
    contract.chain.send(stranger, contract.functions.register(key.x, key.y, stranger.address), value=FEE)
    contract.rounds(2)
    assert selectors.l2_account(alice).number == 1
    assert selectors.signer(alice).number == 1
    order, signature = signed_requests.read_signed_order(
        signer(alice).order(market="BTC-USDT", side="buy", price="50000", size="0.01")
    )
    (other,) = L2Account.objects.filter(number=2)
    with pytest.raises(Problem) as caught:
        signed.place_order(account_id=other.account_id, order=order, signed=signature)
    assert caught.value.code == "bad_signature"
