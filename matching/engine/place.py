"""`place` and `replace`: a new order is checked, then matches, rests, waits or ends."""

from collections.abc import Sequence
from typing import Any

from matching.engine import limits
from matching.engine.cascade import follow_up
from matching.engine.checks import Terms, is_conditional, is_plain, need_of, why_not
from matching.engine.clients import assign, find_open, known_order, remember_ended
from matching.engine.commands import BUY, GTC, IOC, ORDER_SIGNATURE_FIELDS, SELL, STP_DECREMENT
from matching.engine.due import schedule_expiry
from matching.engine.ending import end_order, end_standing
from matching.engine.events import Event
from matching.engine.holds import held_by
from matching.engine.match import sweep, take
from matching.engine.signing import as_plain, can_be_signed, is_order_signature, sign, why_not_signed, why_not_signer
from matching.engine.state import DUE, PENDING, Market, Order, Seat, Special, State, WaitingOrder, fill_in
from matching.engine.takers import end, go_on, rest


def place(state: State, command: Any) -> list[Event]:
    """Handle `place`.

    What a market sees most, a limit order GTC or IOC that nothing speaks against, is recognised by one condition
    that implies every check of checks.py, and goes the short way; all else, refusals above all, the long one.
    """
    (
        _, deadline, account_id, market_id, side, type, tif, price, stop, size, quote, post_only, stp, expires,
        trigger, trail, display, client_id, fingerprint,
    ) = command  # fmt: skip
    try:
        market = state.markets[market_id]
        seat = market.plain_seats[account_id]
    except KeyError:
        return place_carefully(state, command)
    if (
        type  # LIMIT is 0
        or stop
        or quote
        or expires
        or trigger
        or trail
        or display
        or (tif and tif != IOC)  # GTC is 0
        or (client_id and client_id in seat.clients)
        or (deadline and 0 < deadline < state.time_us)
        or (stp and not 0 < stp <= STP_DECREMENT)
        or size < market.min_lots
        or size > market.plain_lots
        or price < market.plain_low
        or price > market.plain_high
        or seat.open >= market.max_orders
        or (notional := price * market.unit * size) < market.min_notional
    ):
        return place_carefully(state, command)
    # The top of the opposite heap may be a level that ran empty, so this only says that the order might trade.
    if side == BUY:
        book, opposite, key, pays, held = market.bids, market.asks, -price, seat.quote, notional
    elif side == SELL:
        book, opposite, key, pays, held = market.asks, market.bids, price, seat.base, size * market.lot_atoms
    else:
        return place_carefully(state, command)
    may_trade = opposite.heap[0] <= -key
    if pays.available < held or (post_only and (post_only != 1 or tif or may_trade)):
        return place_carefully(state, command)

    state.last_order = order_id = state.last_order + 1
    events: list[Event] = [
        ("new", order_id, account_id, market_id, side, 0, tif, price, 0, size, 0, post_only, stp, 0, 0, 0, 0, client_id)
    ]
    lots = size
    if may_trade:
        last_trade = market.trades + limits.MEETINGS
        lots = sweep(state, seat, side, price, size, stp, order_id, last_trade, events)
        if lots != size:
            market.first = events[1][3]
        if lots and opposite.heap[0] <= -key:
            # sweep met somebody that it leaves to take.
            order = fill_in(Order(), order_id, seat, side, price, lots, size, post_only, stp, None, client_id)
            if client_id:
                assign(state, order, fingerprint)
            reason = take(state, order, price, 0, False, events, last_trade)
            if reason is None and order.remaining and tif == GTC:
                events.append(rest(state, order))
            else:
                events.append(end(state, order, reason or ("unfilled" if order.remaining else "filled")))
            if market.first:
                follow_up(state, market, events)
            return events
        if lots and not tif:
            held = lots * market.lot_atoms if side else price * market.unit * lots
    if lots and not tif:
        # fill_in, takers.rest, Side.add and clients.assign, written out for the most frequent case of all
        order = Order()
        order.id = order_id
        order.seat = seat
        order.side = side
        order.price = price
        order.remaining = lots
        order.size = size
        order.post_only = post_only
        order.stp = stp
        order.special = None
        order.client_id = client_id
        order.next = None
        order.tail = order
        first = book.levels.get(key)
        if first is None:
            order.prev = None
            book.open_level(key, order)
        else:
            order.prev = tail = first.tail
            tail.next = first.tail = order  # type: ignore[union-attr] # whoever is in the book has one
        pays.available -= held
        seat.orders[order_id] = order
        seat.open += 1
        if client_id:
            order.fingerprint = fingerprint
            order.sequence = state.sequence
            order.closed_us = 0
            seat.clients[client_id] = order
        events.append(("rest", order_id, account_id, market_id, side, price, lots, held))
    else:
        events.append(
            ("done", order_id, account_id, market_id, side, price, lots, 0, 0, "unfilled" if lots else "filled")
        )
        if client_id:
            remember_ended(state, seat, order_id, client_id, fingerprint)
    if market.first:
        follow_up(state, market, events)
    return events


def signed_place(state: State, command: Any) -> list[Event]:
    """Handle `signed_place`: an order of an account in self custody."""
    signature, plain = as_plain(command, "place", len(ORDER_SIGNATURE_FIELDS))
    return place_carefully(state, plain, signature)


def place_carefully(state: State, command: Any, signature: Sequence[int] = ()) -> list[Event]:
    """Check and enter any order at all; `signature` is what a user signed of it, empty if it is a plain one."""
    market_id, terms, client_id, fingerprint = command[3], command[4:17], command[17], command[18]
    refusal = refused_early(state, command[1], command[2], client_id, fingerprint, signature)
    if refusal:
        return [refusal]
    market = state.markets.get(market_id)
    if market is None:
        return [("rejected", "unknown_market")]
    if signature and not (is_order_signature(state, signature) and can_be_signed(terms, signature[6])):
        return [("rejected", "invalid_parameter")]
    seat = open_seat(state, market, command[2])
    code = why_not(state, market, seat, terms, standing=seat.open, freed=0)
    if signature and code is None:
        code = why_not_signed(state, seat, terms, signature)
    if code:
        return [("rejected", code)]
    return _enter(state, market, seat, terms, client_id, fingerprint, signature)


def replace(state: State, command: Any) -> list[Event]:
    """Handle `replace`: end one order and enter another, both or neither.

    As with `place`, what is most frequent is recognised at once: a plain order for one that just rests.
    """
    deadline, target_id, account_id, market_id = command[1], command[2], command[4], command[5]
    try:
        account = state.accounts_by_id[account_id]
        target = account.orders[target_id]
    except KeyError:
        return replace_carefully(state, command)
    seat = target.seat
    market = seat.market
    terms, client_id = command[6:19], command[19]
    freed = 0
    if target.side == terms[0]:
        freed = target.remaining * (market.lot_atoms if target.side else target.price * market.unit)
    if (
        target.special is not None
        or target.tail is None
        or (deadline and 0 < deadline < state.time_us)
        or (client_id and client_id in account.clients)
        or market.id != market_id
        or not is_plain(market, seat, terms, standing=seat.open - 1, freed=freed)
    ):
        return replace_carefully(state, command)
    # What is plain with the target's hold counted in is so without the target.
    done = end_standing(state, target, "replaced")
    return [done, *place(state, ["place", 0, *command[4:]])]


def replace_carefully(state: State, command: Any) -> list[Event]:
    """The same for any order at all."""
    target_id, target_client_id, account_id, market_id = command[2:6]
    terms, client_id, fingerprint = command[6:19], command[19], command[20]
    refusal = refused_early(state, command[1], account_id, client_id, fingerprint)
    if refusal:
        return [refusal]
    target = find_open(state, account_id, target_id, target_client_id)
    if target is None:
        return [("rejected", "unknown_order")]
    seat = target.seat
    market = seat.market
    if market.id != market_id:
        return [("rejected", "invalid_parameter")]
    if is_bound(target):
        return [("rejected", "not_amendable")]
    freed = held_by(target) if target.side == terms[0] else 0
    code = why_not(state, market, seat, terms, standing=seat.open - 1, freed=freed)
    if code:
        return [("rejected", code)]
    events: list[Event] = []
    end_order(state, target, "replaced", events)
    return events + _enter(state, market, seat, terms, client_id, fingerprint)


def is_bound(order: Order) -> bool:
    """Whether an order may not be changed because it is a leg of a live list, or one that is not active yet."""
    if order.special is not None and order.special.list is not None:
        return True
    return isinstance(order, WaitingOrder) and order.tail is None and order.phase in (PENDING, DUE)


def refused_early(
    state: State, deadline: int, account_id: int, client_id: str, fingerprint: int, signature: Sequence[int] = ()
) -> Event | None:  # fmt: skip
    """Checks 1 to 3: the client id, the deadline, the account and who signs for it."""
    known = known_order(state, account_id, client_id)
    if known is not None:
        if known.fingerprint == fingerprint:
            return ("duplicate", known.id, known.sequence)
        return ("rejected", "client_order_id_reused")
    if 0 < deadline < state.time_us:
        return ("rejected", "deadline_passed")
    if account_id < 1:
        return ("rejected", "invalid_account")
    code = why_not_signer(state, account_id, signature)
    return ("rejected", code) if code else None


def open_seat(state: State, market: Market, account_id: int) -> Seat:
    """The account's seat in a market; for an account the engine never saw one that owns nothing."""
    seat = market.seats.get(account_id)
    if seat is None:
        account = state.accounts_by_id.get(account_id)
        if account is None:
            return market.nobody
        seat = market.seats[account_id] = Seat(account, market)
        if not account.signs:
            market.plain_seats[account_id] = seat
    return seat


def _enter(
    state: State, market: Market, seat: Seat, terms: Terms, client_id: str, fingerprint: int,
    signature: Sequence[int] = (),
) -> list[Event]:  # fmt: skip
    """An order that passed every check comes in."""
    need = need_of(market, terms)
    order = make_order(state, seat, terms, client_id, fingerprint)
    events: list[Event] = [("new", order.id, seat.account_id, market.id, *terms, client_id)]
    if signature:
        events.append(sign(state, order, signature))
    _, type, tif, _, _, _, quote, _, _, _, _, _, _ = terms
    go_on(state, order, type, tif, quote, need, events)
    if market.first:
        follow_up(state, market, events)
    return events


def make_order(
    state: State, seat: Seat, terms: Terms, client_id: str, fingerprint: int, *, of_list: bool = False,
    pends: bool = False,
) -> Order:  # fmt: skip
    """The next order, known by its client id and to expire at its time, but not anywhere yet.

    `of_list`: it will be a leg of a live list; `pends`: a pending one.
    """
    side, type, tif, price, stop, size, quote, post_only, stp, expires, trigger, trail, display = terms
    state.last_order += 1
    special = Special(expires, display) if expires or display or of_list else None
    order = WaitingOrder() if pends or is_conditional(stop, trail) else Order()
    fill_in(order, state.last_order, seat, side, price, size, size, post_only, stp, special, client_id)
    if isinstance(order, WaitingOrder):
        order.type, order.tif, order.stop, order.quote = type, tif, stop, quote
        order.trigger, order.trail = trigger, trail
    if client_id:
        assign(state, order, fingerprint)
    if expires:
        schedule_expiry(state, order)
    return order
