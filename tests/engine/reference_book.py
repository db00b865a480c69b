"""The reference engine's state and matching: one list of orders, searched anew for every question.

Nothing is cached: the best price, the queue of a level, a balance's held part, the breaker's window and what is
due are all found by scanning. It is the naive model that the fast engine is compared with, so it shares nothing
with it but the names of commands, and follows docs/protocol.md (sections 5 to 8) sentence by sentence.
"""

from dataclasses import dataclass, field
from typing import Any

from matching.engine.commands import BUY, FOK, GTC, GTD, LIMIT, SELL

MAX_AMOUNT = 2**96 - 1
MAX_PRICE = 2**48 - 1
PPM = 1_000_000
DAY_US = 24 * 3600 * 1_000_000

FLIGHT, BOOK, WAITING, QUEUED, CLOSED = "flight", "book", "waiting", "queued", "closed"
RESTING = {FLIGHT: 0, BOOK: 1, WAITING: 2, QUEUED: 2}
STP_NONE, STP_NEWEST, STP_OLDEST, STP_BOTH, STP_DECREMENT = range(5)


@dataclass(eq=False)
class Order:
    """An order from its acceptance on; `place_in_line` decides between orders at one price."""

    id: int
    account: int
    market: "Market"
    side: int
    type: int
    tif: int
    price: int
    stop: int
    size: int
    quote: int
    post_only: int
    stp: int
    expires: int
    client_id: str
    fingerprint: int
    sequence: int
    where: str = FLIGHT
    filled_lots: int = 0
    filled_quote: int = 0
    set_aside: int = 0
    place_in_line: int = 0
    closed_us: int = 0

    @property
    def by_quote(self) -> bool:
        return self.quote > 0

    @property
    def remaining(self) -> int:
        return 0 if self.by_quote else self.size - self.filled_lots

    @property
    def held(self) -> int:
        if self.where == BOOK:
            return hold_of(self.market, self.side, self.price, self.remaining)
        return self.set_aside if self.where in (WAITING, QUEUED) else 0

    @property
    def held_asset(self) -> int:
        return self.market.quote if self.side == BUY else self.market.base


@dataclass(eq=False)
class Market:
    """A market's rules, state, last price, and every trade since its breaker's window was emptied."""

    id: int
    symbol: str
    base: int
    quote: int
    lot_atoms: int
    unit: int
    min_lots: int
    max_lots: int
    min_notional: int
    band_ppm: int
    breaker_ppm: int
    breaker_window_us: int
    halt_us: int
    reopen_us: int
    max_orders: int
    reference_price: int
    fees: list[list[int]]
    last: int = 0
    state: str = "open"
    until: int = 0
    trades: int = 0
    window: list[tuple[int, int]] = field(default_factory=list)
    queue: list[Order] = field(default_factory=list)

    def lowest(self, price: int) -> int:
        return max(1, price - price * self.band_ppm // PPM)

    def highest(self, price: int) -> int:
        return min(MAX_PRICE, price + price * self.band_ppm // PPM)


def hold_of(market: Market, side: int, price: int, lots: int) -> int:
    """What a resting order keeps aside: quote atoms for a buy, base atoms for a sell."""
    return price * lots * market.unit if side == BUY else lots * market.lot_atoms


class ReferenceBook:
    """Accounts, orders and matching; `events` collects what the command at hand does."""

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

    # Money

    def total(self, account: int, asset: int) -> int:
        return self.totals.get((account, asset), 0)

    def held(self, account: int, asset: int) -> int:
        in_orders = sum(o.held for o in self.orders if o.account == account and o.held_asset == asset)
        in_withdrawals = sum(
            amount
            for who, what, amount, status in self.withdrawals.values()
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
            sides.append([(price, sum(o.remaining for o in orders if o.price == price)) for price in prices])
        return sides[0], sides[1]

    # Orders end, wait and rest

    def end(self, order: Order, reason: str, remaining: int | None = None) -> None:
        """`done`: whatever the order still holds is available again."""
        left = order.remaining if remaining is None else remaining
        released, resting = order.held, RESTING[order.where]
        self.close(order)
        self.events.append(
            ("done", order.id, order.account, order.market.id, order.side, order.price, left, released, resting, reason)
        )

    def close(self, order: Order) -> None:
        order.where = CLOSED
        order.closed_us = self.time_us
        self.orders.remove(order)
        if order in order.market.queue:
            order.market.queue.remove(order)
        if order.client_id:
            self.closed.append(order)

    def wait(self, order: Order, need: int) -> None:
        order.where, order.set_aside = WAITING, need
        self.events.append(("wait", order.id, order.account, order.market.id, order.side, order.stop, need))

    def rest(self, order: Order) -> None:
        self.line += 1
        order.where, order.place_in_line = BOOK, self.line
        assert self.available(order.account, order.held_asset) >= 0
        self.events.append(
            ("rest", order.id, order.account, order.market.id, order.side, order.price, order.remaining, order.held)
        )

    # Matching

    def take(self, order: Order) -> None:
        """Run `order` as a taker to its end, then what its trades set off (sections 6 and 7)."""
        market = order.market
        prices, breached = [], False
        if order.tif == FOK and not self.can_fill(order):
            self.end(order, "fok")
        else:
            bound = self.protection(order)
            while order.where == FLIGHT and (by_quote_left(order) if order.by_quote else order.remaining) > 0:
                makers = [o for o in self.book(market, 1 - order.side) if acceptable(order.side, o.price, bound)]
                if not makers:
                    break
                if makers[0].account == order.account and order.stp != STP_NONE:
                    self.prevent_self_trade(order, makers[0])
                    continue
                lots, reason = self.tradable(order, makers[0])
                if lots == 0:
                    self.end(order, reason)
                    break
                prices.append(makers[0].price)
                breached |= self.trade(order, makers[0], lots)
            if order.where == FLIGHT:
                self.finish(order)
        for price in prices[:1] + prices[-1:]:
            self.trigger_stops(market, price)
        if breached:
            market.window = []
            self.set_state(market, "halted", self.time_us + market.halt_us if market.halt_us else 0, "breaker")

    def finish(self, order: Order) -> None:
        left = by_quote_left(order) if order.by_quote else order.remaining
        if left == 0:
            self.end(order, "filled")
        elif order.type == LIMIT and order.tif in (GTC, GTD):
            self.rest(order)
        else:
            self.end(order, "unfilled")

    def protection(self, order: Order) -> int:
        if order.type == LIMIT:
            return order.price
        around = order.stop or order.market.last
        return order.market.highest(around) if order.side == BUY else order.market.lowest(around)

    def tradable(self, order: Order, maker: Order) -> tuple[int, str]:
        """How many lots the two can trade and, if none, why the taker ends."""
        market, lots, cost = order.market, maker.remaining, maker.price * order.market.unit
        if order.type != LIMIT and order.by_quote == (order.side == SELL):
            asset, per_lot = (market.base, market.lot_atoms) if order.by_quote else (market.quote, cost)
            affordable = self.available(order.account, asset) // per_lot
            if affordable == 0:
                return 0, "funds"
            lots = min(lots, affordable)
        wanted = by_quote_left(order) // cost if order.by_quote else order.remaining
        return min(lots, wanted), "filled" if order.filled_lots else "unfilled"

    def trade(self, taker: Order, maker: Order, lots: int) -> bool:
        """Swap the money of one trade. True if it breaches the breaker."""
        market, price = taker.market, maker.price
        base, quote = lots * market.lot_atoms, lots * price * market.unit
        taker_gets, maker_gets = (base, quote) if taker.side == BUY else (quote, base)
        taker_fee = taker_gets * self.fee_ppm(market, taker.account, 1) // PPM
        maker_fee = maker_gets * self.fee_ppm(market, maker.account, 0) // PPM
        buyer, seller = (taker, maker) if taker.side == BUY else (maker, taker)
        buyer_fee, seller_fee = (taker_fee, maker_fee) if taker.side == BUY else (maker_fee, taker_fee)
        for order in (taker, maker):
            order.filled_lots += lots
            order.filled_quote += quote
        self.give(seller.account, market.base, -base)
        self.give(buyer.account, market.base, base - buyer_fee)
        self.give(buyer.account, market.quote, -quote)
        self.give(seller.account, market.quote, quote - seller_fee)
        self.give(0, market.base, buyer_fee)
        self.give(0, market.quote, seller_fee)
        assert self.available(taker.account, market.quote if taker.side == BUY else market.base) >= 0
        market.trades += 1
        market.last = price
        self.events.append(
            ("trade", market.trades, market.id, price, lots, base, quote, taker.side, taker.id, taker.account,
             maker.id, maker.account, taker_fee, maker_fee, maker.remaining)
        )  # fmt: skip
        if maker.remaining == 0:
            self.close(maker)
        return self.breaches(market, price)

    def breaches(self, market: Market, price: int) -> bool:
        if not market.breaker_ppm or not market.breaker_window_us:
            return False
        market.window.append((self.time_us, price))
        recent = [p for t, p in market.window if self.time_us - t <= market.breaker_window_us]
        low, high = min(recent), max(recent)
        return (price - low) * PPM > market.breaker_ppm * low or (high - price) * PPM > market.breaker_ppm * high

    def prevent_self_trade(self, taker: Order, maker: Order) -> None:
        mode = STP_NEWEST if taker.stp == STP_DECREMENT and taker.by_quote else taker.stp
        if mode == STP_DECREMENT:
            lots = min(taker.remaining, maker.remaining)
            self.decrement(maker, lots)
            self.decrement(taker, lots)
            return
        if mode in (STP_OLDEST, STP_BOTH):
            self.end(maker, "stp")
        if mode in (STP_NEWEST, STP_BOTH):
            self.end(taker, "stp")

    def decrement(self, order: Order, lots: int) -> None:
        if lots == order.remaining:
            self.end(order, "stp")
            return
        before = order.held
        order.size -= lots
        self.events.append(
            ("reduce", order.id, order.account, order.market.id, order.side, order.price, lots, order.remaining,
             before - order.held, RESTING[order.where])
        )  # fmt: skip

    def can_fill(self, order: Order) -> bool:
        """Whether a fill-or-kill order finds all its lots (section 6, last paragraph)."""
        found = 0
        for maker in self.book(order.market, 1 - order.side):
            if not acceptable(order.side, maker.price, order.price):
                break
            if maker.account == order.account and order.stp != STP_NONE:
                if order.stp == STP_OLDEST:
                    continue
                break
            found += maker.remaining
        return found >= order.remaining

    # Stops and market states

    def trigger_stops(self, market: Market, price: int) -> None:
        waiting = [o for o in self.orders if o.market is market and o.where == WAITING]
        buys = sorted((o for o in waiting if o.side == BUY and o.stop <= price), key=lambda o: (o.stop, o.id))
        sells = sorted((o for o in waiting if o.side == SELL and o.stop >= price), key=lambda o: (-o.stop, o.id))
        for order in buys + sells:
            order.where = QUEUED
            market.queue.append(order)

    def work_queue(self, market: Market) -> None:
        while market.state == "open" and market.queue:
            order = market.queue.pop(0)
            released, order.where = order.held, FLIGHT
            self.events.append(("trigger", order.id, order.account, market.id, order.side, released))
            self.take(order)

    def set_state(self, market: Market, state: str, until: int, reason: str) -> None:
        market.state, market.until = state, until
        self.events.append(("state", market.id, state, until, reason))


def by_quote_left(order: Order) -> int:
    return order.quote - order.filled_quote


def acceptable(side: int, price: int, bound: int) -> bool:
    return price <= bound if side == BUY else price >= bound
