"""Matching: a taker against the book, price first and then time (docs/protocol.md, section 6)."""

from heapq import heappop

from matching.engine import limits
from matching.engine.clients import remember
from matching.engine.commands import OCO, STP_BOTH, STP_DECREMENT, STP_NEWEST, STP_OLDEST
from matching.engine.ending import end_order, end_others
from matching.engine.events import Event
from matching.engine.icebergs import left_of, show, show_next
from matching.engine.makers import after_trade
from matching.engine.state import Order, Seat, State
from matching.money import PPM


def take(state: State, order: Order, limit: int, quote: int, is_capped: bool, events: list[Event]) -> str | None:
    """Trade `order` with the opposite side, as far as prices up to `limit` go; lowers its `remaining`.

    `quote` above 0 makes it an order by that many quote atoms. `is_capped`: what is available caps it trade by trade
    (market buys by size, market sells by quote). It meets limits.MEETINGS resting orders at most. Returns why it must
    end now ("stp", "funds", "filled", "unfilled"), or None if what is left may rest. Leaves the first trade's price in
    `market.first` if anybody wants to know it.
    """
    seat = order.seat
    market = seat.market
    side = order.side
    stp = order.stp
    if side:
        opposite = market.bids
        worst_key = -limit
        pays, gets = seat.base, seat.quote
        maker_fees, taker_fees = market.fee_base, market.fee_quote
    else:
        opposite = market.asks
        worst_key = limit
        pays, gets = seat.quote, seat.base
        maker_fees, taker_fees = market.fee_quote, market.fee_base
    heap, levels = opposite.heap, opposite.levels
    unit, lot_atoms = market.unit, market.lot_atoms
    taker_ppm = seat.taker_ppm
    trade_id = market.trades
    last_meeting = trade_id + limits.MEETINGS
    remaining = order.remaining
    first = price = 0
    by_quote = quote > 0
    is_bounded = by_quote or is_capped
    reason: str | None = None

    while reason is None and (remaining or quote) and (key := heap[0]) <= worst_key:
        level = levels.get(key)
        if level is None:
            heappop(heap)
            continue
        if trade_id >= last_meeting:
            reason = "unfilled"
            break
        maker = level.head
        level_price = level.price
        while True:
            maker_seat = maker.seat
            maker_left = maker.remaining
            special = maker.special
            if special is not None and 0 < special.expires <= state.time_us:
                # It was due, but too much was.
                last_meeting -= 1
                end_order(state, maker, "expired", events)
                break
            if stp and maker_seat is seat:
                # This may empty the level, so the best one is looked up anew.
                last_meeting -= 1
                order.remaining = remaining
                reason = prevent_self_trade(state, order, maker, by_quote, events)
                remaining = order.remaining
                break
            lots = maker_left if maker_left < remaining else remaining
            if is_bounded:
                lots, reason = tradable(seat, side, level_price, maker_left, remaining, quote, is_capped, first)
                if reason is not None:
                    break

            price = level_price
            if not first:
                first = price
            base_atoms = lots * lot_atoms
            quote_atoms = lots * price * unit
            if side:
                paid, got = base_atoms, quote_atoms
                maker_pays, maker_gets = maker_seat.quote, maker_seat.base
            else:
                paid, got = quote_atoms, base_atoms
                maker_pays, maker_gets = maker_seat.base, maker_seat.quote
            taker_fee = got * taker_ppm // PPM
            maker_fee = paid * maker_seat.maker_ppm // PPM
            pays.available -= paid
            gets.available += got - taker_fee
            maker_pays.held -= got
            maker_gets.available += paid - maker_fee
            taker_fees.available += taker_fee
            maker_fees.available += maker_fee
            if by_quote:
                quote -= quote_atoms
            else:
                remaining -= lots
            maker_left -= lots
            trade_id += 1
            maker_id = maker.id
            events.append(
                ("trade", trade_id, market.id, price, lots, base_atoms, quote_atoms, side, order.id, seat.account_id,
                 maker_id, maker_seat.account_id, taker_fee, maker_fee, maker_left)
            )  # fmt: skip
            if special is not None:
                # This may change the level, so the best one is looked up anew.
                after_trade(state, maker, maker_left, events)
                break
            if maker_left:
                maker.remaining = maker_left
                level.lots -= lots
                break

            # The maker is filled: it is the head of the best level, so it leaves without a search.
            del maker_seat.orders[maker_id]
            maker_seat.open -= 1
            after = maker.next
            if maker.client_id:
                remember(state, maker)
            if after is None:
                heappop(heap)
                del levels[key]
                break
            after.prev = None
            level.head = after
            level.lots -= lots
            maker = after
            if not (remaining or quote) or trade_id >= last_meeting:
                break

    order.remaining = remaining
    if first:
        market.trades = trade_id
        if price != market.last:
            market.set_last(price)
        if market.stops.waiting or market.breaker is not None or market.stops.queue or market.backlog:
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
    balance.held -= released
    balance.available += released
    maker.remaining -= lots
    maker.size -= lots
    assert maker.level is not None
    maker.level.lots -= lots
    events.append(
        ("reduce", maker.id, seat.account_id, market.id, maker.side, maker.price, lots, left_of(maker), released, 1)
    )
    if special is not None:
        if not maker.remaining:
            show_next(maker, events)
        if special.list is not None and special.list.kind == OCO:
            end_others(state, special.list, maker, events)
