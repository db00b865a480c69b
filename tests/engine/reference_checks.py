"""The reference engine's checks of orders and lists (section 4), and the queue, where legs are checked once more."""

from typing import Any

from matching.engine.commands import BUY, FOK, GTC, GTD, IOC, LIMIT, MARKET, OCO, OTO, OTOCO, SELL
from tests.engine.reference_match import ReferenceMatch
from tests.engine.reference_state import (
    FLIGHT,
    MAX_AMOUNT,
    MAX_PRICE,
    PENDING,
    Market,
    Order,
    hold_of,
    reached,
    rises,
    trailing_buy_stop,
)

Fields = dict[str, Any]


class Refused(Exception):
    """A check failed; `args[0]` is the code."""


def refuse(code: str, condition: bool) -> None:
    if condition:
        raise Refused(code)


def conditional(o: Fields) -> bool:
    return bool(o["stop"] > 0 or o["trail"] > 0)


def above(o: Fields) -> bool:
    """Which of an OCO's two places a leg takes: above the market, or below."""
    return rises(o["side"], o["trigger"]) if conditional(o) else o["side"] == SELL


class ReferenceChecks(ReferenceMatch):
    """Decides what may come in, as of now."""

    # One order

    def check_place(self, o: Fields, target: Order | None) -> int:
        """Checks 4 to 14 of `place`; gives what the order needs."""
        refuse("unknown_market", o["market"] not in self.markets)
        market = self.markets[o["market"]]
        self.check_fields(o)
        there = [x for x in self.orders_in(o["account"], market) if x is not target]
        may_rest = conditional(o) or (o["type"] == LIMIT and o["tif"] in (GTC, GTD))
        self.check_order(o, market, too_many=may_rest and len(there) >= market.max_orders)
        need = self.need(o, market)
        freed = target.held if target and target.held_asset == need_asset(o, market) else 0
        refuse("insufficient_balance", self.available(o["account"], need_asset(o, market)) + freed < need)
        return need

    def orders_in(self, account: int, market: Market) -> list[Order]:
        return [o for o in self.orders if o.account == account and o.market is market]

    def check_fields(self, o: Fields) -> None:
        """Check 5."""
        valid = (
            o["side"] in (BUY, SELL)
            and o["type"] in (LIMIT, MARKET)
            and o["tif"] in (GTC, IOC, FOK, GTD)
            and o["stp"] in (0, 1, 2, 3, 4)
            and o["post_only"] in (0, 1)
            and all(o[name] >= 0 for name in ("price", "stop", "size", "quote", "expires", "display"))
            and o["trigger"] in (0, 1)
            and (o["trail"] == 0 or 100 <= o["trail"] <= 500_000)
        )
        refuse("invalid_parameter", not valid)
        rests = o["type"] == LIMIT and o["tif"] in (GTC, GTD)
        if o["type"] == LIMIT:
            refuse("invalid_parameter", o["quote"] != 0)
        else:
            refuse("invalid_parameter", o["price"] != 0 or o["tif"] != IOC or (o["size"] > 0) == (o["quote"] > 0))
            refuse("invalid_parameter", conditional(o) and o["side"] == SELL and o["quote"] > 0)
        refuse("invalid_parameter", o["post_only"] == 1 and (not rests or conditional(o)))
        refuse("invalid_parameter", o["expires"] != 0 and o["tif"] != GTD)
        refuse("invalid_parameter", o["trigger"] == 1 and not conditional(o))
        refuse("invalid_parameter", o["display"] > 0 and not rests)

    def check_values(self, o: Fields) -> None:
        """Check 6."""
        refuse("invalid_price", o["type"] == LIMIT and o["price"] == 0)
        refuse("invalid_size", o["type"] == LIMIT and o["size"] == 0)
        refuse("invalid_expiry", o["tif"] == GTD and o["expires"] <= self.time_us)

    def check_bounds(self, o: Fields, market: Market) -> None:
        """Checks 8 and 9."""
        refuse("price_too_large", o["price"] > MAX_PRICE or o["stop"] > MAX_PRICE)
        refuse("size_too_large", o["size"] > market.max_lots)
        refuse("size_too_small", 0 < o["size"] < market.min_lots or 0 < o["display"] < market.min_lots)
        self.check_parts(o["display"], o["size"])
        around = o["price"] if o["type"] == LIMIT else o["stop"] or market.last
        self.check_notional(market, o["quote"] or around * o["size"] * market.unit)

    def check_order(self, o: Fields, market: Market, *, too_many: bool) -> None:
        """Checks 6 to 13; the caller has counted the account's orders."""
        self.check_values(o)
        refuse("market_halted", market.state == "halted")
        refuse("market_cancel_only", market.state == "cancel_only")
        refuse("market_post_only", market.state == "post_only" and not o["post_only"])
        self.check_bounds(o, market)
        if o["type"] == LIMIT:
            self.check_band(market, o["price"], o["stop"] or market.last)
        refuse("stop_would_trigger", o["stop"] > 0 and reached(o["side"], o["trigger"], o["stop"], market.last))
        refuse("too_many_orders", too_many)
        refuse("post_only_would_cross", o["post_only"] == 1 and self.crosses(market, o["side"], o["price"]))

    def check_parts(self, display: int, size: int) -> None:
        refuse("too_many_parts", display > 0 and size > 10 * display)

    def check_notional(self, market: Market, notional: int) -> None:
        refuse("notional_too_large", notional > MAX_AMOUNT)
        refuse("notional_too_small", notional < market.min_notional)

    def check_band(self, market: Market, price: int, around: int) -> None:
        refuse("price_band", not market.lowest(around) <= price <= market.highest(around))

    def need(self, o: Fields, market: Market) -> int:
        """The table of check 14."""
        if o["side"] == SELL:
            return market.lot_atoms if o["quote"] else o["size"] * market.lot_atoms
        if o["quote"]:
            return int(o["quote"])
        if o["type"] == LIMIT:
            return hold_of(market, BUY, o["price"], o["size"])
        if not conditional(o):
            return (self.best(market, SELL) or market.last) * market.unit
        around = o["stop"]
        if o["trail"]:
            around = min(MAX_PRICE, trailing_buy_stop(around or market.last, o["trail"]))
        need = market.highest(around) * o["size"] * market.unit
        refuse("notional_too_large", need > MAX_AMOUNT)
        return need

    # Lists

    def check_list(self, market: Market, kind: int, legs: list[Fields]) -> int:
        """From `invalid_parameter` on; gives what the legs that go on at once need."""
        refuse("invalid_parameter", kind not in (OCO, OTO, OTOCO))
        refuse("invalid_parameter", len(legs) != (3 if kind == OTOCO else 2))
        names = [leg["client_id"] for leg in legs if leg["client_id"]]
        refuse("invalid_parameter", len(names) != len(set(names)))
        for leg in legs:
            self.check_fields(leg)
        pair = legs if kind == OCO else legs[1:]
        refuse("invalid_list", kind != OTO and not is_pair(*pair))
        if kind != OCO:
            refuse("invalid_list", legs[0]["type"] != LIMIT or conditional(legs[0]))
            refuse("invalid_list", any(leg["tif"] == GTD for leg in legs[1:]))
        standing = len(self.orders_in(legs[0]["account"], market))
        for number, leg in enumerate(legs):
            if kind == OCO or number == 0:
                self.check_order(leg, market, too_many=standing + len(legs) > market.max_orders)
            else:
                self.check_values(leg)
                self.check_bounds(leg, market)
        return self.check_needs(legs if kind == OCO else legs[:1], market)

    def check_needs(self, legs: list[Fields], market: Market) -> int:
        """The larger need of one leg or two, which the account must be able to hold."""
        need = max([self.need(leg, market) for leg in legs])
        there = self.available(legs[0]["account"], need_asset(legs[0], market))
        refuse("insufficient_balance", there < need)
        return need

    # The queue (section 7) and the legs in it (section 10)

    def follow_up(self, market: Market) -> None:
        """What a command's taker sets off, if it traded."""
        if market.has_traded:
            self.work_queue(market)

    def work_queue(self, market: Market) -> None:
        turns, trades = 0, market.trades
        market.backlog, market.has_traded = 0, False
        while market.state == "open" and market.queue:
            if turns == self.max_turns or market.trades - trades >= self.max_turn_trades:
                market.backlog = self.time_us
                break
            turns += 1
            order = market.queue.pop(0)
            if self.is_over(order):
                self.end(order, "expired")
                continue
            if order.where == PENDING:
                self.take_turn(order)
                continue
            self.end_others(order)
            released, order.where = order.held, FLIGHT
            self.events.append(("trigger", order.id, order.account, market.id, order.side, released))
            self.take(order)
        market.has_traded = False

    def take_turn(self, order: Order) -> None:
        """A leg whose working leg was filled, or an OCO pair of such, comes in or is refused as if placed now."""
        market = order.market
        pair = order.of_list.legs if order.of_list and order.of_list.live else [order]
        legs = [{**vars(leg), "market": market.id} for leg in pair]
        try:
            for leg in legs:
                self.check_order(leg, market, too_many=False)
            self.check_needs(legs, market)
        except Refused:
            if order.of_list:
                order.of_list.live = False
            self.end_all(pair, "refused")
            return
        for leg in pair:
            self.events.append(("activate", leg.id, leg.account, market.id, leg.side))
        market.queue = [other for other in market.queue if other not in pair]
        self.go_on(pair)

    def go_on(self, orders: list[Order]) -> None:
        """An order, or the two of an OCO, go on after their checks: they wait, or match and rest."""
        market = orders[0].market
        needs = {order: self.need({**vars(order), "market": market.id}, market) for order in orders}
        first = next((order for order in orders if not order.conditional), orders[0])
        shares = {order: need if order is first else max(0, need - needs[first]) for order, need in needs.items()}
        for order in orders:
            order.where = FLIGHT
            if order.conditional:
                self.wait(order, shares[order])
            else:
                self.take(order)


def is_pair(one: Fields, two: Fields) -> bool:
    """Whether two legs make an OCO."""
    return (
        one["side"] == two["side"]
        and one["size"] == two["size"] > 0
        and all(conditional(leg) or (leg["type"] == LIMIT and leg["post_only"] == 1) for leg in (one, two))
        and (conditional(one) or conditional(two))
        and above(one) != above(two)
    )


def need_asset(o: Fields, market: Market) -> int:
    return market.quote if o["side"] == BUY else market.base
