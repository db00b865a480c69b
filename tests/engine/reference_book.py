"""The reference engine's accounts and book: one list of orders, searched anew for every question.

Nothing is cached: the best price, the queue of a level and a balance's held part are all found by scanning. It is the
naive model that the fast engine is compared with, so it shares nothing with it but the names of commands, and follows
docs/protocol.md sentence by sentence. How orders end, and what their lists make of that, is here too.
"""

from typing import Any

from matching.engine.commands import BUY, GTD, OCO, OTOCO, SELL
from tests.engine.reference_state import (
    BOOK,
    CLOSED,
    PENDING,
    RESTING,
    WAITING,
    Market,
    Order,
    OrderList,
    Registered,
)


class ReferenceBook:
    """Accounts, orders and how they end; `events` collects what the command at hand does."""

    max_meetings = 10_000
    max_fill_or_kill = 1_000
    max_turns = 100
    max_turn_trades = 1_000
    max_due = 1_000
    max_due_events = 10_000

    def __init__(self) -> None:
        self.sequence = 0
        self.time_us = 0
        self.events: list[tuple[Any, ...]] = []
        self.assets: dict[int, tuple[str, int]] = {}
        self.markets: dict[int, Market] = {}
        self.tiers: dict[int, int] = {}
        self.totals: dict[tuple[int, int], int] = {}
        self.orders: list[Order] = []
        self.closed: list[Order] = []
        self.order_ids = 0
        self.line = 0
        self.deadmen: dict[int, int] = {}
        self.sources: dict[int, int] = {}
        self.withdrawals: dict[int, list[Any]] = {}
        self.transfers: list[int] = []
        self.registered: dict[int, Registered] = {}
        self.registry: int | None = None
        self.leaves: int | None = None

    # Money

    def total(self, account: int, asset: int) -> int:
        return self.totals.get((account, asset), 0)

    def held(self, account: int, asset: int) -> int:
        in_orders = sum(o.held for o in self.orders if o.account == account and o.held_asset == asset)
        in_withdrawals = sum(
            amount
            for who, what, amount, status, _ in self.withdrawals.values()
            if (who, what, status) == (account, asset, "held")
        )
        return in_orders + in_withdrawals

    def available(self, account: int, asset: int) -> int:
        return self.total(account, asset) - self.held(account, asset)

    def give(self, account: int, asset: int, amount: int) -> None:
        self.totals[account, asset] = self.total(account, asset) + amount
        assert self.totals[account, asset] >= 0

    def fee_ppm(self, market: Market, account: int, column: int) -> int:
        tier = self.tiers.get(account, 0)
        return market.fees[min(tier, len(market.fees) - 1)][column]

    # The book

    def book(self, market: Market, side: int) -> list[Order]:
        """The resting orders of one side, best price first, then oldest first."""
        sign = -1 if side == BUY else 1
        there = [o for o in self.orders if o.market is market and o.side == side and o.where == BOOK]
        return sorted(there, key=lambda o: (sign * o.price, o.place_in_line))

    def best(self, market: Market, side: int) -> int | None:
        orders = self.book(market, side)
        return orders[0].price if orders else None

    def crosses(self, market: Market, side: int, price: int) -> bool:
        best = self.best(market, 1 - side)
        return best is not None and (price >= best if side == BUY else price <= best)

    def open_orders(self, account: int) -> list[int]:
        return sorted(o.id for o in self.orders if o.account == account)

    def depth(self, market: int, limit: int | None = None) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        sides = []
        for side in (BUY, SELL):
            orders = self.book(self.markets[market], side)
            prices = sorted({o.price for o in orders}, reverse=side == BUY)[:limit]
            sides.append([(price, sum(o.visible for o in orders if o.price == price)) for price in prices])
        return sides[0], sides[1]

    # Orders end, wait and rest

    def end(self, order: Order, reason: str, remaining: int | None = None) -> None:
        """`done`: whatever the order still holds is available again, and its list ends with it."""
        if order.where == BOOK:
            self.show(order, order.hidden)
        left = order.remaining if remaining is None else remaining
        released, resting = order.held, RESTING[order.where]
        self.close(order)
        self.events.append(
            ("done", order.id, order.account, order.market.id, order.side, order.price, left, released, resting, reason)
        )
        self.end_others(order)

    def is_over(self, order: Order) -> bool:
        """Its time has come, and it stands only because more was due than one command does."""
        return order.tif == GTD and order.expires <= self.time_us

    def close(self, order: Order) -> None:
        order.where = CLOSED
        order.closed_us = self.time_us
        self.orders.remove(order)
        if order in order.market.queue:
            order.market.queue.remove(order)
        if order.client_id:
            self.closed.append(order)

    def end_all(self, orders: list[Order], reason: str) -> int:
        """End these orders, but for those that end meanwhile because of their lists; how many `done` that makes."""
        before = len(self.events)
        for order in orders:
            if order.where != CLOSED:
                self.end(order, reason)
        return sum(event[0] == "done" for event in self.events[before:])

    def end_counted(self, event: tuple[Any, ...], orders: list[Order], reason: str) -> None:
        """End these orders after `event`, which says how many `done` follow it."""
        at = len(self.events)
        count = self.end_all(orders, reason)
        self.events.insert(at, (*event, count))

    def orders_of(self, account: int) -> list[Order]:
        return sorted((o for o in self.orders if o.account == account), key=lambda o: o.id)

    def wait(self, order: Order, need: int) -> None:
        order.where, order.set_aside = WAITING, need
        if order.trail and not order.stop:
            order.extreme = order.market.last
        self.events.append(("wait", order.id, order.account, order.market.id, order.side, order.stop, need))

    def rest(self, order: Order) -> None:
        self.to_end_of_level(order)
        order.where, order.shown = BOOK, order.remaining
        assert self.available(order.account, order.held_asset) >= 0
        self.events.append(
            ("rest", order.id, order.account, order.market.id, order.side, order.price, order.remaining, order.held)
        )
        if order.display:
            self.show(order, min(order.display - order.remaining, 0))

    def to_end_of_level(self, order: Order) -> None:
        self.line += 1
        order.place_in_line = self.line

    # Icebergs

    def show(self, order: Order, lots: int) -> None:
        """Of an iceberg in the book `lots` more are visible, or fewer, if negative."""
        if lots:
            order.shown += lots
            self.events.append(
                ("show", order.id, order.account, order.market.id, order.side, order.price, lots, order.hidden)
            )

    def refill(self, order: Order) -> None:
        """An iceberg whose shown part is used up shows some more, at the end of its level's queue."""
        if order.display and order.shown == 0 and order.remaining:
            self.to_end_of_level(order)
            self.show(order, min(order.display, order.remaining))

    # Lists (section 10)

    def end_others(self, order: Order) -> None:
        """The list of `order` ends, and its other legs with it."""
        if order.of_list and order.of_list.live:
            order.of_list.live = False
            self.end_all([leg for leg in order.of_list.legs if leg is not order], "list")

    def traded(self, order: Order) -> None:
        """`order` has traded or was reduced: an OCO ends, and a working leg that is filled sends off what it pends."""
        if order.of_list and order.of_list.live:
            if order.of_list.kind == OCO:
                self.end_others(order)
            elif order.remaining == 0:
                order.of_list.live = False
                pending = order.of_list.legs[1:]
                order.market.queue += pending
                if order.of_list.kind == OTOCO:
                    pair = OrderList(OCO, pending)
                    for leg in pending:
                        leg.of_list = pair

    def locked(self, order: Order) -> bool:
        """Whether an order can't be amended or replaced because of its list."""
        return order.where == PENDING or (order.of_list is not None and order.of_list.live)
