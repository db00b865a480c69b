"""`amend`: change price or total size of a resting order; priority is kept only by shrinking at the same price."""

from collections.abc import Sequence
from typing import Any

from matching.engine.cascade import follow_up
from matching.engine.checks import crosses
from matching.engine.clients import find_open
from matching.engine.commands import GTC, LIMIT, MAX_PARTS, ORDER_SIGNATURE_FIELDS
from matching.engine.due import is_over
from matching.engine.events import Event
from matching.engine.icebergs import hide_rest, left_of, show
from matching.engine.signing import SECOND_US, as_plain, is_order_signature, sign, why_not_signed_anew, why_not_signer
from matching.engine.state import CANCEL_ONLY, HALTED, POST_ONLY, Order, State
from matching.engine.takers import lift, run
from matching.money import MAX_AMOUNT, MAX_PRICE


def signed_amend(state: State, command: Any) -> list[Event]:
    """Handle `signed_amend`: the user signed the order as it will be."""
    signature, plain = as_plain(command, "amend", len(ORDER_SIGNATURE_FIELDS))
    return amend_carefully(state, plain, signature)


def amend(state: State, command: Any) -> list[Event]:
    """Handle `amend`.

    As with `place`, what is most frequent is recognised at once: an order that just rests, in an open market, and that
    will rest or keep its place with nothing speaking against it.
    """
    _, deadline, account_id, order_id, _, new_price, new_size, keep = command
    try:
        order = state.accounts_by_id[account_id].orders[order_id]
    except KeyError:
        return amend_carefully(state, command)
    seat = order.seat
    market = seat.market
    side, old_price, old_remaining = order.side, order.price, order.remaining
    price = new_price or old_price
    size = new_size or order.size
    remaining = size - order.size + old_remaining
    if (
        order.tail is None
        or order.special is not None
        or order.post_only
        or keep
        or (deadline and 0 < deadline < state.time_us)
        or new_price < 0
        or new_size < 0
        or remaining <= 0
        or size < market.min_lots
        or size > market.plain_lots
        or price < market.plain_low
        or price > market.plain_high
        or price * market.unit * size < market.min_notional
    ):
        return amend_carefully(state, command)
    if side:
        book, balance, held = market.asks, seat.base, remaining * market.lot_atoms
        more = held - old_remaining * market.lot_atoms
        may_trade = market.bids.heap[0] <= -price
    else:
        book, balance, held = market.bids, seat.quote, price * market.unit * remaining
        more = held - old_price * market.unit * old_remaining
        may_trade = market.asks.heap[0] <= price
    keeps = price == old_price and remaining <= old_remaining
    if not keeps and (may_trade or more > balance.available):
        return amend_carefully(state, command)
    balance.available -= more
    order.size = size
    if keeps:
        order.remaining = remaining
        return [("amend", order_id, account_id, market.id, side, old_price, old_remaining, price, size, remaining,
                 held, 1)]  # fmt: skip
    book.remove(order)
    order.price = price
    order.remaining = remaining
    book.add(order)
    return [
        ("amend", order_id, account_id, market.id, side, old_price, old_remaining, price, size, remaining, 0, 0),
        ("rest", order_id, account_id, market.id, side, price, remaining, held),
    ]


def amend_carefully(state: State, command: Any, signature: Sequence[int] = ()) -> list[Event]:
    """Any order at all; `signature` is what a user signed of it, empty if it is a plain one."""
    _, deadline, account_id, order_id, client_id, new_price, new_size, keep = command
    if 0 < deadline < state.time_us:
        return [("rejected", "deadline_passed")]
    if signature and (code := why_not_signer(state, account_id, signature)):
        return [("rejected", code)]
    order = find_open(state, account_id, order_id, client_id)
    if order is None:
        return [("rejected", "unknown_order")]
    special = order.special
    if special is not None and special.signed:
        if not signature:
            return [("rejected", "signature_required")]
        if not is_order_signature(state, signature) or special.expires > signature[6] * SECOND_US:
            return [("rejected", "invalid_parameter")]
    price = new_price or order.price
    size = new_size or order.size
    old_remaining = left_of(order)
    remaining = size - (order.size - old_remaining)
    code = why_not_amend(state, order, new_price, new_size, price, size, old_remaining, remaining, keep)
    if signature and code is None:
        code = why_not_signed_anew(order, price, size, signature)
    if code:
        return [("rejected", code)]

    seat = order.seat
    market = seat.market
    side = order.side
    old_price = order.price
    if side:
        book, balance = market.asks, seat.base
        old_held, held = old_remaining * market.lot_atoms, remaining * market.lot_atoms
        may_trade = market.bids.heap[0] <= -price
    else:
        book, balance = market.bids, seat.quote
        old_held, held = old_price * old_remaining * market.unit, price * remaining * market.unit
        may_trade = market.asks.heap[0] <= price
    keeps = price == old_price and remaining <= old_remaining
    events: list[Event] = []
    if signature:
        events.append(sign(state, order, signature))
    hidden = order.special.hidden if order.special is not None else 0
    if hidden and (not keeps or remaining < old_remaining):
        show(order, min(hidden, old_remaining - remaining) if keeps else hidden, events)
    events.append(
        ("amend", order.id, account_id, market.id, side, old_price, old_remaining, price, size, remaining,
         held if keeps else 0, int(keeps))
    )  # fmt: skip
    if keeps:
        order.remaining -= old_remaining - remaining
        order.size = size
    else:
        book.remove(order)
        order.price = price
        order.remaining = remaining
        order.size = size
        if may_trade:
            balance.available += old_held
            lift(order)
            run(state, order, LIMIT, GTC, 0, 0, events)
            if market.first:
                follow_up(state, market, events)
            return events
        book.add(order)
        events.append(("rest", order.id, account_id, market.id, side, price, remaining, held))
        hide_rest(order, events)
    balance.available -= held - old_held
    return events


def why_not_amend(
    state: State, order: Order, new_price: int, new_size: int, price: int, size: int, old_remaining: int,
    remaining: int, keep: int,
) -> str | None:  # fmt: skip
    """The code of the first check that fails, or None; `price`, `size` and `remaining` are what would be."""
    special = order.special
    if order.tail is None or (special is not None and special.list is not None) or is_over(state, order):
        return "not_amendable"
    if new_price < 0 or new_size < 0 or not 0 <= keep <= 1:
        return "invalid_parameter"
    seat = order.seat
    market = seat.market
    keeps = price == order.price and remaining <= old_remaining
    if keep and not keeps:
        return "would_lose_priority"
    if market.state == HALTED:
        return "market_halted"
    if market.state == CANCEL_ONLY and not keeps:
        return "market_cancel_only"
    if price > MAX_PRICE:
        return "price_too_large"
    if size > market.max_lots:
        return "size_too_large"
    if size < market.min_lots or remaining <= 0:
        return "size_too_small"
    if special is not None and special.display and size > MAX_PARTS * special.display:
        return "too_many_parts"
    notional = price * size * market.unit
    if notional > MAX_AMOUNT:
        return "notional_too_large"
    if notional < market.min_notional:
        return "notional_too_small"
    if price != order.price and not market.is_in_band(price):
        return "price_band"
    if keeps:
        return None
    if (order.post_only or market.state == POST_ONLY) and crosses(market, order.side, price):
        return "post_only_would_cross" if order.post_only else "market_post_only"
    if order.side:
        is_covered = (remaining - old_remaining) * market.lot_atoms <= seat.base.available
    else:
        more = price * remaining - order.price * old_remaining
        is_covered = more * market.unit <= seat.quote.available
    return None if is_covered else "insufficient_balance"
