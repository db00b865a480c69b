"""An open block: what has happened since the last one, netted into as few slots as can be.

A custodial account's trades become one signed change for each two of its tokens, a self-custody order's fills one
settle, all fees of a token one credit of account 0. What has to stand in its own place (a deposit, a transfer, …) first
flushes what is open of its accounts, so that the balance in the tree is then what the engine's was at that event.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from rollup.state.book import AcceptedOrder, Position
from rollup.state.slots import AMOUNT_BITS, FEE, FEE_ACCOUNT, NET, SETTLE, Slot

MAX_AMOUNT = 2**AMOUNT_BITS - 1


class Side(NamedTuple):
    """One side of a trade. Amounts in atoms; `fee` is taken from `gross`. `order`: what the owner signed, if he did."""

    number: int
    sells: int
    debit: int
    buys: int
    gross: int
    fee: int
    order_id: int
    order: AcceptedOrder | None


@dataclass
class Settling:
    """The fills of a self-custody order in this block."""

    order: AcceptedOrder
    debit: int = 0
    gross: int = 0
    fee: int = 0

    def slot(self) -> Slot:
        """The settle of all of them."""
        order = self.order
        return Slot(
            SETTLE, order.number, (order.sells, order.buys), (self.debit, self.gross), fees=(0, self.fee),
            order=order.order, signature=order.signature,
        )  # fmt: skip


@dataclass
class Leg:
    """What a custodial account's trades in this block did to one of its tokens: `amount` before fees, signed."""

    amount: int = 0
    fee: int = 0


@dataclass
class OpenBlock:
    """Slots in order so far, and what is still being netted. Never more than `capacity` slots together.

    A slot of a custodial account has neither nonce nor signature yet.
    """

    capacity: int
    first: Position = (0, 0)
    time_us: int = 0
    slots: list[Slot] = field(default_factory=list)
    trades: int = 0
    first_trade: int | None = None
    first_entry: int | None = None
    last_entry: int | None = None
    _nets: dict[int, dict[int, Leg]] = field(default_factory=dict)
    _settlings: dict[int, dict[int, Settling]] = field(default_factory=dict)
    _fees: dict[int, int] = field(default_factory=dict)
    # Slots that what is still open will need at most.
    _reserved: int = 0

    @property
    def is_empty(self) -> bool:
        """Nothing has happened that changes the state."""
        return not self.slots and not self._reserved

    @property
    def size(self) -> int:
        """Slots that it needs as it is now, at most."""
        return len(self.slots) + self._reserved

    def has_room(self, slots: int) -> bool:
        """Whether so many slots more have a place."""
        return self.size + slots <= self.capacity

    def has_room_for_trade(self, sides: tuple[Side, Side]) -> bool:
        """Whether a trade has a place: both sides and their fees."""
        return self.has_room(self._growth(sides)) and not self._overflows(sides)

    def is_settling(self, number: int, order_id: int) -> bool:
        """Whether fills of an order are open."""
        return order_id in self._settlings.get(number, {})

    def given_meanwhile(self, number: int, token: int) -> int:
        """Atoms of a token that an account's open settles take away again, debits and fees together.

        So much more than now the tree may hold of it in between: a settle brings all its proceeds at once.
        """
        return sum(
            settling.debit * (settling.order.sells == token) + settling.fee * (settling.order.buys == token)
            for settling in self._settlings.get(number, {}).values()
        )

    def trade(self, sides: tuple[Side, Side], number: int) -> None:
        """Net a trade in, the `number`-th of all; the caller has asked for room."""
        self.first_trade = number if self.first_trade is None else self.first_trade
        self._reserved += self._growth(sides)
        self.trades += 1
        for side in sides:
            if side.order is not None:
                self._settle(side, side.order)
            else:
                legs = self._nets.setdefault(side.number, {})
                legs.setdefault(side.sells, Leg()).amount -= side.debit
                bought = legs.setdefault(side.buys, Leg())
                bought.amount += side.gross
                bought.fee += side.fee
            if side.fee:
                self._fees[side.buys] = self._fees.get(side.buys, 0) + side.fee

    def append(self, *slots: Slot) -> None:
        """Slots that stand where they are; what is open of their accounts goes before them."""
        for slot in slots:
            self.flush(slot.account)
        self.slots += slots

    def flush(self, number: int) -> None:
        """Make slots of all that is open of an account."""
        if number == FEE_ACCOUNT:
            self._flush_fees()
        legs = self._nets.pop(number, {})
        self._reserved -= _pairs(len(legs))
        self.slots += _net_slots(number, legs)
        settlings = self._settlings.pop(number, {})
        self._reserved -= len(settlings)
        # In order of acceptance: what one holds was there when it was accepted, or came from those before it.
        self.slots += [one.slot() for one in sorted(settlings.values(), key=lambda one: one.order.rank)]

    def flush_all(self) -> None:
        """Make slots of all that is open; fees come last."""
        for number in [*self._nets, *self._settlings]:
            self.flush(number)
        self.flush(FEE_ACCOUNT)

    def consume(self, index: int) -> None:
        """Note an entry of the L1 queue."""
        self.first_entry = index if self.first_entry is None else self.first_entry
        self.last_entry = index

    def _settle(self, side: Side, order: AcceptedOrder) -> None:
        settlings = self._settlings.setdefault(side.number, {})
        settling = settlings.get(side.order_id)
        if settling is None:
            settling = settlings[side.order_id] = Settling(order)
        settling.debit += side.debit
        settling.gross += side.gross
        settling.fee += side.fee

    def _flush_fees(self) -> None:
        fees, self._fees = list(self._fees.items()), {}
        self._reserved -= _pairs(len(fees))
        for at in range(0, len(fees), 2):
            (first, one), (second, other) = [*fees[at : at + 2], (0, 0)][:2]
            self.slots.append(Slot(FEE, FEE_ACCOUNT, (first, second), (one, other)))

    def _growth(self, sides: tuple[Side, Side]) -> int:
        # Slots that a trade needs beyond those reserved.
        growth = 0
        tokens: dict[int, set[int]] = {}
        orders = set()
        fees = set()
        for side in sides:
            if side.order is not None:
                orders.add((side.number, side.order_id))
            else:
                tokens.setdefault(side.number, set()).update((side.sells, side.buys))
            if side.fee:
                fees.add(side.buys)
        for number, order_id in orders:
            growth += not self.is_settling(number, order_id)
        for number, new in tokens.items():
            known = self._nets.get(number, {})
            growth += _pairs(len(known.keys() | new)) - _pairs(len(known))
        return growth + _pairs(len(self._fees.keys() | fees)) - _pairs(len(self._fees))

    def _overflows(self, sides: tuple[Side, Side]) -> bool:
        # Turnover of a block, unlike a balance, has no bound of its own; a slot's fields have one.
        for side in sides:
            if self._fees.get(side.buys, 0) + sides[0].fee + sides[1].fee > MAX_AMOUNT:
                return True
            if side.order is not None:
                settling = self._settlings.get(side.number, {}).get(side.order_id) or Settling(side.order)
                if max(settling.debit + side.debit, settling.gross + side.gross) > MAX_AMOUNT:
                    return True
            else:
                legs = self._nets.get(side.number, {})
                sold, bought = legs.get(side.sells) or Leg(), legs.get(side.buys) or Leg()
                if max(side.debit - sold.amount, bought.amount + side.gross, bought.fee + side.fee) > MAX_AMOUNT:
                    return True
        return False


def _pairs(count: int) -> int:
    return (count + 1) // 2


def _net_slots(number: int, legs: dict[int, Leg]) -> list[Slot]:
    changed = [(token, leg) for token, leg in sorted(legs.items()) if leg.amount or leg.fee]
    slots = []
    for at in range(0, len(changed), 2):
        (first, one), (second, other) = [*changed[at : at + 2], (0, Leg())][:2]
        amounts, signs = (abs(one.amount), abs(other.amount)), (int(one.amount > 0), int(other.amount > 0))
        slots.append(Slot(NET, number, (first, second), amounts, credits=signs, fees=(one.fee, other.fee)))
    return slots
