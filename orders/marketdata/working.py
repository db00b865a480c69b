"""Orders that are open, folded from events, so that a private update can carry the whole order.

Pure. An order is here from its `new` to its end; the last state of an ended one goes out once.
"""

from collections.abc import Sequence
from typing import Any, Final

from orders.placed import CANCELED, EXPIRED, FILLED, OPEN, WAITING


class WorkingOrder:
    """One order: the fields of its `new` event, and what became of it since. Ticks, lots, atoms, microseconds."""

    __slots__ = (
        "account", "client_id", "created_us", "done_reason", "expires_us", "fee", "filled_lots", "filled_quote", "id",
        "is_waiting", "market", "post_only", "price", "quote", "sequence", "side", "size", "stop", "stp", "tif", "type",
        "updated_us",
    )  # fmt: skip

    def __init__(self, new: Sequence[Any], sequence: int, time_us: int) -> None:
        (
            _, self.id, self.account, self.market, self.side, self.type, self.tif, self.price, self.stop,
            self.size, self.quote, self.post_only, self.stp, self.expires_us, self.client_id,
        ) = new  # fmt: skip
        self.is_waiting = False
        self.filled_lots = self.filled_quote = self.fee = 0
        self.done_reason = ""
        self.sequence = sequence
        self.created_us = self.updated_us = time_us

    @property
    def status(self) -> str:
        """Where the order stands, as orders.placed has it."""
        if self.done_reason == FILLED:
            return FILLED
        if self.done_reason:
            return EXPIRED if self.done_reason == EXPIRED else CANCELED
        if self.is_waiting:
            return WAITING
        return OPEN

    def dump(self) -> list[Any]:
        """As JSON-able values; amounts as text, since they may go beyond 64 bits."""
        values = [getattr(self, name) for name in _DUMPED]
        return [str(value) if name in _BIG else value for name, value in zip(_DUMPED, values, strict=True)]

    @classmethod
    def load(cls, values: Sequence[Any]) -> "WorkingOrder":
        """What `dump` gave."""
        order = cls.__new__(cls)
        for name, value in zip(_DUMPED, values, strict=True):
            setattr(order, name, int(value) if name in _BIG else value)
        return order


_DUMPED: Final = tuple(sorted(WorkingOrder.__slots__))
_BIG: Final = frozenset({"fee", "filled_quote", "quote", "size", "filled_lots"})


class WorkingOrders:
    """Open orders by id and by account; remembers which changed since they were last taken."""

    __slots__ = ("_by_account", "_changed", "orders")

    def __init__(self) -> None:
        self.orders: dict[int, WorkingOrder] = {}
        self._by_account: dict[int, dict[int, WorkingOrder]] = {}
        self._changed: dict[int, WorkingOrder] = {}

    def of(self, account: int) -> list[WorkingOrder]:
        """The account's open orders, in the order they came."""
        return list(self._by_account.get(account, {}).values())

    def take_changed(self) -> dict[int, list[WorkingOrder]]:
        """Orders by account that changed since the last call, ended ones too."""
        by_account: dict[int, list[WorkingOrder]] = {}
        for order in self._changed.values():
            by_account.setdefault(order.account, []).append(order)
        self._changed = {}
        return by_account

    def insert(self, order: WorkingOrder) -> None:
        """Put an order among the open ones without marking it as changed."""
        self.orders[order.id] = order
        self._by_account.setdefault(order.account, {})[order.id] = order

    def new(self, event: Sequence[Any], sequence: int, time_us: int) -> None:
        """A `new` event."""
        order = WorkingOrder(event, sequence, time_us)
        self.insert(order)
        self._changed[order.id] = order

    def touch(self, order_id: int, sequence: int, time_us: int) -> WorkingOrder:
        """The order that an event names, marked as changed by it."""
        order = self.orders[order_id]
        order.sequence = sequence
        order.updated_us = time_us
        self._changed[order_id] = order
        return order

    def end(self, order: WorkingOrder, reason: str) -> None:
        """The order is open no more."""
        order.done_reason = reason
        order.is_waiting = False
        del self.orders[order.id]
        mine = self._by_account[order.account]
        del mine[order.id]
        if not mine:
            del self._by_account[order.account]
