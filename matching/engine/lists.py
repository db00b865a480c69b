"""`list`: orders that depend on each other (docs/protocol.md, section 10)."""

from collections.abc import Sequence
from typing import Any

from matching.engine.cascade import follow_up, shares
from matching.engine.checks import Terms, is_conditional, malformed, uncovered, why_not_ever, why_not_now
from matching.engine.clients import known_order
from matching.engine.commands import GTD, LIMIT, OCO, OTO, OTOCO, SELL
from matching.engine.events import Event
from matching.engine.makers import tie
from matching.engine.place import make_order, open_seat
from matching.engine.signing import why_not_signer
from matching.engine.state import Market, Seat, State, WaitingOrder
from matching.engine.takers import go_on, pend

LEGS = {OCO: 2, OTO: 2, OTOCO: 3}


def place_list(state: State, command: Any) -> list[Event]:
    """Handle `list`."""
    _, deadline, account_id, market_id, kind, legs, client_id, fingerprint = command
    known = [known_order(state, account_id, leg[-1]) for leg in legs]
    if any(order is not None for order in known):
        first = known[0]
        if first is not None and first.fingerprint == fingerprint:
            return [("duplicate", first.id, first.sequence)]
        return [("rejected", "client_order_id_reused")]
    if 0 < deadline < state.time_us:
        return [("rejected", "deadline_passed")]
    if account_id < 1:
        return [("rejected", "invalid_account")]
    code = why_not_signer(state, account_id, ())
    if code:
        return [("rejected", code)]
    market = state.markets.get(market_id)
    if market is None:
        return [("rejected", "unknown_market")]
    seat = open_seat(state, market, account_id)
    code = _why_not_list(state, market, seat, kind, legs)
    if code:
        return [("rejected", code)]
    return _enter(state, market, seat, kind, legs, client_id, fingerprint)


def _why_not_list(state: State, market: Market, seat: Seat, kind: int, legs: Sequence[Sequence[Any]]) -> str | None:
    if LEGS.get(kind) != len(legs):
        return "invalid_parameter"
    names = [leg[-1] for leg in legs if leg[-1]]
    if len(set(names)) < len(names):
        return "invalid_parameter"
    orders: list[Terms] = [leg[:-1] for leg in legs]
    for terms in orders:
        if malformed(terms):
            return "invalid_parameter"
    if not _are_fit(kind, orders):
        return "invalid_list"
    is_full = seat.open + len(orders) > market.max_orders
    now = orders if kind == OCO else orders[:1]
    for terms in now:
        code = why_not_now(state, market, terms, is_full=is_full)
        if code:
            return code
    for terms in orders[len(now) :]:
        code = why_not_ever(state, market, terms)
        if code:
            return code
    return uncovered(market, seat, now)


def _are_fit(kind: int, orders: Sequence[Terms]) -> bool:
    """Whether orders can be the legs of such a list."""
    if kind == OCO:
        return _are_pair(orders)
    working, pending = orders[0], orders[1:]
    if working[1] != LIMIT or is_conditional(working[4], working[11]) or any(terms[2] == GTD for terms in pending):
        return False
    return kind == OTO or _are_pair(pending)


def _are_pair(orders: Sequence[Terms]) -> bool:
    """One above the market and one below it, which can share a hold; see OCO."""
    one, other = orders
    if one[0] != other[0] or one[5] != other[5] or one[5] <= 0:
        return False
    conditional = [is_conditional(terms[4], terms[11]) for terms in orders]
    if not any(conditional):
        return False
    for terms, waits in zip(orders, conditional, strict=True):
        if not waits and (terms[1] != LIMIT or not terms[7]):
            return False
    above = [
        terms[0] == terms[10] if waits else terms[0] == SELL for terms, waits in zip(orders, conditional, strict=True)
    ]
    return above[0] != above[1]


def _enter(
    state: State, market: Market, seat: Seat, kind: int, legs: Sequence[Sequence[Any]], client_id: str, fingerprint: int
) -> list[Event]:
    """A list that passed every check comes in."""
    terms = [list(leg[:-1]) for leg in legs]
    at_once = 2 if kind == OCO else 1
    orders = [
        make_order(state, seat, leg[:-1], leg[-1], fingerprint, of_list=True, pends=number >= at_once)
        for number, leg in enumerate(legs)
    ]
    tie(orders[0].id, kind, orders)
    ids = [order.id for order in orders]
    events: list[Event] = [("list", ids[0], seat.account_id, market.id, kind, ids, client_id)]
    events += [("new", id, seat.account_id, market.id, *leg) for id, leg in zip(ids, legs, strict=True)]
    events += [pend(order) for order in orders[at_once:] if isinstance(order, WaitingOrder)]
    for order, its, held in zip(orders, terms, shares(market, terms[:at_once]), strict=False):
        go_on(state, order, its[1], its[2], its[6], held, events)
    if market.first:
        follow_up(state, market, events)
    return events
