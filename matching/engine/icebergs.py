"""Icebergs: orders in the book of which a part is hidden (docs/protocol.md, section 9).

`remaining` of a resting order is what is shown, `special.hidden` the rest.
"""

from matching.engine.book import Side
from matching.engine.events import Event
from matching.engine.state import Order


def side_of(order: Order) -> Side:
    """The side of the book that an order stands in."""
    market = order.seat.market
    return market.asks if order.side else market.bids


def show(order: Order, lots: int, events: list[Event]) -> None:
    """Let `lots` of a resting order's hidden part be seen; negative to hide."""
    special, seat = order.special, order.seat
    assert special is not None
    special.hidden -= lots
    order.remaining += lots
    events.append(
        ("show", order.id, seat.account_id, seat.market.id, order.side, order.price, lots, special.hidden)
    )  # fmt: skip


def hide_rest(order: Order, events: list[Event]) -> None:
    """An order has come to rest: hide what is more than it wants to show."""
    special = order.special
    if special is not None and special.display and order.remaining > special.display:
        show(order, special.display - order.remaining, events)


def show_next(order: Order, events: list[Event]) -> None:
    """The shown part is used up: show the next one, behind all others of the level."""
    special, book = order.special, side_of(order)
    assert special is not None
    book.remove(order)
    book.add(order)
    show(order, min(special.display, special.hidden), events)


def left_of(order: Order) -> int:
    """What is left of an order, hidden part included."""
    return order.remaining if order.special is None else order.remaining + order.special.hidden
