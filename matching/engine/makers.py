"""What follows the trade of a resting order that is special: a hidden part shows, a list moves on."""

from matching.engine.clients import remember
from matching.engine.commands import OCO, OTOCO
from matching.engine.due import forget_expiry
from matching.engine.ending import dissolve, end_others
from matching.engine.events import Event
from matching.engine.icebergs import left_of, show_next, side_of
from matching.engine.state import Order, OrderList, State, WaitingOrder


def after_trade(state: State, maker: Order, left: int, events: list[Event]) -> None:
    """The last event is a trade of `maker` that left `left` of what it showed; it still stands as before the trade."""
    special, seat = maker.special, maker.seat
    assert special is not None
    order_list = special.list
    if left or special.hidden:
        maker.remaining = left
        # The event counts the hidden part.
        events[-1] = (*events[-1][:-1], left_of(maker))
        if not left:
            show_next(maker, events)
        if order_list is not None and order_list.kind == OCO:
            end_others(state, order_list, maker, events)
        return
    side_of(maker).remove(maker)
    del seat.orders[maker.id]
    seat.open -= 1
    if maker.client_id:
        remember(state, maker)
    forget_expiry(state, maker)
    if order_list is None:
        return
    if order_list.kind == OCO:
        end_others(state, order_list, maker, events)
    else:
        set_due(order_list)


def set_due(order_list: OrderList) -> None:
    """The working leg is filled: its list ends, what pends is to go on; a pair of legs is a list of its own."""
    dissolve(order_list)
    pending = [leg for leg in order_list.legs[1:] if isinstance(leg, WaitingOrder)]
    if order_list.kind == OTOCO:
        tie(pending[0].id, OCO, [*pending])
    pending[0].seat.market.stops.is_due(pending)


def tie(id: int, kind: int, legs: list[Order]) -> None:
    """Make a live list of orders, all of which are special."""
    order_list = OrderList(id, kind, legs)
    for leg in legs:
        assert leg.special is not None
        leg.special.list = order_list
