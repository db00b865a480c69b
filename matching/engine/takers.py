"""An order in flight: it matches, what is left rests or ends, and its trades trigger stops or the breaker."""

from matching.engine.clients import remember
from matching.engine.commands import FOK, GTC, GTD, LIMIT
from matching.engine.due import forget_expiry, set_state
from matching.engine.events import Event
from matching.engine.fok import fills_whole
from matching.engine.match import take
from matching.engine.state import HALTED, OPEN, Market, Order, State, StopOrder


def run(
    state: State, order: Order, type: int, tif: int, quote: int, around: int, events: list[Event]
) -> None:  # fmt: skip
    """Let an order match as a taker, then rest or end. It is registered nowhere but with its client id and expiry.

    `around`: the price that a market order's protection is measured from.
    """
    market, side = order.seat.market, order.side
    if type == LIMIT:
        limit = order.price
        if tif == FOK and not fills_whole(order):
            events.append(end(state, order, "fok"))
            return
        may_rest = tif in (GTC, GTD)
        is_capped = False
    else:
        limit = market.lowest(around) if side else market.highest(around)
        may_rest = False
        is_capped = (quote > 0) == (side > 0)
    # An order that meets nobody need not go and look; the top of the heap is the best price or better.
    may_trade = market.bids.heap[0] <= -limit if side else market.asks.heap[0] <= limit
    reason = "unfilled" if quote else None
    if may_trade:
        reason = take(state, order, limit, quote, is_capped, events)
    if reason is None and order.remaining and may_rest:
        events.append(rest(state, order))
    else:
        events.append(end(state, order, reason or ("unfilled" if order.remaining else "filled")))


def rest(state: State, order: Order) -> Event:
    """Put what is left of an order into the book and its hold aside."""
    seat = order.seat
    market = seat.market
    side = order.side
    price = order.price
    remaining = order.remaining
    if side:
        market.asks.add(order)
        balance = seat.base
        held = remaining * market.lot_atoms
    else:
        market.bids.add(order)
        balance = seat.quote
        held = price * remaining * market.unit
    balance.available -= held
    balance.held += held
    order_id = order.id
    seat.orders[order_id] = order
    seat.open += 1
    return ("rest", order_id, seat.account_id, market.id, side, price, remaining, held)


def end(state: State, order: Order, reason: str) -> Event:
    """`done` for an order in flight."""
    seat = order.seat
    done = ("done", order.id, seat.account_id, seat.market.id, order.side, order.price, order.remaining, 0, 0, reason)
    if order.client_id:
        remember(state, order)
    if order.special is not None:
        forget_expiry(state, order)
    return done


def wait(state: State, order: StopOrder, held: int) -> Event:
    """Put a stop order and `held` atoms aside."""
    seat = order.seat
    balance = seat.base if order.side else seat.quote
    balance.available -= held
    balance.held += held
    order.held = held
    order.level = None
    seat.market.stops.add(order)
    seat.orders[order.id] = order
    seat.open += 1
    return ("wait", order.id, seat.account_id, seat.market.id, order.side, order.stop, held)


def lift(order: Order) -> None:
    """An order that stood goes into flight: out of the account's open orders; its hold is the caller's."""
    seat = order.seat
    del seat.orders[order.id]
    seat.open -= 1


def follow_up(state: State, market: Market, events: list[Event]) -> None:
    """What trades, or the opening of a market, set off.

    Stops that the last taker's prices reach move to the queue, then the breaker looks at them; while the market is
    open, the queue's orders match one after the other, each with the same consequences.
    """
    stops = market.stops
    while True:
        if market.first:
            first, last = market.first, market.last
            market.first = 0
            if stops.waiting:
                stops.trigger(first)
                if last != first:
                    stops.trigger(last)
            breaker = market.breaker
            if breaker is not None and breaker.is_breached(state.time_us, first, last):
                breaker.clear()
                until = state.time_us + market.halt_us if market.halt_us else 0
                events.append(set_state(state, market, HALTED, until, "breaker"))
        if not stops.queue or market.state != OPEN:
            return
        order = stops.next_triggered()
        if order is not None:
            _release(state, order, events)


def _release(state: State, order: StopOrder, events: list[Event]) -> None:
    seat = order.seat
    balance = seat.base if order.side else seat.quote
    balance.held -= order.held
    balance.available += order.held
    lift(order)
    events.append(("trigger", order.id, seat.account_id, seat.market.id, order.side, order.held))
    stop = order.stop
    order.stop = order.held = 0
    run(state, order, order.type, order.tif, order.quote, stop, events)
