"""Whether a fill-or-kill order can fill, and is not too much for one command: looks through the levels it needs."""

from matching.engine import limits
from matching.engine.book import Level
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
    sign = opposite.sign
    prevents = order.stp != STP_NONE and seat.open > 0
    some_are_over = state.next_due <= state.time_us
    hidden = opposite.hidden
    wanted, meetings = order.remaining, 0
    for level in opposite.best_first(order.price * sign):
        meetings += _parts(level)
        if meetings > limits.FILL_OR_KILL:
            return False
        over = [other for other in level if is_over(state, other)] if some_are_over else []
        own = [other for other in level if other.seat is seat and other not in over] if prevents else []
        if own and order.stp != STP_OLDEST:
            # The walk ends at the first own order: of what stands before it only the shown parts trade first.
            for other in level:
                if other is own[0]:
                    break
                wanted -= 0 if other in over else other.remaining
            return wanted <= 0
        wanted += sum(left_of(other) for other in (*own, *over)) - level.lots
        if hidden:
            wanted -= hidden.get(level.price * sign, 0)
        if wanted <= 0:
            return True
    return False


def _parts(level: Level) -> int:
    """The orders of a level, each part of an iceberg counted; no more than are needed to know that it is too many."""
    count = 0
    for order in level:
        special = order.special
        count += 1
        if special is not None and special.hidden:
            count += -(-special.hidden // special.display)
        if count > limits.FILL_OR_KILL:
            break
    return count
