"""The rules a new order must pass (docs/protocol.md, section 4), in their order of precedence.

`place` and `replace` share them. Nothing here changes anything.
"""

from collections.abc import Sequence

from matching.engine.commands import BUY, GTC, GTD, IOC, LIMIT, MARKET, SELL, STP_DECREMENT
from matching.engine.state import CANCEL_ONLY, HALTED, POST_ONLY, Market, Seat, State
from matching.money import MAX_AMOUNT, MAX_PRICE

# What an order says of itself, as in the command: side, type, tif, price, stop, size, quote, post_only, stp, expires,
# trigger, trail, display.
Terms = Sequence[int]


def why_not(state: State, market: Market, seat: Seat, terms: Terms, *, standing: int, freed: int) -> str | None:
    """The code of the first check from 5 on that the order fails, or None.

    `standing`: orders of the account that count towards max_orders. `freed`: atoms of the asset that the order pays
    with, which a replaced order would release.
    """
    side, type, tif, price, stop, size, quote, post_only, _, expires, _, _, _ = terms
    code = malformed(terms)
    if code:
        return code
    if type == LIMIT:
        if price == 0:
            return "invalid_price"
        if size == 0:
            return "invalid_size"
    if tif == GTD and expires <= state.time_us:
        return "invalid_expiry"

    if market.state == HALTED:
        return "market_halted"
    if market.state == CANCEL_ONLY:
        return "market_cancel_only"
    if market.state == POST_ONLY and not post_only:
        return "market_post_only"

    if price > MAX_PRICE or stop > MAX_PRICE:
        return "price_too_large"
    if size > market.max_lots:
        return "size_too_large"
    if 0 < size < market.min_lots:
        return "size_too_small"
    last = market.last
    notional = quote or (price or stop or last) * size * market.unit
    if notional > MAX_AMOUNT:
        return "notional_too_large"
    if notional < market.min_notional:
        return "notional_too_small"
    if type == LIMIT and (
        is_outside_band(market, price, stop) if stop else not market.band_low <= price <= market.band_high
    ):
        return "price_band"
    if stop and (last >= stop if side == BUY else last <= stop):
        return "stop_would_trigger"
    may_rest = stop > 0 or (type == LIMIT and tif in (GTC, GTD))
    if may_rest and standing >= market.max_orders:
        return "too_many_orders"
    if post_only and crosses(market, side, price):
        return "post_only_would_cross"

    need = need_of(market, side, price, stop, size, quote)
    if stop and side == BUY and need > MAX_AMOUNT:
        return "notional_too_large"
    if (seat.base if side else seat.quote).available + freed < need:
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
        or price < market.band_low
        or price > market.band_high
        or standing >= market.max_orders
        or (notional := price * size * market.unit) < market.min_notional
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
        or trigger
        or trail
        or display
    ):
        return "invalid_parameter"
    if type == LIMIT:
        is_wrong = quote != 0
    else:
        is_wrong = price != 0 or tif != IOC or (size > 0) == (quote > 0) or (stop > 0 and side == SELL and quote > 0)
    if post_only and (type != LIMIT or tif not in (GTC, GTD) or stop > 0):
        is_wrong = True
    if expires and tif != GTD:
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


def need_of(market: Market, side: int, price: int, stop: int, size: int, quote: int) -> int:
    """What must be available for an order: quote atoms for a buy, base atoms for a sell (the table of check 14)."""
    if side == SELL:
        return market.lot_atoms if quote else size * market.lot_atoms
    if quote:
        return quote
    if price:
        return price * size * market.unit
    if stop:
        return market.highest(stop) * size * market.unit
    best = market.asks.best()
    return (best.price if best else market.last) * market.unit
