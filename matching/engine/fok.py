"""Whether a fill-or-kill order can fill, from level totals: no order is looked at but the account's own."""

from matching.engine.commands import STP_NONE, STP_OLDEST
from matching.engine.icebergs import left_of
from matching.engine.state import Order


def fills_whole(order: Order) -> bool:
    """True if the acceptable opposite lots suffice for `order`, its self-trade prevention considered."""
    seat = order.seat
    market = seat.market
    opposite = market.bids if order.side else market.asks
    sign = opposite.sign
    wanted = order.remaining
    worst_key = order.price * sign
    if order.stp != STP_NONE and seat.open:
        own = [
            other
            for other in seat.orders.values()
            if other.seat is seat and other.level is not None and other.side != order.side
            and other.price * sign <= worst_key
        ]  # fmt: skip
        if own and order.stp == STP_OLDEST:
            wanted += sum(left_of(other) for other in own)
        elif own:
            # The walk ends at the first own order: what stands before it in its level counts, and all better levels.
            level = min(own, key=lambda other: other.price * sign).level
            assert level is not None
            for other in level:
                if other.seat is seat:
                    break
                wanted -= other.remaining
            worst_key = level.price * sign - 1
    if wanted <= 0:
        return True
    hidden = opposite.hidden
    for level in opposite.acceptable(worst_key):
        wanted -= level.lots
        if hidden:
            wanted -= hidden.get(level.price * sign, 0)
        if wanted <= 0:
            return True
    return False
