"""The state from what was published alone: no signatures, no journal, nothing of the operator's.

Whoever has the data of all blocks, which the chain keeps, has all balances, orders and keys, and with them the paths
that prove a balance to the contract.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from rollup.state.babyjubjub import Point
from rollup.state.ledger import L2Account, Ledger
from rollup.state.parameters import Parameters
from rollup.state.slots import (  # fmt: skip
    AMOUNT_BITS,
    BUY,
    CREDIT,
    DEPOSIT,
    FEE,
    ID_BITS,
    NET,
    NOOP,
    OPERATIONS,
    SET_KEY,
    SETTLE,
    WITH_NONCE,
    WITHDRAW,
)

HEADER_WORDS: Final = 5
WORDS_PER_SLOT: Final = 3
_AMOUNT: Final = 2**AMOUNT_BITS
_CREDITED: Final = frozenset({FEE, CREDIT, DEPOSIT})


class NotPublishedSo(Exception):
    """Data that do not follow on the state, or do not lead to the root that they name."""


class PublishedSlot(NamedTuple):
    """A slot as it was published. Amounts in atoms; `id` of an order or the nonce that a set_key leaves, else 0."""

    op: int
    account: int
    tokens: tuple[int, int]
    amounts: tuple[int, int]
    credits: tuple[int, int]
    fees: tuple[int, int]
    id: int
    side: int
    recipient: int
    key: Point

    @property
    def operation(self) -> str:
        """The name of what it does."""
        return OPERATIONS[self.op]

    def change(self, leg: int) -> int:
        """What it adds to the account's balance of the leg's token; negative for what it takes."""
        amount = self.amounts[leg]
        if self.op == NET:
            return (amount if self.credits[leg] else -amount) - self.fees[leg]
        if leg == 1 or self.op in _CREDITED:
            return amount - self.fees[leg]
        return -amount


class PublishedBlock(NamedTuple):
    """A block as it was published."""

    domain: int
    old_root: int
    new_root: int
    timestamp: int
    number: int
    slots: list[PublishedSlot]


def read_block(data: Sequence[int]) -> PublishedBlock:
    """What a block's words say. NotPublishedSo if they are not a header and whole slots."""
    slots = [_read_slot(*words) for words in slot_words(data)]
    domain, old_root, new_root, timestamp, number = data[:HEADER_WORDS]
    return PublishedBlock(domain, old_root, new_root, timestamp, number, slots)


def slot_words(data: Sequence[int]) -> list[tuple[int, ...]]:
    """The words of each slot, from those of a block. NotPublishedSo if they are not a header and whole slots."""
    body = data[HEADER_WORDS:]
    if len(data) < HEADER_WORDS or len(body) % WORDS_PER_SLOT:
        raise NotPublishedSo("not a header and slots of three words")
    return [tuple(body[at : at + WORDS_PER_SLOT]) for at in range(0, len(body), WORDS_PER_SLOT)]


def apply_block(ledger: Ledger, data: Sequence[int]) -> PublishedBlock:
    """Make a published block's changes again. NotPublishedSo, with the state spoiled, if the roots are not as told."""
    block = read_block(data)
    if block.old_root != ledger.root:
        raise NotPublishedSo(f"block {block.number} begins at another root")
    for slot in block.slots:
        if slot.op != NOOP:
            _apply(ledger, slot)
    if block.new_root != ledger.root:
        raise NotPublishedSo(f"block {block.number} leads to another root")
    return block


def empty_root(parameters: Parameters) -> int:
    """The root before the first block."""
    return Ledger(parameters, 0).root


def _read_slot(first: int, second: int, third: int) -> PublishedSlot:
    op = first % 16
    if op >= len(OPERATIONS):
        raise NotPublishedSo(f"operation {op}")
    shared = first >> 140 & (_AMOUNT - 1)
    has_id = op in (SETTLE, SET_KEY)
    has_second_leg = op != SET_KEY
    return PublishedSlot(
        op=op, account=first >> 4 & 0xFFFFFF, tokens=(first >> 28 & 0xFF, first >> 36 & 0xFF),
        amounts=(first >> 44 & (_AMOUNT - 1), second % _AMOUNT if has_second_leg else 0),
        credits=(first >> 236 & 1, first >> 237 & 1),
        fees=(0 if has_id else shared, second >> AMOUNT_BITS if has_second_leg else 0),
        id=shared % 2**ID_BITS if has_id else 0, side=shared >> ID_BITS if op == SETTLE else 0,
        recipient=third if op == WITHDRAW else 0, key=Point(0, 0) if has_second_leg else Point(second, third),
    )  # fmt: skip


def _apply(ledger: Ledger, slot: PublishedSlot) -> None:
    account = ledger.account(slot.account)
    for leg, token in enumerate(slot.tokens):
        # Checked by the proof, and here only so far that the tree can hold it.
        balance = account.balances.get(token) + slot.change(leg)
        if not 0 <= balance < _AMOUNT:
            raise NotPublishedSo(f"balance of account {slot.account}")
        account.balances.put(token, balance)
    if slot.op == SETTLE:
        _fill(ledger.parameters, account, slot)
    if slot.op == SET_KEY:
        account.key = slot.key
        account.nonce = slot.id
    if slot.op in WITH_NONCE:
        account.nonce += 1
    ledger.accounts[slot.account] = account
    ledger.tree.put(slot.account, account.leaf())


def _fill(parameters: Parameters, account: L2Account, slot: PublishedSlot) -> None:
    place = slot.id % parameters.orders
    old_id, old_filled = divmod(account.orders.get(place), _AMOUNT)
    counted = slot.amounts[1] if slot.side == BUY else slot.amounts[0]
    account.orders.put(place, slot.id * _AMOUNT + counted + (old_filled if old_id == slot.id else 0))
