"""An order in flight: it matches, and what is left rests or ends."""

from matching.engine.checks import is_conditional
from matching.engine.clients import remember
from matching.engine.commands import FOK, GTC, GTD, LIMIT
from matching.engine.due import forget_expiry
from matching.engine.ending import end_others
from matching.engine.events import Event
from matching.engine.fok import fills_whole
from matching.engine.icebergs import hide_rest
from matching.engine.makers import set_due
from matching.engine.match import take
from matching.engine.state import Order, State, WaitingOrder


def run(
    state: State, order: Order, type: int, tif: int, quote: int, around: int, events: list[Event]
) -> None:  # fmt: skip
    """Let an order match as a taker, then rest or end. It is registered nowhere but with its client id and expiry.

    `around`: the price that a market order's protection is measured from.
    """
    market, side = order.seat.market, order.side
    if type == LIMIT:
        limit = order.price
        if tif == FOK and not fills_whole(state, order):
            finish(state, order, "fok", events)
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
        hide_rest(order, events)
    else:
        finish(state, order, reason or ("unfilled" if order.remaining else "filled"), events)


def go_on(
    state: State, order: Order, type: int, tif: int, quote: int, held: int, events: list[Event]
) -> None:  # fmt: skip
    """A new order, or a leg that was activated, waits with `held` atoms set aside or goes into flight."""
    if isinstance(order, WaitingOrder) and is_conditional(order.stop, order.trail):
        events.append(wait(state, order, held))
    else:
        run(state, order, type, tif, quote, order.seat.market.last, events)


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
        held = price * market.unit * remaining
    balance.available -= held
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


def finish(state: State, order: Order, reason: str, events: list[Event]) -> None:
    """End an order in flight, with all that its end brings; it may be the working leg of a list."""
    order_list = order.special.list if order.special is not None else None
    events.append(end(state, order, reason))
    if order_list is None:
        return
    if reason == "filled":
        set_due(order_list)
    else:
        end_others(state, order_list, order, events)


def wait(state: State, order: WaitingOrder, held: int) -> Event:
    """Put a conditional order and `held` atoms aside."""
    seat = order.seat
    balance = seat.base if order.side else seat.quote
    balance.available -= held
    order.held = held
    seat.market.stops.add(order, seat.market.last)
    _register(order)
    return ("wait", order.id, seat.account_id, seat.market.id, order.side, order.stop, held)


def pend(order: WaitingOrder) -> Event:
    """Put a leg aside until another one is filled; it holds nothing."""
    seat = order.seat
    order.held = 0
    seat.market.stops.pend(order)
    _register(order)
    return ("pend", order.id, seat.account_id, seat.market.id, order.side)


def _register(order: Order) -> None:
    seat = order.seat
    seat.orders[order.id] = order
    seat.open += 1


def lift(order: Order) -> None:
    """An order that stood goes into flight: out of the account's open orders; its hold is the caller's."""
    seat = order.seat
    del seat.orders[order.id]
    seat.open -= 1
