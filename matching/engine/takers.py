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
    if type == LIMIT:
        if tif == FOK and not fills_whole(order):
            end(state, order, "fok", events)
            return
        reason = take(state, order, order.price, 0, False, events)
        may_rest = tif in (GTC, GTD)
    else:
        market, side = order.seat.market, order.side
        limit = market.lowest(around) if side else market.highest(around)
        is_capped = (quote > 0) == (side > 0)
        reason = take(state, order, limit, quote, is_capped, events)
        may_rest = False
    if reason is not None:
        end(state, order, reason, events)
    elif not order.remaining:
        end(state, order, "filled", events)
    elif may_rest:
        rest(state, order, events)
    else:
        end(state, order, "unfilled", events)


def rest(state: State, order: Order, events: list[Event]) -> None:
    """Put what is left of an order into the book and its hold aside."""
    seat = order.seat
    market = seat.market
    remaining = order.remaining
    price = order.price
    if order.side:
        balance = seat.base
        held = remaining * market.lot_atoms
        market.asks.add(order)
    else:
        balance = seat.quote
        held = price * remaining * market.unit
        market.bids.add(order)
    balance.available -= held
    balance.held += held
    seat.orders[order.id] = order
    seat.open += 1
    if order.client_id:
        seat.clients[order.client_id] = order
    events.append(("rest", order.id, seat.account_id, market.id, order.side, price, remaining, held))


def end(state: State, order: Order, reason: str, events: list[Event]) -> None:
    """`done` for an order in flight."""
    seat = order.seat
    if order.client_id:
        remember(state, order)
    if order.expires:
        forget_expiry(state, order)
    events.append(
        ("done", order.id, seat.account_id, seat.market.id, order.side, order.price, order.remaining, 0, 0, reason)
    )


def wait(state: State, order: StopOrder, held: int, events: list[Event]) -> None:
    """Put a stop order and `held` atoms aside."""
    seat = order.seat
    balance = seat.base if order.side else seat.quote
    balance.available -= held
    balance.held += held
    order.held = held
    seat.market.stops.add(order)
    seat.orders[order.id] = order
    seat.open += 1
    if order.client_id:
        seat.clients[order.client_id] = order
    events.append(("wait", order.id, seat.account_id, seat.market.id, order.side, order.stop, held))


def lift(order: Order) -> None:
    """An order that stood goes into flight: out of the account's open orders; its hold is the caller's."""
    seat = order.seat
    del seat.orders[order.id]
    seat.open -= 1


def follow_up(state: State, market: Market, events: list[Event]) -> None:
    """What a taker's trades set off: stops move to the queue, the breaker looks, the queue is worked off."""
    _look(state, market, events)
    work_off(state, market, events)


def work_off(state: State, market: Market, events: list[Event]) -> None:
    """Let triggered orders match one after the other while the market is open."""
    while market.state == OPEN and (order := market.stops.next_triggered()) is not None:
        _release_stop(state, order, events)
        if market.first:
            _look(state, market, events)


def _release_stop(state: State, order: StopOrder, events: list[Event]) -> None:
    seat = order.seat
    balance = seat.base if order.side else seat.quote
    balance.held -= order.held
    balance.available += order.held
    lift(order)
    events.append(("trigger", order.id, seat.account_id, seat.market.id, order.side, order.held))
    stop = order.stop
    order.stop = order.held = 0
    run(state, order, order.type, order.tif, order.quote, stop, events)


def _look(state: State, market: Market, events: list[Event]) -> None:
    first, last = market.first, market.last
    market.first = 0
    stops = market.stops
    if stops.waiting:
        stops.trigger(first)
        if last != first:
            stops.trigger(last)
    breaker = market.breaker
    if breaker is not None and breaker.is_breached(state.time_us, first, last):
        breaker.clear()
        set_state(state, market, HALTED, state.time_us + market.halt_us if market.halt_us else 0, "breaker", events)
