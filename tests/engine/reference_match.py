"""The reference engine's matching: takers, trades, self-trade prevention and what prices set off (sections 5 to 7)."""

from matching.engine.commands import (
    BUY,
    FOK,
    GTC,
    GTD,
    LIMIT,
    SELL,
    STOP,
    STP_BOTH,
    STP_DECREMENT,
    STP_NEWEST,
    STP_NONE,
    STP_OLDEST,
    TAKE_PROFIT,
)
from tests.engine.reference_book import ReferenceBook
from tests.engine.reference_state import (
    BOOK,
    FLIGHT,
    PPM,
    QUEUED,
    RESTING,
    WAITING,
    Market,
    Order,
    reached,
    rises,
)


class ReferenceMatch(ReferenceBook):
    """Runs orders as takers. What a taker puts into a market's queue is worked off elsewhere."""

    def take(self, order: Order) -> None:
        """Run `order` as a taker to its end, then what its trades set off (sections 6 and 7)."""
        market = order.market
        prices, breached, met = [], False, 0
        if order.tif == FOK and not self.can_fill(order):
            self.end(order, "fok")
        else:
            bound = self.protection(order)
            while order.where == FLIGHT and (by_quote_left(order) if order.by_quote else order.remaining) > 0:
                makers = [o for o in self.book(market, 1 - order.side) if acceptable(order.side, o.price, bound)]
                if not makers:
                    break
                if met == self.max_meetings:
                    self.end(order, "unfilled")
                    break
                met += 1
                if self.is_over(makers[0]):
                    self.end(makers[0], "expired")
                    continue
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
            self.look_at(market, price)
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
        around = order.trigger_stop or order.market.last
        return order.market.highest(around) if order.side == BUY else order.market.lowest(around)

    def tradable(self, order: Order, maker: Order) -> tuple[int, str]:
        """How many lots the two can trade and, if none, why the taker ends."""
        market, lots, cost = order.market, maker.visible, maker.price * order.market.unit
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
        maker.shown -= lots
        self.give(seller.account, market.base, -base)
        self.give(buyer.account, market.base, base - buyer_fee)
        self.give(buyer.account, market.quote, -quote)
        self.give(seller.account, market.quote, quote - seller_fee)
        self.give(0, market.base, buyer_fee)
        self.give(0, market.quote, seller_fee)
        assert self.available(taker.account, market.quote if taker.side == BUY else market.base) >= 0
        market.trades += 1
        market.has_traded = True
        market.last = price
        self.events.append(
            ("trade", market.trades, market.id, price, lots, base, quote, taker.side, taker.id, taker.account,
             maker.id, maker.account, taker_fee, maker_fee, maker.remaining)
        )  # fmt: skip
        self.refill(maker)
        if maker.remaining == 0:
            self.close(maker)
        self.traded(maker)
        self.traded(taker)
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
        if order.where == BOOK:
            self.show(order, max(0, lots - order.visible))
        order.size -= lots
        order.shown -= lots
        self.events.append(
            ("reduce", order.id, order.account, order.market.id, order.side, order.price, lots, order.remaining,
             before - order.held, RESTING[order.where])
        )  # fmt: skip
        if order.where == BOOK:
            self.refill(order)
            self.traded(order)

    def can_fill(self, order: Order) -> bool:
        """Whether a fill-or-kill order finds all its lots (section 6, last paragraph; section 9 on icebergs)."""
        makers = [o for o in self.book(order.market, 1 - order.side) if acceptable(order.side, o.price, order.price)]
        left, parts = order.remaining, 0
        for price in dict.fromkeys(o.price for o in makers):
            level = [o for o in makers if o.price == price]
            parts += sum(1 + (-(-o.hidden // o.display) if o.hidden else 0) for o in level)
            if parts > self.max_fill_or_kill:
                return False
            level = [o for o in level if not self.is_over(o)]
            own = [o for o in level if o.account == order.account and order.stp != STP_NONE]
            if own and order.stp != STP_OLDEST:
                return sum(o.visible for o in level[: level.index(own[0])]) >= left
            left -= sum(o.remaining for o in level if o not in own)
            if left <= 0:
                return True
        return False

    # Conditional orders and market states

    def look_at(self, market: Market, price: int) -> None:
        """A price that a taker traded at (section 7)."""
        waiting = [o for o in self.orders if o.market is market and o.where == WAITING]
        trailing = [o for o in waiting if o.trail and o.extreme]
        for order in trailing:
            order.extreme = (min if order.side == BUY else max)(order.extreme, price)
        for side, trigger in ((BUY, STOP), (SELL, STOP), (SELL, TAKE_PROFIT), (BUY, TAKE_PROFIT)):
            plain = [o for o in waiting if not o.trail and (o.side, o.trigger) == (side, trigger)]
            there = plain + [o for o in trailing if trigger == STOP and o.side == side]
            sign = 1 if rises(side, trigger) else -1
            for order in sorted(there, key=lambda o: (sign * o.active_stop, o.id)):
                if reached(side, trigger, order.active_stop, price):
                    order.where, order.trigger_stop = QUEUED, order.active_stop
                    market.queue.append(order)
        for order in waiting:
            if order.trail and not order.extreme and reached(order.side, order.trigger, order.stop, price):
                order.extreme = price

    def set_state(self, market: Market, state: str, until: int, reason: str) -> None:
        market.state, market.until = state, until
        self.events.append(("state", market.id, state, until, reason))


def by_quote_left(order: Order) -> int:
    return order.quote - order.filled_quote


def acceptable(side: int, price: int, bound: int) -> bool:
    return price <= bound if side == BUY else price >= bound
