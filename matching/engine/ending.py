"""How orders that stand end: canceled, replaced, expired, prevented. And the commands that do nothing else."""

from typing import Any

from matching.engine.clients import find_open, remember
from matching.engine.commands import BUY, SELL
from matching.engine.due import forget_expiry
from matching.engine.events import Event
from matching.engine.state import Account, Order, State, StopOrder


def end_standing(state: State, order: Order, reason: str) -> Event:
    """End an order that rests or waits: out of its book, its hold released. Returns its `done`."""
    seat = order.seat
    market = seat.market
    side = order.side
    remaining = order.remaining
    price = order.price
    if side:
        book, key = market.asks, price
        balance = seat.base
        released = remaining * market.lot_atoms
    else:
        book, key = market.bids, -price
        balance = seat.quote
        released = price * remaining * market.unit
    level = order.level
    if level is not None:
        # Side.remove, written out for the second most frequent command
        before, after = order.prev, order.next
        if before is not None:
            level.lots -= remaining
            before.next = after
            if after is not None:
                after.prev = before
            else:
                level.tail = before
        elif after is not None:
            level.lots -= remaining
            level.head = after
            after.prev = None
        else:
            del book.levels[key]
        resting = 1
    else:
        assert isinstance(order, StopOrder)
        released = order.held
        market.stops.forget(order)
        resting = 2
    balance.held -= released
    balance.available += released
    order_id = order.id
    del seat.orders[order_id]
    seat.open -= 1
    done = ("done", order_id, seat.account_id, market.id, side, price, remaining, released, resting, reason)
    if order.client_id:
        remember(state, order)
    if order.special is not None:
        forget_expiry(state, order)
    return done


def held_by(order: Order) -> int:
    """The atoms that a resting or waiting order has set aside."""
    if order.level is None:
        assert isinstance(order, StopOrder)
        return order.held
    return order.seat.market.hold(order.side, order.price, order.remaining)


def open_orders(account: Account, market_id: int = 0, side: int = -1) -> list[Order]:
    """The account's resting and waiting orders by rising id, of one market (0: of all) and side (-1: of both)."""
    return [
        order
        for _, order in sorted(account.orders.items())
        if market_id in (0, order.seat.market.id) and side in (-1, order.side)
    ]


def cancel(state: State, command: Any) -> list[Event]:
    """Handle `cancel`."""
    _, deadline, account_id, order_id, client_id = command
    if deadline and 0 < deadline < state.time_us:
        return [("rejected", "deadline_passed")]
    try:
        order = state.accounts_by_id[account_id].orders[order_id]
    except KeyError:
        named = find_open(state, account_id, order_id, client_id)
        if named is None:
            return [("rejected", "unknown_order")]
        order = named
    return [end_standing(state, order, "canceled")]


def cancel_all(state: State, command: Any) -> list[Event]:
    """Handle `cancel_all`."""
    _, deadline, account_id, market_id, side = command
    if 0 < deadline < state.time_us:
        return [("rejected", "deadline_passed")]
    if account_id < 1:
        return [("rejected", "invalid_account")]
    if market_id != 0 and market_id not in state.markets:
        return [("rejected", "unknown_market")]
    if side not in (-1, BUY, SELL):
        return [("rejected", "invalid_parameter")]
    account = state.accounts_by_id.get(account_id)
    orders = open_orders(account, market_id, side) if account else []
    events: list[Event] = [("cancel_all", account_id, market_id, side, len(orders))]
    events += [end_standing(state, order, "canceled") for order in orders]
    return events
