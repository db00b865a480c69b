"""Orders, transfers and withdrawals of accounts in self custody: the signature is verified before the command leaves.

The engine judges ids, nonces and totals, and whether the key is still the account's; the circuit verifies again.
All raise accounts.problems.Problem with a code of its table, and matching.gateway.GatewayError as orders.services.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from accounts import outcome
from accounts.problems import Problem
from matching import gateway, journal
from matching.engine import commands
from matching.engine.commands import BUY, SELF_CUSTODY, Command
from matching.gateway import Result
from orders import listing, order_entry
from orders import selectors as orders
from orders.listing import Listed
from orders.placed import AmendedOrder, PlacedOrder
from orders.requests import AmendRequest, OrderName, OrderRequest
from rollup.state import messages
from rollup.state.babyjubjub import Point, has_low_order, is_on_curve
from rollup.state.eddsa import Signature, is_signed
from rollup.state.parameters import PARAMETERS
from rollup.state.slots import SignedOrder, domain_of
from wallets import selectors as wallets
from wallets import services as movements
from wallets.chain import numbers
from wallets.chain.addresses import read_address
from wallets.selectors import L2Account
from wallets.services import InternalTransfer, Withdrawal
from wallets.signatures import MovementSignature

# So many free leaves are told at once.
IDS_TOLD_MAX: Final = 64


class Contract(NamedTuple):
    """What ties a signature to one contract on one chain, and how many leaves an account has for orders."""

    chain_id: int
    address: str
    domain: int
    leaves: int
    # Asset id, as text, to the address of its token.
    tokens: dict[str, str]


@dataclass(frozen=True, slots=True)
class Signer:
    """An account in self custody: its number in the rollup and its key."""

    account_id: int
    number: int
    key: Point
    nonce: int


@dataclass(frozen=True, slots=True)
class OrderSignature:
    """What a user signed of an order, beside what the order says, and the signature."""

    id: int
    sell_total: int
    buy_total: int
    valid_until: int
    max_fee_bps: int
    signature: Signature


@dataclass(frozen=True, slots=True)
class Terms:
    """What a signer needs to know: the contract, who it is there, and the least free id of each of some free leaves."""

    contract: Contract
    account: L2Account | None
    signer: Signer | None
    order_ids: list[int]


def contract() -> Contract:
    """The contract that counts. Raises Problem no_chain."""
    row = wallets.chain_deployment()
    if row is None:
        raise Problem("no_chain")
    return Contract(
        row.chain_id, row.address, domain_of(row.chain_id, int(row.address, 16)), PARAMETERS[row.parameters].orders,
        row.tokens,
    )  # fmt: skip


def terms(*, account_id: int) -> Terms:
    """What the account's user needs to sign. Raises Problem no_chain.

    A signer who was answered expects his leaf and nonce to be used: it waits a moment for the read models.
    """
    here, head = contract(), journal.head()
    orders.wait_for_sequence(head)
    wallets.wait_for_sequence(head)
    stored = wallets.signer(account_id)
    signer = None
    if stored is not None and stored.custody == SELF_CUSTODY:
        signer = Signer(account_id, stored.number, Point(stored.x, stored.y), stored.nonce)
    ids = free_order_ids(account_id, here.leaves) if signer else []
    return Terms(here, wallets.l2_account(account_id), signer, ids)


def free_order_ids(account_id: int, leaves: int) -> list[int]:
    """The least id that each free leaf takes, of at most IDS_TOLD_MAX leaves."""
    used = orders.signed_leaves(account_id=account_id)
    ids = []
    for leaf in range(leaves):
        last, is_open = used.get(leaf, (0, False))
        if not is_open:
            ids.append(last + leaves if last else leaf or leaves)
            if len(ids) == IDS_TOLD_MAX:
                break
    return ids


def place_order(
    *, account_id: int, order: OrderRequest, signed: OrderSignature, deadline_us: int = 0
) -> PlacedOrder:  # fmt: skip
    """Place an order that its user signed. With a client id that is taken by the same content, its first result."""
    here, signer = contract(), _signer(account_id)
    market = listing.by_symbol(order.market)
    signature = _verified_order(here, signer, market, order.side, signed)
    placing = order_entry.place_command(account_id=account_id, order=order, deadline_us=deadline_us)
    return order_entry.read_placed(_submit(["signed_place", deadline_us, *signature, *placing[2:]]))


def amend_order(
    *, account_id: int, order_id: int, changes: AmendRequest, signed: OrderSignature, deadline_us: int = 0
) -> AmendedOrder:
    """Change such an order; signed is the order as it will be, under the id that it has."""
    here, signer = contract(), _signer(account_id)
    name = OrderName(order_id=order_id)
    # It finds the order's market, and waits for a row that is late.
    amending = order_entry.amend_command(account_id=account_id, name=name, changes=changes, deadline_us=deadline_us)
    stored = orders.get_order(account_id=account_id, order_id=order_id)
    signature = _verified_order(here, signer, listing.by_id(stored.market_id), stored.side, signed)
    return order_entry.read_amended(_submit(["signed_amend", deadline_us, *signature, *amending[2:]]))


def transfer(
    *, account_id: int, to_number: int, asset_code: str, amount_atoms: int, nonce: int, signature: Signature,
    reference: str,
) -> InternalTransfer:  # fmt: skip
    """Move an amount to another account, by its number in the rollup. Raises Problem unknown_l2_account too."""
    here, signer = contract(), _signer(account_id)
    to = wallets.l2_account_by_number(to_number)
    if to is None:
        raise Problem("unknown_l2_account")
    token = wallets.get_asset(code=asset_code).id
    message = messages.transfer_message(
        here.domain, number=signer.number, token=token, amount=amount_atoms, nonce=nonce, to=to_number
    )
    return movements.transfer(
        from_account_id=account_id, to_account_id=to.account_id, asset_code=asset_code, amount_atoms=amount_atoms,
        reference=reference, signature=_verified_movement(signer, message, nonce, signature),
    )  # fmt: skip


def withdraw(
    *, account_id: int, address: str, asset_code: str, amount_atoms: int, nonce: int, signature: Signature,
    reference: str,
) -> Withdrawal:  # fmt: skip
    """Withdraw to an address of the chain, where it can be claimed when its block is final."""
    here, signer = contract(), _signer(account_id)
    token = wallets.get_asset(code=asset_code).id
    message = messages.withdrawal_message(
        here.domain, number=signer.number, token=token, amount=amount_atoms, nonce=nonce,
        recipient=read_address(address),
    )  # fmt: skip
    return movements.hold_withdrawal(
        account_id=account_id, asset_code=asset_code, amount_atoms=amount_atoms, reference=reference, address=address,
        signature=_verified_movement(signer, message, nonce, signature),
    )  # fmt: skip


def link_account(*, account_id: int, key: Point, owner: str, signature: Signature) -> L2Account:
    """The account's user will register this key on the chain, with this owner; its signature shows that it is his.

    Raises Problem bad_signature, invalid_address, account_registered, key_announced.
    """
    here, owner_number = contract(), read_address(owner)
    # What the contract would refuse must not be announced.
    if not is_on_curve(key) or key.x == 0 or has_low_order(key):
        raise Problem("bad_signature", "the key is no point of the curve, or of low order")
    message = messages.link_message(here.domain, account=account_id, owner=owner_number)
    if not is_signed(key, message, signature):
        raise Problem("bad_signature")
    return numbers.announce(account_id=account_id, x=key.x, y=key.y, owner=owner_number)


def _signer(account_id: int) -> Signer:
    """Raises Problem account_not_registered, not_self_custody."""
    stored = wallets.signer(account_id)
    if stored is None:
        raise Problem("account_not_registered")
    if stored.custody != SELF_CUSTODY:
        raise Problem("not_self_custody")
    return Signer(account_id, stored.number, Point(stored.x, stored.y), stored.nonce)


def _verified_order(here: Contract, signer: Signer, market: Listed, side: int, signed: OrderSignature) -> list[Any]:
    """The signature's fields of the command. Raises Problem bad_signature."""
    base, quote = (wallets.get_asset(code=code).id for code in (market.base_code, market.quote_code))
    sells, buys = (quote, base) if side == BUY else (base, quote)
    # The rollup's sides are numbered the other way round: 1 buys.
    content = SignedOrder(
        signed.id, int(side == BUY), signed.sell_total, signed.buy_total, signed.valid_until, signed.max_fee_bps
    )  # fmt: skip
    message = messages.order_message(
        here.domain, number=signer.number, sell_token=sells, buy_token=buys, order=content
    )  # fmt: skip
    if not is_signed(signer.key, message, signed.signature):
        raise Problem("bad_signature")
    r, s = signed.signature
    return commands.order_signature(
        key=signer.key, leaves=here.leaves, id=signed.id, sell_total=signed.sell_total, buy_total=signed.buy_total,
        valid_until=signed.valid_until, max_fee_bps=signed.max_fee_bps, r_x=r.x, r_y=r.y, s=s,
    )  # fmt: skip


def _verified_movement(signer: Signer, message: int, nonce: int, signature: Signature) -> MovementSignature:
    if not is_signed(signer.key, message, signature):
        raise Problem("bad_signature")
    r, s = signature
    return MovementSignature(*signer.key, nonce, r.x, r.y, s)


def _submit(command: Command) -> Result:
    (result,) = gateway.submit([command])
    outcome.answered()
    return result
