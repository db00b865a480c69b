"""Whether a fill-or-kill order can fill, and is not too much for one command: looks through the levels it needs."""

from matching.engine import limits
from matching.engine.book import queue_of
from matching.engine.commands import STP_NONE, STP_OLDEST
from matching.engine.due import is_over
from matching.engine.icebergs import left_of
from matching.engine.state import Order, State


def fills_whole(state: State, order: Order) -> bool:
    """True if the acceptable opposite lots suffice for `order`, its self-trade prevention considered.

    And if the levels that it needs have at most limits.FILL_OR_KILL orders, each part of an iceberg counted.
    """
    seat = order.seat
    market = seat.market
    opposite = market.bids if order.side else market.asks
    prevents = order.stp != STP_NONE and seat.open > 0
    wanted, meetings = order.remaining, 0
    for first in opposite.best_first(order.price * opposite.sign):
        # Of what stands before an own order that ends the walk only the shown parts trade.
        ends_here, shown, whole = False, 0, 0
        for other in queue_of(first):
            special = other.special
            meetings += 1
            if special is not None and special.hidden:
                meetings += -(-special.hidden // special.display)
            if meetings > limits.FILL_OR_KILL:
                return False
            if ends_here or (special is not None and is_over(state, other)):
                continue
            if prevents and other.seat is seat:
                ends_here = order.stp != STP_OLDEST
                continue
            shown += other.remaining
            whole += other.remaining if special is None else left_of(other)
        if ends_here:
            return wanted <= shown
        wanted -= whole
        if wanted <= 0:
            return True
    return False
