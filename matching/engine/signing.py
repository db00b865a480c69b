"""What users sign, as far as the engine looks at it: ranges, ids, totals, caps (docs/protocol.md, section 11).

Whether a signature is good is not the engine's to say: the edge verifies it before, the circuit after.
"""

from collections.abc import Sequence
from typing import Any, Final

from matching.engine.checks import Terms, is_conditional
from matching.engine.commands import BUY, FOK, GTD, IOC, LIMIT
from matching.engine.events import Event
from matching.engine.state import Order, Seat, Special, State
from matching.money import MAX_AMOUNT

# The field of the chain's numbers (BN254's scalars), and the order of BabyJubjub's subgroup, in which `s` counts.
FIELD: Final = 21888242871839275222246405745257275088548364400416034343698204186575808495617
SUBGROUP: Final = 2736030358979909402780800718157159386076813972158567259200215660948447373041
MAX_ID: Final = 2**64 - 1
MAX_L2: Final = 2**24 - 1
MAX_RECIPIENT: Final = 2**160 - 1
MAX_TIME_S: Final = 2**40 - 1
MAX_BPS: Final = 10_000
PPM_OF_BPS: Final = 100
SECOND_US: Final = 1_000_000
LEAVES: Final = frozenset(4**depth for depth in range(1, 9))
# Each use of an account's key begins its nonces anew, beyond all that an earlier one could have used.
NONCES_OF_ENTRY: Final = 2**32


def is_point(x: int, y: int) -> bool:
    """Whether these can be coordinates."""
    return 0 <= x < FIELD and 0 <= y < FIELD


def why_not_signer(state: State, account_id: int, signature: Sequence[int]) -> str | None:
    """The code if the account must sign and did not, or the other way round, or has another key by now."""
    account = state.accounts_by_id.get(account_id)
    key = account.key if account is not None and account.signs else None
    if key is None:
        return "not_self_custody" if signature else None
    if not signature:
        return "signature_required"
    return None if (key.x, key.y) == tuple(signature[:2]) else "key_changed"


def is_signature(nonce: int, r_x: int, r_y: int, s: int) -> bool:
    """Whether these can be a nonce and a signature."""
    return 0 <= nonce <= MAX_ID and is_point(r_x, r_y) and 0 <= s < SUBGROUP


def is_order_signature(state: State, signature: Sequence[int]) -> bool:
    """Whether what was signed of an order is within its ranges."""
    _, _, leaves, id, sell_total, buy_total, valid_until, max_fee_bps, r_x, r_y, s = signature
    return (
        leaves in LEAVES
        and state.leaves in (0, leaves)
        and 1 <= sell_total <= MAX_AMOUNT
        and 1 <= buy_total <= MAX_AMOUNT
        and 0 <= valid_until <= MAX_TIME_S
        and 0 <= max_fee_bps <= MAX_BPS
        and id >= 1
        and is_signature(id, r_x, r_y, s)
    )


def can_be_signed(terms: Terms, valid_until: int) -> bool:
    """Whether an order is one that the chain can check: a limit that cannot trade when its signature has ended."""
    _, type, tif, _, stop, _, quote, _, _, expires, _, trail, _ = terms
    if type != LIMIT or quote:
        return False
    if tif == GTD:
        return expires <= valid_until * SECOND_US
    return tif in (IOC, FOK) and not is_conditional(stop, trail)


def totals_of(seat: Seat, side: int, price: int, size: int) -> tuple[int, int]:
    """(atoms sold, atoms bought) at most, by an order that is filled whole at its limit."""
    market = seat.market
    quote, base = price * size * market.unit, size * market.lot_atoms
    return (quote, base) if side == BUY else (base, quote)


def why_not_signed(state: State, seat: Seat, terms: Terms, signature: Sequence[int]) -> str | None:
    """The code of the first check that a new order's signature fails, or None."""
    leaves, id, sell_total, buy_total, valid_until, max_fee_bps = signature[2:8]
    if valid_until * SECOND_US <= state.time_us:
        return "invalid_expiry"
    if totals_of(seat, terms[0], terms[3], terms[5]) != (sell_total, buy_total):
        return "signature_mismatch"
    account = seat.account
    assert account.key is not None
    last_id, last_order = account.key.leaves.get(id % leaves, (0, 0))
    if id <= last_id or last_order in account.orders:
        return "order_id_used"
    return "fee_cap_too_low" if is_cap_too_low(seat, max_fee_bps * PPM_OF_BPS) else None


def why_not_signed_anew(order: Order, price: int, size: int, signature: Sequence[int]) -> str | None:
    """The same for an order that is amended to `price` and `size`."""
    id, sell_total, buy_total, _, max_fee_bps = signature[3:8]
    assert order.special is not None
    totals = totals_of(order.seat, order.side, price, size)
    if id != order.special.signed or totals != (sell_total, buy_total):
        return "signature_mismatch"
    return "fee_cap_too_low" if is_cap_too_low(order.seat, max_fee_bps * PPM_OF_BPS) else None


def is_cap_too_low(seat: Seat, max_fee_ppm: int) -> bool:
    """Whether the account may be charged more in this market than a signature allows."""
    return max_fee_ppm < seat.maker_ppm or max_fee_ppm < seat.taker_ppm


def sign(state: State, order: Order, signature: Sequence[int]) -> Event:
    """Note what an order was signed with; a new one takes its leaf. Returns its `signed`."""
    seat = order.seat
    account = seat.account
    leaves, id, _, _, _, max_fee_bps = signature[2:8]
    order.special = special = order.special or Special()
    special.signed = id
    special.max_fee_ppm = max_fee_bps * PPM_OF_BPS
    assert account.key is not None
    account.key.leaves[id % leaves] = (id, order.id)
    state.leaves = leaves
    return ("signed", order.id, account.id, seat.market.id, order.side, *signature[2:])


def as_plain(command: Any, kind: str, fields: int) -> tuple[Any, list[Any]]:
    """The signature, of so many fields, in front of a command, and the plain command of that kind behind it."""
    return command[2 : 2 + fields], [kind, command[1], *command[2 + fields :]]
