"""Orders that are open, folded from events, so that a private update can carry the whole order.

Pure. An order is here from its `new` to its end; the last state of an ended one goes out once.
"""

from collections.abc import Sequence
from typing import Any, Final

from orders.placed import CANCELED, EXPIRED, FILLED, OPEN, PENDING, WAITING, is_live, new_fields


class WorkingOrder:
    """One order: the fields of its `new` event, and what became of it since. Ticks, lots, atoms, microseconds."""

    __slots__ = (
        "account", "client_id", "created_us", "display", "done_reason", "expires_us", "fee", "filled_lots",
        "filled_quote", "id", "is_pending", "is_waiting", "list_id", "market", "post_only", "price", "quote",
        "sequence", "side", "size", "stop", "stp", "tif", "trail_ppm", "trigger", "type", "updated_us",
        "working_us",
    )  # fmt: skip

    def __init__(self, new: Sequence[Any], sequence: int, time_us: int) -> None:
        (
            self.id, self.account, self.market, self.side, self.type, self.tif, self.price, self.stop,
            self.size, self.quote, self.post_only, self.stp, self.expires_us, self.trigger, self.trail_ppm,
            self.display, self.client_id,
        ) = new_fields(new)  # fmt: skip
        self.list_id = 0
        self.is_waiting = self.is_pending = False
        self.filled_lots = self.filled_quote = self.fee = 0
        self.done_reason = ""
        self.sequence = sequence
        self.created_us = self.updated_us = time_us
        # Since when it matches or rests; 0 while it waits for a price or for another order.
        self.working_us = 0 if self.stop or self.trail_ppm else time_us

    @property
    def status(self) -> str:
        """Where the order stands, as orders.placed has it."""
        if self.done_reason == FILLED:
            return FILLED
        if self.done_reason:
            return EXPIRED if self.done_reason == EXPIRED else CANCELED
        if self.is_waiting:
            return WAITING
        if self.is_pending:
            return PENDING
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
_BIG: Final = frozenset({"display", "expires_us", "fee", "filled_lots", "filled_quote", "quote", "size"})


class WorkingList:
    """A live list: what its `list` event said, and its legs while at least two of them are open."""

    __slots__ = ("account", "client_id", "created_us", "done", "id", "kind", "legs", "market", "sequence", "updated_us")

    def __init__(self, event: Sequence[Any], sequence: int, time_us: int) -> None:
        _, self.id, self.account, self.market, self.kind, order_ids, self.client_id = event
        self.created_us = self.updated_us = time_us
        self.sequence = sequence
        # Each leg's id and client id; the legs' `new` events follow.
        self.legs: dict[int, str] = dict.fromkeys(order_ids, "")
        self.done: list[int] = []

    @property
    def is_live(self) -> bool:
        """Whether its legs still depend on each other."""
        return is_live("done" if id in self.done else "" for id in self.legs)

    def dump(self) -> list[Any]:
        """As JSON-able values."""
        return [
            self.id, self.account, self.market, self.kind, self.client_id, self.created_us, self.updated_us,
            self.sequence, list(self.legs.items()), self.done,
        ]  # fmt: skip

    @classmethod
    def load(cls, values: Sequence[Any]) -> "WorkingList":
        """What `dump` gave."""
        made = cls.__new__(cls)
        (
            made.id, made.account, made.market, made.kind, made.client_id, made.created_us, made.updated_us,
            made.sequence, legs, made.done,
        ) = values  # fmt: skip
        made.legs = dict(legs)
        return made


class WorkingOrders:
    """Open orders by id and by account; remembers which changed since they were last taken."""

    __slots__ = ("_by_account", "_changed", "_changed_lists", "lists", "orders")

    def __init__(self) -> None:
        # Live lists by the ids of their legs.
        self.lists: dict[int, WorkingList] = {}
        self._changed_lists: dict[int, WorkingList] = {}
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

    def take_changed_lists(self) -> dict[int, list[WorkingList]]:
        """Lists by account that began or ended since the last call."""
        by_account: dict[int, list[WorkingList]] = {}
        for order_list in self._changed_lists.values():
            by_account.setdefault(order_list.account, []).append(order_list)
        self._changed_lists = {}
        return by_account

    def lists_of(self, account: int) -> list[WorkingList]:
        """The account's live lists, in the order they came."""
        found = {
            id(self.lists[order]): self.lists[order]
            for order in self._by_account.get(account, ())
            if order in self.lists
        }
        return list(found.values())

    def insert_list(self, order_list: WorkingList) -> None:
        """Put a list among the live ones without marking it as changed."""
        for order in order_list.legs:
            self.lists[order] = order_list

    def new_list(self, event: Sequence[Any], sequence: int, time_us: int) -> None:
        """A `list` event."""
        order_list = WorkingList(event, sequence, time_us)
        self.insert_list(order_list)
        self._changed_lists[order_list.id] = order_list

    def insert(self, order: WorkingOrder) -> None:
        """Put an order among the open ones without marking it as changed."""
        self.orders[order.id] = order
        self._by_account.setdefault(order.account, {})[order.id] = order

    def new(self, event: Sequence[Any], sequence: int, time_us: int) -> None:
        """A `new` event."""
        order = WorkingOrder(event, sequence, time_us)
        order_list = self.lists.get(order.id)
        if order_list is not None:
            order.list_id = order_list.id
            order_list.legs[order.id] = order.client_id
        self.insert(order)
        self._changed[order.id] = order

    def touch(self, order_id: int, sequence: int, time_us: int) -> WorkingOrder:
        """The order that an event names, marked as changed by it."""
        order = self.orders[order_id]
        order.sequence = sequence
        order.updated_us = time_us
        self._changed[order_id] = order
        return order

    def touched(self, order_id: int) -> WorkingOrder:
        """An order, maybe ended, that changed since `take_changed`."""
        return self._changed[order_id]

    def end(self, order: WorkingOrder, reason: str) -> None:
        """The order is open no more."""
        order.done_reason = reason
        order.is_waiting = order.is_pending = False
        if order.list_id and order.id in self.lists:
            self._end_leg(self.lists[order.id], order)
        del self.orders[order.id]
        mine = self._by_account[order.account]
        del mine[order.id]
        if not mine:
            del self._by_account[order.account]

    def _end_leg(self, order_list: WorkingList, order: WorkingOrder) -> None:
        order_list.done.append(order.id)
        order_list.sequence, order_list.updated_us = order.sequence, order.updated_us
        if not order_list.is_live:
            for id in order_list.legs:
                del self.lists[id]
            self._changed_lists[order_list.id] = order_list
