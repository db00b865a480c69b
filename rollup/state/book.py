"""What the state manager knows from one block to the next besides the trees: markets, account numbers, signed orders.

Folded from the journal's events alone; together with the trees it is all that a restart needs (rollup.state.records).
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from rollup.state.eddsa import Signature
from rollup.state.slots import SignedOrder

CUSTODY_OURS: Final = 1

# Where an event stands: the sequence of its command, and its ordinal within it.
Position = tuple[int, int]


class StateWrong(Exception):
    """The journal, the state and the blocks contradict each other: nothing may be sealed until that is understood.

    `code` is stable: account_not_registered, account_out_of_range, token_out_of_range, foreign_deposit, queue_gap,
    unknown_market, unsigned_trade, wrong_order_leaves, signature_missing, beyond_capacity, balance_differs,
    supply_differs, root_differs, slots_differ, boundary_differs, slot_refused, key_missing, key_differs,
    checkpoint_differs, deployment_differs.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


class Market(NamedTuple):
    """The tokens that a market's trades move."""

    base: int
    quote: int


class AcceptedOrder(NamedTuple):
    """An order that its owner signed, as last accepted. `rank`: where in the journal that was."""

    number: int
    sells: int
    buys: int
    order: SignedOrder
    signature: Signature
    rank: Position


@dataclass
class Book:
    """Everything by the engine's ids but `totals`, which is by (L2 number, token): available + held, in atoms."""

    markets: dict[int, Market] = field(default_factory=dict)
    # Engine account to L2 number; account 0 collects fees and is there from the start.
    numbers: dict[int, int] = field(default_factory=lambda: {0: 0})
    # L2 numbers whose key is their owner's own.
    self_custody: set[int] = field(default_factory=set)
    orders: dict[int, AcceptedOrder] = field(default_factory=dict)
    totals: dict[tuple[int, int], int] = field(default_factory=dict)
    # By token: what came by the queue and has not left by it, nor by withdrawals.
    supply: dict[int, int] = field(default_factory=dict)
    # How many there were over all markets, from the journal's first on: each has its number.
    trades: int = 0
    # The engine's source whose indices are those of the contract's queue; None until the first account is registered.
    source: int | None = None
    last_entry: int = 0

    def number_of(self, account: int) -> int:
        """The L2 number of an engine account. StateWrong if it has none."""
        number = self.numbers.get(account)
        if number is None:
            raise StateWrong("account_not_registered", f"account {account} has no number on L2")
        return number

    def total(self, number: int, token: int) -> int:
        """What an account has of a token."""
        return self.totals.get((number, token), 0)

    def move(self, number: int, token: int, amount: int) -> None:
        """Add to what an account has of a token."""
        key = number, token
        self.totals[key] = self.totals.get(key, 0) + amount

    def enter(self, token: int, amount: int) -> None:
        """Value comes in, or, below 0, goes out."""
        self.supply[token] = self.supply.get(token, 0) + amount
