"""The state manager: the journal's events become blocks, and the trees what the engine's balances are.

Pure: where blocks are kept, keys come from and the journal is read is for rollup.projection. After StateWrong the
manager must be thrown away: what it has in memory is not to be trusted, and nothing of it may be stored.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from rollup.state.babyjubjub import Point
from rollup.state.blocks import seal
from rollup.state.book import Book, Position, StateWrong
from rollup.state.eddsa import PrivateKey
from rollup.state.folding import SECOND_US, Folding
from rollup.state.ledger import Ledger, SlotRefused
from rollup.state.published import NotPublishedSo, apply_block, slot_words
from rollup.state.slots import NO_SIGNATURE, SET_KEY, WITH_NONCE, WITHDRAW, Slot, commitment, message, words


class Authority(Protocol):
    """What sealing needs from outside."""

    def domain(self) -> int:
        """The contract's domain."""

    def key(self, number: int) -> PrivateKey:
        """The key of a custodial account by its L2 number. LookupError if there is none."""

    def by_hand(self) -> int:
        """Where withdrawals go on L1 that somebody carries out by hand: the exchange's own address."""


@dataclass(frozen=True)
class SealedBlock:
    """A block as it was sealed, or, of one `replayed`, as it was found again; `slots` without the noops at its end."""

    number: int
    first: Position
    last: Position
    time_s: int
    old_root: int
    new_root: int
    slots: list[Slot]
    trades: int
    first_trade: int | None
    first_entry: int | None
    last_entry: int | None
    data: list[int]
    h: int
    # The circuit's but for gamma.
    inputs: dict[str, Any]


@dataclass(frozen=True)
class StoredBlock:
    """What a replay must find again: where a block ends, and the words it published."""

    number: int
    last: Position
    data: list[int]


class Manager:
    """Folds events and seals blocks. `sealed` hears of every new block, at once and in order.

    `number`: of the last block that the ledger holds. While blocks are expected (`expect`) events are folded into
    those, and each must come out as it was stored.
    """

    def __init__(
        self, ledger: Ledger, book: Book, authority: Authority, *, number: int, sealed: Callable[[SealedBlock], None]
    ) -> None:
        self.ledger = ledger
        self.book = book
        self.number = number
        self._authority = authority
        self._sealed = sealed
        self._expected: list[StoredBlock] = []
        self._supply = dict(book.supply)
        self._folding = Folding(ledger.parameters, book, self._close_for_room)

    @property
    def open_slots(self) -> int:
        """How many slots the open block needs so far, at most."""
        return self._folding.block.size

    def expect(self, blocks: Sequence[StoredBlock]) -> None:
        """Blocks that were sealed of the events to come."""
        self._expected = list(reversed(blocks))

    def fold(self, event: Sequence[Any], position: Position, time_us: int) -> None:
        """Take the journal's next event of folding.KINDS. Raises StateWrong."""
        if self._expected and position > self._expected[-1].last:
            self._close_expected()
        self._folding.fold(event, position, time_us)

    def end_replay(self) -> None:
        """All events are folded of which blocks were expected. StateWrong if one is still missing."""
        if self._expected:
            self._close_expected()
        if self._expected:
            raise StateWrong("boundary_differs", f"the journal ends before block {self._expected[-1].number} does")

    def close(self) -> SealedBlock | None:
        """Seal what is open; None if that is nothing. Raises StateWrong."""
        return None if self._folding.block.is_empty else self._seal()

    def _close_for_room(self) -> None:
        if self._expected:
            raise StateWrong("boundary_differs", f"block {self._expected[-1].number} has no room for its events")
        self._seal()

    def _close_expected(self) -> None:
        expected = self._expected.pop()
        block = self._folding.block
        if block.is_empty or expected.number != self.number + 1:
            raise StateWrong("boundary_differs", f"there is nothing for block {expected.number}")
        block.flush_all()
        self._enter_domain(expected.data[0])
        self._check_slots(block.slots, expected)
        touched = _touched(block.slots)
        before = self._held(touched)
        try:
            published = apply_block(self.ledger, expected.data)
        except NotPublishedSo as wrong:
            raise StateWrong("root_differs", f"block {expected.number}: {wrong}") from wrong
        if published.timestamp != block.time_us // SECOND_US:
            raise StateWrong("boundary_differs", f"block {expected.number} has another time")
        self._finish(touched, before)

    def _enter_domain(self, domain: int) -> None:
        # A ledger without blocks belongs to no contract yet.
        if self.number and domain != self.ledger.domain:
            raise StateWrong("deployment_differs", f"block {self.number} is of another contract, or of another chain")
        self.ledger.domain = domain

    def _check_slots(self, slots: Sequence[Slot], expected: StoredBlock) -> None:
        found = slot_words(expected.data)
        # Where money went that was paid out by hand the journal does not say.
        by_hand = {place for place, slot in enumerate(slots) if slot.op == WITHDRAW and not slot.recipient}
        planned = [words(slot) for slot in slots] + [words(Slot())] * (len(found) - len(slots))
        if [(*one[:2], 0) if place in by_hand else one for place, one in enumerate(found)] != planned:
            raise StateWrong("slots_differ", f"block {expected.number} was sealed of other events")

    def _seal(self) -> SealedBlock:
        block = self._folding.block
        block.flush_all()
        self._enter_domain(self._authority.domain())
        old_root = self.ledger.root
        slots, ours = self._sign(block.slots)
        touched = _touched(slots)
        before = self._held(touched)
        time_s = block.time_us // SECOND_US
        try:
            data, inputs = seal(self.ledger, slots, number=self.number + 1, timestamp=time_s, verified=ours)
        except SlotRefused as refused:
            raise StateWrong("slot_refused", f"block {self.number + 1}: {refused.code}") from refused
        self._finish(touched, before)
        sealed = SealedBlock(
            number=self.number, first=block.first, last=self._folding.position, time_s=time_s, old_root=old_root,
            new_root=self.ledger.root, slots=slots, trades=block.trades, first_trade=block.first_trade,
            first_entry=block.first_entry, last_entry=block.last_entry, data=data, h=commitment(data), inputs=inputs,
        )  # fmt: skip
        self._sealed(sealed)
        return sealed

    def _sign(self, planned: Sequence[Slot]) -> tuple[list[Slot], set[int]]:
        """The slots with nonces and signatures of custodial accounts, and which of them have those."""
        # Keys and nonces as they will be when a slot's turn comes.
        nonces: dict[int, int] = {}
        owners: dict[int, Point] = {}
        slots, ours = [], set()
        for place, slot in enumerate(planned):
            signed = slot
            if slot.op in WITH_NONCE:
                account = self.ledger.account(slot.account)
                nonce = nonces.get(slot.account, account.nonce)
                nonces[slot.account] = nonce + 1
                if slot.signature == NO_SIGNATURE:
                    signed = self._signed(slot, nonce, owners.get(slot.account, account.key))
                    ours.add(place)
            elif slot.op == SET_KEY:
                nonces[slot.account], owners[slot.account] = slot.nonce, slot.new_key
            slots.append(signed)
        return slots, ours

    def _signed(self, slot: Slot, nonce: int, owner: Point) -> Slot:
        recipient = slot.recipient
        if slot.op == WITHDRAW and not recipient:
            recipient = self._authority.by_hand()
        try:
            key = self._authority.key(slot.account)
        except LookupError as error:
            raise StateWrong("key_missing", f"account {slot.account}: {error}") from error
        if key.public != owner:
            raise StateWrong("key_differs", f"the key kept for account {slot.account} is not the one registered")
        unsigned = replace(slot, nonce=nonce, recipient=recipient)
        return replace(unsigned, signature=key.sign(message(self.ledger.domain, unsigned)))

    def _finish(self, touched: set[tuple[int, int]], before: dict[tuple[int, int], int]) -> None:
        """Whether the trees say what the engine's events say; then the next block may begin."""
        after = self._held(touched)
        for (number, token), amount in after.items():
            total = self.book.total(number, token)
            if amount != total:
                raise StateWrong(
                    "balance_differs", f"account {number} has {amount} of token {token} in the tree, and {total} in all"
                )
        changes: dict[int, int] = {}
        for key, amount in after.items():
            changes[key[1]] = changes.get(key[1], 0) + amount - before[key]
        for token in changes.keys() | self.book.supply.keys():
            entered = self.book.supply.get(token, 0) - self._supply.get(token, 0)
            if changes.get(token, 0) != entered:
                raise StateWrong("supply_differs", f"token {token}: {changes.get(token, 0)} instead of {entered}")
        self._supply = dict(self.book.supply)
        self.number += 1
        self._folding.start_block()

    def _held(self, touched: set[tuple[int, int]]) -> dict[tuple[int, int], int]:
        return {(number, token): self.ledger.account(number).balances.get(token) for number, token in touched}


def check_state(ledger: Ledger, book: Book) -> None:
    """Whether the trees hold, of each token, what came in and has not left. Raises StateWrong."""
    sums: dict[int, int] = {}
    for account in ledger.accounts.values():
        for token, amount in account.balances.leaves():
            sums[token] = sums.get(token, 0) + amount
    supply = {token: amount for token, amount in book.supply.items() if amount}
    if sums != supply:
        raise StateWrong("supply_differs", f"the trees hold {sums} by token, and {supply} came in")


def _touched(slots: Sequence[Slot]) -> set[tuple[int, int]]:
    return {(slot.account, token) for slot in slots for token in slot.tokens}
