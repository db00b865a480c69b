"""A slot: one change of one account, what is signed for it and what is published of it (docs/rollup.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from rollup.state.babyjubjub import IDENTITY, Point
from rollup.state.eddsa import Signature
from rollup.state.field import poseidon

NOOP, SETTLE, NET, FEE, TRANSFER, CREDIT, WITHDRAW, DEPOSIT, SET_KEY, FORCED_EXIT = range(10)
OPERATIONS: Final = (
    "noop", "settle", "net", "fee", "transfer", "credit", "withdraw", "deposit", "set_key", "forced_exit",
)  # fmt: skip
WITH_NONCE: Final = frozenset({NET, TRANSFER, WITHDRAW})
SIGNED: Final = WITH_NONCE | {SETTLE}
TRADING: Final = frozenset({SETTLE, NET})

AMOUNT_BITS: Final = 96
ID_BITS: Final = 64
TIME_BITS: Final = 40
MAX_BPS: Final = 10_000

SELL, BUY = 0, 1
FEE_ACCOUNT: Final = 0


class SignedOrder(NamedTuple):
    """What a self-custody account signs: give at most `sell_total` of one token, get `buy_total` or better of another.

    `id` 1 … 2^64 - 1; `side` says which total is the one that must not be exceeded; `valid_until` in seconds since
    the epoch, exclusive; `max_fee_bps` 0 … 10,000 of what is bought.
    """

    id: int
    side: int
    sell_total: int
    buy_total: int
    valid_until: int
    max_fee_bps: int


NO_KEY: Final = Point(0, 0)
NO_SIGNATURE: Final = Signature(IDENTITY, 0)


@dataclass(frozen=True)
class Slot:
    """One slot. Tokens and amounts come in two legs; unused ones are 0.

    `credits[leg]` is 1 where a net adds the amount, and 0 where it takes it; `fees[leg]` in atoms of the leg's token
    (settle: of the second only). `nonce` is the account's, for what is signed with one; of a set_key it is the one that
    the account gets: the index of the queue's entry · 2^32, above all that were used.
    """

    op: int = NOOP
    account: int = 0
    tokens: tuple[int, int] = (0, 0)
    amounts: tuple[int, int] = (0, 0)
    credits: tuple[int, int] = (0, 0)
    fees: tuple[int, int] = (0, 0)
    order: SignedOrder | None = None
    nonce: int = 0
    to: int = 0
    recipient: int = 0
    new_key: Point = NO_KEY
    signature: Signature = NO_SIGNATURE

    @property
    def id(self) -> int:
        """The order's id, or the nonce."""
        return self.order.id if self.order else self.nonce

    @property
    def side(self) -> int:
        """1 for an order that buys, else 0."""
        return self.order.side if self.order else SELL

    @property
    def fee_or_sell_total(self) -> int:
        """The two never occur together, and share a place in the circuit and in the message."""
        return self.order.sell_total if self.order else self.fees[0]


def message(domain: int, slot: Slot) -> int:
    """The field element that the account's owner signs for a settle, net, transfer or withdraw."""
    order = slot.order
    signed_amount = 0 if order else slot.amounts[0]
    third = {
        SETTLE: order.buy_total if order else 0,
        NET: slot.amounts[1] + (slot.fees[1] << AMOUNT_BITS),
        TRANSFER: slot.to,
        WITHDRAW: slot.recipient,
    }
    return poseidon(
        domain,
        _what(slot) + (slot.id << 44),
        signed_amount
        + (slot.fee_or_sell_total << 96)
        + (slot.credits[0] << 192)
        + (slot.credits[1] << 193)
        + (slot.side << 194)
        + ((order.valid_until if order else 0) << 195)
        + ((order.max_fee_bps if order else 0) << 235),
        third[slot.op],
    )


def words(slot: Slot) -> tuple[int, int, int]:
    """The three published words, from which alone the change can be made again."""
    order_or_fee = slot.id + (slot.side << ID_BITS) if slot.op in (SETTLE, SET_KEY) else slot.fees[0]
    first = (
        _what(slot)
        + (slot.amounts[0] << 44)
        + (order_or_fee << 140)
        + (slot.credits[0] << 236)
        + (slot.credits[1] << 237)
    )
    if slot.op == SET_KEY:
        return first, slot.new_key.x, slot.new_key.y
    return first, slot.amounts[1] + (slot.fees[1] << AMOUNT_BITS), slot.recipient if slot.op == WITHDRAW else 0


def domain_of(chain_id: int, contract: int) -> int:
    """What ties signatures and data to one contract on one chain; `contract` is its address as a number."""
    return (chain_id << 160) + contract


def _what(slot: Slot) -> int:
    return slot.op + (slot.account << 4) + (slot.tokens[0] << 28) + (slot.tokens[1] << 36)


CHUNK: Final = 11


def commitment(data: Sequence[int]) -> int:
    """The hash h of a block's data: a chain of Poseidon(12), the running hash first, filled up with zeros."""
    h = 0
    for start in range(0, len(data), CHUNK):
        chunk = list(data[start : start + CHUNK])
        h = poseidon(h, *chunk, *[0] * (CHUNK - len(chunk)))
    return h
