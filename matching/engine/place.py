"""`place` and `replace`: a new order is checked, then matches, rests, waits or ends."""

from typing import Any

from matching.engine.checks import Terms, need_of, why_not
from matching.engine.clients import find_open, known_order
from matching.engine.commands import GTC, IOC, LIMIT, STP_DECREMENT
from matching.engine.due import schedule_expiry
from matching.engine.ending import end_standing, held_by
from matching.engine.events import Event
from matching.engine.match import take
from matching.engine.state import OPEN, Market, Order, Seat, State, StopOrder
from matching.engine.takers import end, follow_up, rest, run, wait
from matching.money import MAX_AMOUNT


def place(state: State, command: Any, events: list[Event]) -> None:
    """Handle `place`.

    What a market sees most, a limit order GTC or IOC that nothing speaks against, is recognised by one condition
    that implies every check of checks.py, and goes the short way; all else, refusals above all, the long one.
    """
    (
        _, deadline, account_id, market_id, side, type, tif, price, stop, size, quote, post_only, stp, expires,
        client_id, fingerprint,
    ) = command  # fmt: skip
    market = state.markets.get(market_id)
    seat = market.seats.get(account_id) if market is not None else None
    if (
        market is None
        or seat is None
        or type != LIMIT
        or tif not in (GTC, IOC)
        or stop
        or quote
        or expires
        or side not in (0, 1)
        or market.state != OPEN
        or (client_id and client_id in seat.clients)
        or 0 < deadline < state.time_us
        or not 0 <= stp <= STP_DECREMENT
        or not market.min_lots <= size <= market.max_lots
        or not market.band_low <= price <= market.band_high
        or not market.min_notional <= (notional := price * size * market.unit) <= MAX_AMOUNT
        or (seat.open >= market.max_orders and tif == GTC)
        or (seat.base.available < size * market.lot_atoms if side else seat.quote.available < notional)
    ):
        place_carefully(state, command, events)
        return
    # The top of the heap may be a level that ran empty, so this only says that the order might trade.
    may_trade = market.bids.heap[0] <= -price if side else market.asks.heap[0] <= price
    if post_only and (post_only != 1 or tif != GTC or may_trade):
        place_carefully(state, command, events)
        return

    order_id = state.last_order = state.last_order + 1
    order = Order(order_id, seat, side, price, size, size, post_only, stp, 0, client_id)
    if client_id:
        order.fingerprint = fingerprint
        order.sequence = state.sequence
    events.append(
        ("new", order_id, account_id, market_id, side, 0, tif, price, 0, size, 0, post_only, stp, 0, client_id)
    )
    reason = take(state, order, price, 0, False, events) if may_trade else None
    if reason is not None:
        end(state, order, reason, events)
    elif not order.remaining:
        end(state, order, "filled", events)
    elif tif == GTC:
        rest(state, order, events)
    else:
        end(state, order, "unfilled", events)
    if market.first:
        follow_up(state, market, events)


def place_carefully(state: State, command: Any, events: list[Event]) -> None:
    """Check and enter any order at all."""
    market_id, terms, client_id, fingerprint = command[3], command[4:14], command[14], command[15]
    if _is_refused_early(state, command[1], command[2], client_id, fingerprint, events):
        return
    market = state.markets.get(market_id)
    if market is None:
        events.append(("rejected", "unknown_market"))
        return
    seat = open_seat(state, market, command[2])
    code = why_not(state, market, seat, terms, standing=seat.open, freed=0)
    if code:
        events.append(("rejected", code))
        return
    _enter(state, market, seat, terms, client_id, fingerprint, events)


def replace(state: State, command: Any, events: list[Event]) -> None:
    """Handle `replace`: end one order and enter another, both or neither."""
    target_id, target_client_id, account_id, market_id = command[2:6]
    terms, client_id, fingerprint = command[6:16], command[16], command[17]
    if _is_refused_early(state, command[1], account_id, client_id, fingerprint, events):
        return
    target = find_open(state, account_id, target_id, target_client_id)
    if target is None:
        events.append(("rejected", "unknown_order"))
        return
    seat = target.seat
    market = seat.market
    if market.id != market_id:
        events.append(("rejected", "invalid_parameter"))
        return
    freed = 0
    if target.side == terms[0]:
        freed = held_by(target)
    code = why_not(state, market, seat, terms, standing=seat.open - 1, freed=freed)
    if code:
        events.append(("rejected", code))
        return
    end_standing(state, target, "replaced", events)
    _enter(state, market, seat, terms, client_id, fingerprint, events)


def _is_refused_early(
    state: State, deadline: int, account_id: int, client_id: str, fingerprint: int, events: list[Event]
) -> bool:
    """Checks 1 to 3: the client id, the deadline, the account."""
    known = known_order(state, account_id, client_id)
    if known is not None:
        if known[2] == fingerprint:
            events.append(("duplicate", known[0], known[1]))
        else:
            events.append(("rejected", "client_order_id_reused"))
        return True
    if 0 < deadline < state.time_us:
        events.append(("rejected", "deadline_passed"))
        return True
    if account_id < 1:
        events.append(("rejected", "invalid_account"))
        return True
    return False


def open_seat(state: State, market: Market, account_id: int) -> Seat:
    """The account's seat in a market; for an account the engine never saw one that owns nothing."""
    seat = market.seats.get(account_id)
    if seat is None:
        account = state.accounts_by_id.get(account_id)
        if account is None:
            return market.nobody
        seat = market.seats[account_id] = Seat(account, market)
    return seat


def _enter(
    state: State, market: Market, seat: Seat, terms: Terms, client_id: str, fingerprint: int, events: list[Event]
) -> None:
    """An order that passed every check comes in."""
    side, type, tif, price, stop, size, quote, post_only, stp, expires = terms
    order_id = state.last_order = state.last_order + 1
    order = (StopOrder if stop else Order)(order_id, seat, side, price, size, size, post_only, stp, expires, client_id)
    if client_id:
        order.fingerprint = fingerprint
        order.sequence = state.sequence
    events.append(
        ("new", order_id, seat.account_id, market.id, side, type, tif, price, stop, size, quote, post_only, stp,
         expires, client_id)
    )  # fmt: skip
    if expires:
        schedule_expiry(state, order)
    if isinstance(order, StopOrder):
        order.type, order.tif, order.stop, order.quote = type, tif, stop, quote
        wait(state, order, need_of(market, side, price, stop, size, quote), events)
        return
    run(state, order, type, tif, quote, market.last, events)
    if market.first:
        follow_up(state, market, events)
