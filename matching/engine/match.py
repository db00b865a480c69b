"""Matching: a taker against the book, price first and then time (docs/protocol.md, section 6).

`sweep` is the short way: a limit order meets resting orders that are nothing but that. `take` is the long one, for all
orders and all makers: it lets `sweep` do what it can, and does the rest trade by trade.
"""

from heapq import heappop
from typing import Final

from matching.engine import limits
from matching.engine.book import WORST
from matching.engine.clients import remember
from matching.engine.commands import OCO, STP_BOTH, STP_DECREMENT, STP_NEWEST, STP_OLDEST
from matching.engine.ending import end_order, end_others
from matching.engine.events import Event
from matching.engine.icebergs import left_of, show, show_next
from matching.engine.makers import after_trade
from matching.engine.state import Order, Seat, State
from matching.money import PPM

# Better than every key: no maker is good enough any more.
NO_KEY: Final = -WORST


def sweep(
    state: State, seat: Seat, side: int, limit: int, lots: int, stp: int, order_id: int, last_trade: int,
    events: list[Event],
) -> int:  # fmt: skip
    """Trade up to `lots` of a taker with plain makers, at prices up to `limit`; gives what is left of them.

    Ends early at a special maker, at one of the taker's own if `stp` is set, and once the market's last trade is
    `last_trade`. The taker need not be an order yet: all that a trade needs of it is given.
    """
    market = seat.market
    base, quote = seat.base, seat.quote
    if side:
        opposite = market.bids
        worst_key = -limit
        maker_fees, taker_fees = market.fee_base, market.fee_quote
    else:
        opposite = market.asks
        worst_key = limit
        maker_fees, taker_fees = market.fee_quote, market.fee_base
    heap, levels = opposite.heap, opposite.levels
    unit, lot_atoms = market.unit, market.lot_atoms
    market_id, account_id, taker_ppm = market.id, seat.account_id, seat.taker_ppm
    trade_id = market.trades

    while lots and (key := heap[0]) <= worst_key:
        maker = levels.get(key)
        if maker is None:
            heappop(heap)
            continue
        price = maker.price
        # In this order products stay small the longest, and small ones are quick.
        lot_quote = price * unit
        while True:
            maker_seat = maker.seat
            if maker.special is not None or (stp and maker_seat is seat) or trade_id >= last_trade:
                worst_key = NO_KEY
                break
            left = maker.remaining
            traded = left if left < lots else lots
            base_atoms = traded * lot_atoms
            quote_atoms = traded * lot_quote
            if side:
                taker_fee = quote_atoms * taker_ppm // PPM
                maker_fee = base_atoms * maker_seat.maker_ppm // PPM
                base.available -= base_atoms
                quote.available += quote_atoms - taker_fee
                maker_seat.base.available += base_atoms - maker_fee
            else:
                taker_fee = base_atoms * taker_ppm // PPM
                maker_fee = quote_atoms * maker_seat.maker_ppm // PPM
                quote.available -= quote_atoms
                base.available += base_atoms - taker_fee
                maker_seat.quote.available += quote_atoms - maker_fee
            taker_fees.available += taker_fee
            maker_fees.available += maker_fee
            lots -= traded
            left -= traded
            trade_id += 1
            maker_id = maker.id
            events.append(
                ("trade", trade_id, market_id, price, traded, base_atoms, quote_atoms, side, order_id, account_id,
                 maker_id, maker_seat.account_id, taker_fee, maker_fee, left)
            )  # fmt: skip
            if left:
                maker.remaining = left
                break

            # The maker is filled: it is the first of the best level, so it leaves without a search.
            del maker_seat.orders[maker_id]
            maker_seat.open -= 1
            after = maker.next
            if after is None:
                heappop(heap)
                del levels[key]
            else:
                after.prev = None
                after.tail = maker.tail
                levels[key] = after
            maker.tail = None
            if maker.client_id:
                remember(state, maker)
            if after is None or not lots:
                break
            maker = after

    if trade_id != market.trades:
        market.trades = trade_id
        market.last = price = events[-1][3]
        if price < market.calm_low or price > market.calm_high:
            market.set_last(price)
    return lots


def take(
    state: State, order: Order, limit: int, quote: int, is_capped: bool, events: list[Event], last_trade: int = 0
) -> str | None:  # fmt: skip
    """Trade `order` with the opposite side, as far as prices up to `limit` go; lowers its `remaining`.

    `quote` above 0 makes it an order by that many quote atoms. `is_capped`: what is available caps it trade by trade
    (market buys by size, market sells by quote). It meets limits.MEETINGS resting orders at most, or those up to the
    market's `last_trade`, if it has met some already. Returns why it must end now ("stp", "funds", "filled",
    "unfilled"), or None if what is left may rest. Leaves its first trade's price in `market.first`.
    """
    seat = order.seat
    market = seat.market
    side, stp = order.side, order.stp
    opposite, worst_key = (market.bids, -limit) if side else (market.asks, limit)
    before = market.trades
    last_trade = last_trade or before + limits.MEETINGS
    by_quote = quote > 0
    is_bounded = by_quote or is_capped
    begin = len(events)
    reason: str | None = None

    while order.remaining or quote:
        if not is_bounded:
            order.remaining = sweep(state, seat, side, limit, order.remaining, stp, order.id, last_trade, events)
            if not order.remaining:
                break
        maker = opposite.best()
        if maker is None or maker.price * opposite.sign > worst_key:
            break
        if market.trades >= last_trade:
            reason = "unfilled"
            break
        special = maker.special
        if special is not None and 0 < special.expires <= state.time_us:
            # It was due, but too much was.
            last_trade -= 1
            end_order(state, maker, "expired", events)
            continue
        if stp and maker.seat is seat:
            last_trade -= 1
            reason = prevent_self_trade(state, order, maker, by_quote, events)
            if reason is not None:
                break
            continue
        lots = min(maker.remaining, order.remaining)
        if is_bounded:
            lots, reason = tradable(seat, side, maker, order.remaining, quote, is_capped, market.trades > before)
            if reason is not None:
                break
        quote_atoms = trade(state, order, maker, lots, events)
        if by_quote:
            quote -= quote_atoms
        else:
            order.remaining -= lots

    if market.trades > before and not market.first:
        market.first = next(event[3] for event in events[begin:] if event[0] == "trade")
    if reason is None and by_quote:
        return "unfilled" if quote else "filled"
    return reason


def trade(state: State, order: Order, maker: Order, lots: int, events: list[Event]) -> int:
    """One trade of `lots` with any maker at all, and what it brings for the maker. Gives the quote atoms.

    The taker's `remaining` is the caller's to lower.
    """
    seat, maker_seat, side = order.seat, maker.seat, order.side
    market = seat.market
    price = maker.price
    base_atoms = lots * market.lot_atoms
    quote_atoms = lots * price * market.unit
    if side:
        paid, got = base_atoms, quote_atoms
        pays, gets, maker_gets = seat.base, seat.quote, maker_seat.base
        maker_fees, taker_fees, book = market.fee_base, market.fee_quote, market.bids
    else:
        paid, got = quote_atoms, base_atoms
        pays, gets, maker_gets = seat.quote, seat.base, maker_seat.quote
        maker_fees, taker_fees, book = market.fee_quote, market.fee_base, market.asks
    taker_fee = got * seat.taker_ppm // PPM
    maker_fee = paid * maker_seat.maker_ppm // PPM
    pays.available -= paid
    gets.available += got - taker_fee
    maker_gets.available += paid - maker_fee
    taker_fees.available += taker_fee
    maker_fees.available += maker_fee
    market.trades += 1
    market.set_last(price)
    left = maker.remaining - lots
    events.append(
        ("trade", market.trades, market.id, price, lots, base_atoms, quote_atoms, side, order.id, seat.account_id,
         maker.id, maker_seat.account_id, taker_fee, maker_fee, left)
    )  # fmt: skip
    if maker.special is not None:
        after_trade(state, maker, left, events)
    elif left:
        maker.remaining = left
    else:
        book.remove(maker)
        del maker_seat.orders[maker.id]
        maker_seat.open -= 1
        if maker.client_id:
            remember(state, maker)
    return quote_atoms


def tradable(
    seat: Seat, side: int, maker: Order, wanted_lots: int, quote: int, is_capped: bool, has_traded: bool
) -> tuple[int, str | None]:
    """How many lots an order by quote, or one capped by what is available, trades with a maker.

    Returns (lots, None), or (0, reason).
    """
    market = seat.market
    cost = maker.price * market.unit
    lots = maker.remaining
    if is_capped:
        affordable = seat.base.available // market.lot_atoms if side else seat.quote.available // cost
        if affordable == 0:
            return 0, "funds"
        lots = min(lots, affordable)
    lots = min(lots, quote // cost if quote else wanted_lots)
    if lots == 0:
        return 0, "filled" if has_traded else "unfilled"
    return lots, None


def prevent_self_trade(state: State, taker: Order, maker: Order, by_quote: bool, events: list[Event]) -> str | None:
    """Keep an account from trading with itself, by the taker's mode. Returns "stp" if the taker ends.

    Lowers both sides in decrement mode; when that takes the taker to zero, the event of its end still has to tell
    what it had, so `remaining` then stays.
    """
    stp = taker.stp
    if stp == STP_DECREMENT and not by_quote:
        lots = min(left_of(maker), taker.remaining)
        decrement_maker(state, maker, lots, events)
        if lots == taker.remaining:
            return "stp"
        taker.remaining -= lots
        taker.size -= lots
        seat = taker.seat
        events.append(
            ("reduce", taker.id, seat.account_id, seat.market.id, taker.side, taker.price, lots, taker.remaining, 0, 0)
        )
        return None
    if stp in (STP_OLDEST, STP_BOTH):
        end_order(state, maker, "stp", events)
    return "stp" if stp in (STP_NEWEST, STP_BOTH, STP_DECREMENT) else None


def decrement_maker(state: State, maker: Order, lots: int, events: list[Event]) -> None:
    """Take `lots` off a resting order and its hold, in one step, also of an iceberg; at zero it ends."""
    special = maker.special
    if lots == left_of(maker):
        end_order(state, maker, "stp", events)
        return
    if lots > maker.remaining:
        show(maker, lots - maker.remaining, events)
    seat = maker.seat
    market = seat.market
    released = market.hold(maker.side, maker.price, lots)
    balance = seat.base if maker.side else seat.quote
    balance.available += released
    maker.remaining -= lots
    maker.size -= lots
    events.append(
        ("reduce", maker.id, seat.account_id, market.id, maker.side, maker.price, lots, left_of(maker), released, 1)
    )
    if special is not None:
        if not maker.remaining:
            show_next(maker, events)
        if special.list is not None and special.list.kind == OCO:
            end_others(state, special.list, maker, events)
