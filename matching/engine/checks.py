"""The rules a new order must pass (docs/protocol.md, section 4), in their order of precedence.

`place` and `replace` share them. Nothing here changes anything.
"""

from collections.abc import Sequence

from matching.engine.commands import (
    BUY,
    GTC,
    GTD,
    IOC,
    LIMIT,
    MARKET,
    MAX_PARTS,
    MAX_TRAIL_PPM,
    MIN_TRAIL_PPM,
    SELL,
    STOP,
    STP_DECREMENT,
    TAKE_PROFIT,
)
from matching.engine.state import CANCEL_ONLY, HALTED, POST_ONLY, Market, Seat, State
from matching.engine.stops import is_reached
from matching.money import MAX_AMOUNT, MAX_PRICE, PPM

# What an order says of itself, as in the command: side, type, tif, price, stop, size, quote, post_only, stp, expires,
# trigger, trail, display.
Terms = Sequence[int]


def why_not(state: State, market: Market, seat: Seat, terms: Terms, *, standing: int, freed: int) -> str | None:
    """The code of the first check from 5 on that the order fails, or None.

    `standing`: orders of the account that count towards max_orders. `freed`: atoms of the asset that the order pays
    with, which a replaced order would release.
    """
    _, type, tif, _, stop, _, _, _, _, _, _, trail, _ = terms
    may_rest = is_conditional(stop, trail) or (type == LIMIT and tif in (GTC, GTD))
    is_full = may_rest and standing >= market.max_orders
    return (
        malformed(terms)
        or why_not_now(state, market, terms, is_full=is_full)
        or uncovered(market, seat, [terms], freed=freed)
    )


def why_not_now(state: State, market: Market, terms: Terms, *, is_full: bool) -> str | None:
    """Checks 6 to 13; `is_full`: the account has too many orders for one more of this type."""
    code = why_not_ever(state, market, terms)
    # Check 7 stands between those of the order itself, 6 on the one hand, 8 and 9 on the other.
    if code not in ("invalid_price", "invalid_size", "invalid_expiry"):
        code = _closed(market, terms) or code
    if code:
        return code
    side, type, _, price, stop, _, _, post_only, _, _, trigger, _, _ = terms
    if type == LIMIT and (is_outside_band(market, price, stop) if stop else not market.is_in_band(price)):
        return "price_band"
    if stop and is_reached(side, trigger, stop, market.last):
        return "stop_would_trigger"
    if is_full:
        return "too_many_orders"
    if post_only and crosses(market, side, price):
        return "post_only_would_cross"
    return None


def why_not_ever(state: State, market: Market, terms: Terms) -> str | None:
    """Checks 6, 8 and 9: what an order says of itself against the time and the market's rules."""
    _, type, tif, price, stop, size, quote, _, _, expires, _, _, display = terms
    if type == LIMIT:
        if price == 0:
            return "invalid_price"
        if size == 0:
            return "invalid_size"
    if tif == GTD and expires <= state.time_us:
        return "invalid_expiry"
    if price > MAX_PRICE or stop > MAX_PRICE:
        return "price_too_large"
    if size > market.max_lots:
        return "size_too_large"
    if 0 < size < market.min_lots or 0 < display < market.min_lots:
        return "size_too_small"
    if display and size > MAX_PARTS * display:
        return "too_many_parts"
    notional = quote or (price or stop or market.last) * size * market.unit
    if notional > MAX_AMOUNT:
        return "notional_too_large"
    if notional < market.min_notional:
        return "notional_too_small"
    return None


def _closed(market: Market, terms: Terms) -> str | None:
    """Check 7."""
    if market.state == HALTED:
        return "market_halted"
    if market.state == CANCEL_ONLY:
        return "market_cancel_only"
    if market.state == POST_ONLY and not terms[7]:
        return "market_post_only"
    return None


def uncovered(market: Market, seat: Seat, orders: Sequence[Terms], *, freed: int = 0) -> str | None:
    """Check 14; of orders of one side that share what is held only the largest need counts."""
    needs = [need_of(market, terms) for terms in orders]
    for terms, need in zip(orders, needs, strict=True):
        if terms[0] == BUY and is_conditional(terms[4], terms[11]) and need > MAX_AMOUNT:
            return "notional_too_large"
    if (seat.base if orders[0][0] else seat.quote).available + freed < max(needs):
        return "insufficient_balance"
    return None


def is_plain(market: Market, seat: Seat, terms: Terms, *, standing: int, freed: int) -> bool:
    """Whether this is a limit order, GTC or IOC and not post-only, that nothing in `why_not` speaks against.

    One condition that implies all of its checks; what is not plain may still be fine.
    """
    side, type, tif, price, stop, size, quote, post_only, stp, expires, trigger, trail, display = terms
    return not (
        type
        or stop
        or quote
        or post_only
        or expires
        or trigger
        or trail
        or display
        or not GTC <= tif <= IOC
        or not 0 <= stp <= STP_DECREMENT
        or not BUY <= side <= SELL
        or size < market.min_lots
        or size > market.plain_lots
        or price < market.plain_low
        or price > market.plain_high
        or standing >= market.max_orders
        or (notional := price * market.unit * size) < market.min_notional
        or (size * market.lot_atoms > seat.base.available + freed if side else notional > seat.quote.available + freed)
    )


def malformed(terms: Terms) -> str | None:
    """Check 5: values outside their range, and fields that do not go together."""
    side, type, tif, price, stop, size, quote, post_only, stp, expires, trigger, trail, display = terms
    if (
        not BUY <= side <= SELL
        or not LIMIT <= type <= MARKET
        or not GTC <= tif <= GTD
        or not 0 <= stp <= STP_DECREMENT
        or not 0 <= post_only <= 1
        or price < 0
        or stop < 0
        or size < 0
        or quote < 0
        or expires < 0
        or not STOP <= trigger <= TAKE_PROFIT
        or not (trail == 0 or MIN_TRAIL_PPM <= trail <= MAX_TRAIL_PPM)
        or display < 0
    ):
        return "invalid_parameter"
    waits = is_conditional(stop, trail)
    may_rest = type == LIMIT and tif in (GTC, GTD)
    if type == LIMIT:
        is_wrong = quote != 0
    else:
        is_wrong = price != 0 or tif != IOC or (size > 0) == (quote > 0) or (waits and side == SELL and quote > 0)
    if post_only and (not may_rest or waits):
        is_wrong = True
    if expires and tif != GTD:
        is_wrong = True
    if (trigger and not waits) or (display and not may_rest):
        is_wrong = True
    return "invalid_parameter" if is_wrong else None


def is_outside_band(market: Market, price: int, around: int) -> bool:
    """Whether a limit price is too far from `around`."""
    return not market.lowest(around) <= price <= market.highest(around)


def crosses(market: Market, side: int, price: int) -> bool:
    """Whether a limit price would trade at once."""
    if side == BUY:
        level = market.asks.best()
        return level is not None and price >= level.price
    level = market.bids.best()
    return level is not None and price <= level.price


def is_conditional(stop: int, trail: int) -> bool:
    """Whether an order waits for its price."""
    return stop > 0 or trail > 0


def need_of(market: Market, terms: Terms) -> int:
    """What must be available for an order: quote atoms for a buy, base atoms for a sell (the table of check 14)."""
    side, _, _, price, stop, size, quote, _, _, _, _, trail, _ = terms
    if side == SELL:
        return market.lot_atoms if quote else size * market.lot_atoms
    if quote:
        return quote
    if price:
        return price * size * market.unit
    if trail:
        farthest = -(-(stop or market.last) * (PPM + trail) // PPM)
        return market.highest(min(MAX_PRICE, farthest)) * size * market.unit
    if stop:
        return market.highest(stop) * size * market.unit
    best = market.asks.best()
    return (best.price if best else market.last) * market.unit
