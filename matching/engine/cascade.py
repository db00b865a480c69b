"""What trades, or the opening of a market, set off: stops trigger, pending legs take their turn, the breaker halts."""

from matching.engine import limits
from matching.engine.checks import need_of, uncovered, why_not_now
from matching.engine.due import is_over, schedule_queue, set_state
from matching.engine.ending import dissolve, end_order, end_others, end_standing
from matching.engine.events import Event
from matching.engine.state import DUE, GONE, HALTED, OPEN, Market, OrderList, State, WaitingOrder
from matching.engine.takers import go_on, lift, run


def follow_up(state: State, market: Market, events: list[Event]) -> None:
    """Let everything happen that the last taker, or the opening of the market, set off.

    Stops that the taker's prices reach move to the queue, then the breaker looks at them; while the market is open,
    the queue's orders go on one after the other, each with the same consequences. What is too much for one go is due
    at once.
    """
    stops = market.stops
    turns = last_trade = 0
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
        if not stops.queue or market.state != OPEN or not stops.has_next():
            if market.backlog:
                schedule_queue(state, market, 0)
            return
        if not turns:
            last_trade = market.trades + limits.TURN_TRADES
        elif turns >= limits.TURNS or market.trades >= last_trade:
            schedule_queue(state, market, state.time_us)
            return
        turns += 1
        order = stops.queue.popleft()
        if is_over(state, order):
            end_order(state, order, "expired", events)
        elif order.phase == DUE:
            _activate(state, order, events)
        else:
            _release(state, order, events)


def _release(state: State, order: WaitingOrder, events: list[Event]) -> None:
    """A triggered order becomes a taker."""
    if order.special is not None and order.special.list is not None:
        end_others(state, order.special.list, order, events)
    seat = order.seat
    balance = seat.base if order.side else seat.quote
    balance.available += order.held
    lift(order)
    order.phase = GONE
    events.append(("trigger", order.id, seat.account_id, seat.market.id, order.side, order.held))
    order.held = 0
    run(state, order, order.type, order.tif, order.quote, order.stop, events)


def _activate(state: State, first: WaitingOrder, events: list[Event]) -> None:
    """A pending leg, or a pair of them, goes on as if placed now, if it still can."""
    special = first.special
    pair = special.list if special is not None else None
    legs = legs_of(pair) if pair is not None else [first]
    seat = first.seat
    market = seat.market
    terms = [terms_of(leg) for leg in legs]
    code = None
    for each in terms:
        code = code or why_not_now(state, market, each, is_full=False)
    if code or uncovered(market, seat, terms):
        if pair is not None:
            dissolve(pair)
        events += [end_standing(state, leg, "refused") for leg in legs]
        return
    for leg in legs:
        lift(leg)
        leg.phase = GONE
        events.append(("activate", leg.id, seat.account_id, market.id, leg.side))
    for leg, held in zip(legs, shares(market, terms), strict=True):
        go_on(state, leg, leg.type, leg.tif, leg.quote, held, events)


def legs_of(pair: OrderList) -> list[WaitingOrder]:
    """The legs of a list all of which pend or have their turn."""
    return [leg for leg in pair.legs if isinstance(leg, WaitingOrder)]


def terms_of(order: WaitingOrder) -> list[int]:
    """What a pending leg says of itself, as in the command; it is never good till a time."""
    display = order.special.display if order.special is not None else 0
    return [
        order.side, order.type, order.tif, order.price, order.stop, order.size, order.quote, order.post_only, order.stp,
        0, order.trigger, order.trail, display,
    ]  # fmt: skip


def shares(market: Market, orders: list[list[int]]) -> list[int]:
    """What each of one order or of an OCO pair holds: a pair shares, a leg in the book holds its whole need."""
    needs = [need_of(market, terms) for terms in orders]
    if len(orders) == 1:
        return needs
    first, second = needs
    is_second_in_book = not (orders[1][4] or orders[1][11])
    return [max(0, first - second), second] if is_second_in_book else [first, max(0, second - first)]
