"""Matching: a taker against the book, price first and then time (docs/protocol.md, section 6)."""

from heapq import heappop

from matching.engine.clients import remember
from matching.engine.commands import STP_BOTH, STP_DECREMENT, STP_NEWEST, STP_OLDEST
from matching.engine.due import forget_expiry
from matching.engine.ending import end_standing
from matching.engine.events import Event
from matching.engine.state import Order, Seat, State
from matching.money import PPM


def take(state: State, order: Order, limit: int, quote: int, is_capped: bool, events: list[Event]) -> str | None:
    """Trade `order` with the opposite side, as far as prices up to `limit` go; lowers its `remaining`.

    `quote` above 0 makes it an order by that many quote atoms. `is_capped`: what is available caps it trade by trade
    (market buys by size, market sells by quote). Returns why it must end now ("stp", "funds", "filled", "unfilled"),
    or None if what is left may rest. Leaves the first trade's price in `market.first` if anybody wants to know it.
    """
    seat = order.seat
    market = seat.market
    side = order.side
    stp = order.stp
    order_id = order.id
    account_id = seat.account_id
    taker_base, taker_quote = seat.base, seat.quote
    taker_ppm = seat.taker_ppm
    fee_base, fee_quote = market.fee_base, market.fee_quote
    market_id = market.id
    unit = market.unit
    lot_atoms = market.lot_atoms
    trade_id = market.trades
    first = price = 0
    by_quote = quote > 0
    remaining = order.remaining
    reason: str | None = None
    if side:
        opposite = market.bids
        worst_key = -limit
    else:
        opposite = market.asks
        worst_key = limit
    heap, levels = opposite.heap, opposite.levels

    while remaining or quote:
        key = heap[0]
        if key > worst_key:
            break
        level = levels[key]
        maker = level.head
        if maker is None:
            heappop(heap)
            del levels[key]
            opposite.vacant -= 1
            continue

        maker_seat = maker.seat
        if maker_seat is seat and stp:
            order.remaining = remaining
            reason = prevent_self_trade(state, order, maker, by_quote, events)
            remaining = order.remaining
            if reason:
                break
            continue

        level_price = level.price
        maker_remaining = maker.remaining
        if by_quote or is_capped:
            lots, reason = tradable(seat, side, level_price, maker_remaining, remaining, quote, is_capped, first)
            if reason:
                break
        else:
            lots = maker_remaining if maker_remaining < remaining else remaining

        price = level_price
        if not first:
            first = price
        base_atoms = lots * lot_atoms
        quote_atoms = lots * price * unit
        if side:
            taker_fee = quote_atoms * taker_ppm // PPM
            maker_fee = base_atoms * maker_seat.maker_ppm // PPM
            taker_base.available -= base_atoms
            taker_quote.available += quote_atoms - taker_fee
            maker_seat.quote.held -= quote_atoms
            maker_seat.base.available += base_atoms - maker_fee
            fee_quote.available += taker_fee
            fee_base.available += maker_fee
        else:
            taker_fee = base_atoms * taker_ppm // PPM
            maker_fee = quote_atoms * maker_seat.maker_ppm // PPM
            taker_quote.available -= quote_atoms
            taker_base.available += base_atoms - taker_fee
            maker_seat.base.held -= base_atoms
            maker_seat.quote.available += quote_atoms - maker_fee
            fee_base.available += taker_fee
            fee_quote.available += maker_fee
        if by_quote:
            quote -= quote_atoms
        else:
            remaining -= lots
        maker_remaining -= lots
        trade_id += 1
        events.append(
            ("trade", trade_id, market_id, price, lots, base_atoms, quote_atoms, side, order_id, account_id,
             maker.id, maker_seat.account_id, taker_fee, maker_fee, maker_remaining)
        )  # fmt: skip
        if maker_remaining:
            maker.remaining = maker_remaining
            level.lots -= lots
            continue

        # The maker is filled: it is the head of the best level, so it leaves without a search.
        maker.remaining = 0
        maker.level = None
        del maker_seat.orders[maker.id]
        maker_seat.open -= 1
        if maker.client_id:
            remember(state, maker)
        if maker.expires:
            forget_expiry(state, maker)
        after = maker.next
        if after is None:
            heappop(heap)
            del levels[key]
        else:
            maker.next = None
            after.prev = None
            level.head = after
            level.lots -= lots

    order.remaining = remaining
    if first:
        market.trades = trade_id
        if price != market.last:
            market.set_last(price)
        if market.stops.waiting or market.breaker is not None:
            market.first = first
    if reason is None and by_quote:
        return "unfilled" if quote else "filled"
    return reason


def tradable(
    seat: Seat, side: int, price: int, maker_lots: int, wanted_lots: int, quote: int, is_capped: bool, first: int
) -> tuple[int, str | None]:
    """How many lots an order by quote, or one capped by what is available, trades with a maker at `price`.

    Returns (lots, None), or (0, reason). `first` is 0 if nothing was traded yet.
    """
    market = seat.market
    cost = price * market.unit
    lots = maker_lots
    if is_capped:
        affordable = seat.base.available // market.lot_atoms if side else seat.quote.available // cost
        if affordable == 0:
            return 0, "funds"
        lots = min(lots, affordable)
    lots = min(lots, quote // cost if quote else wanted_lots)
    if lots == 0:
        return 0, "filled" if first else "unfilled"
    return lots, None


def prevent_self_trade(state: State, taker: Order, maker: Order, by_quote: bool, events: list[Event]) -> str | None:
    """Keep an account from trading with itself, by the taker's mode. Returns "stp" if the taker ends.

    Lowers both sides in decrement mode; when that takes the taker to zero, the event of its end still has to tell
    what it had, so `remaining` then stays.
    """
    stp = taker.stp
    if stp == STP_DECREMENT and not by_quote:
        lots = min(maker.remaining, taker.remaining)
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
        events.append(end_standing(state, maker, "stp"))
    return "stp" if stp in (STP_NEWEST, STP_BOTH, STP_DECREMENT) else None


def decrement_maker(state: State, maker: Order, lots: int, events: list[Event]) -> None:
    """Take `lots` off a resting order and its hold; at zero it ends."""
    if lots == maker.remaining:
        events.append(end_standing(state, maker, "stp"))
        return
    seat = maker.seat
    market = seat.market
    released = market.hold(maker.side, maker.price, lots)
    balance = seat.base if maker.side else seat.quote
    balance.held -= released
    balance.available += released
    maker.remaining -= lots
    maker.size -= lots
    assert maker.level is not None
    maker.level.lots -= lots
    events.append(
        ("reduce", maker.id, seat.account_id, market.id, maker.side, maker.price, lots, maker.remaining, released, 1)
    )
