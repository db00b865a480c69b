"""How orders that stand end: canceled, replaced, expired, prevented. And the commands that do nothing else."""

from typing import Any

from matching.engine.clients import find_open, remember
from matching.engine.commands import BUY, PARTLY_FILLED, SELL, UNFILLED
from matching.engine.due import forget_expiry
from matching.engine.events import Event
from matching.engine.icebergs import left_of, show
from matching.engine.state import DUE, PENDING, Account, Order, OrderList, State, WaitingOrder


def end_standing(state: State, order: Order, reason: str) -> Event:
    """End an order that rests or waits: out of its book, its hold released. Returns its `done`.

    What else the end of a special order brings is `end_order`'s to do.
    """
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
        released = price * market.unit * remaining
    tail = order.tail
    if tail is not None:
        # Side.remove, written out for the second most frequent command
        before, after = order.prev, order.next
        if before is not None:
            before.next = after
            if after is not None:
                after.prev = before
            else:
                book.levels[key].tail = before
        elif after is not None:
            after.prev = None
            after.tail = tail
            book.levels[key] = after
        else:
            del book.levels[key]
        order.tail = None
        resting = 1
    else:
        assert isinstance(order, WaitingOrder)
        released = order.held
        resting = 3 if order.phase in (PENDING, DUE) else 2
        market.stops.forget(order)
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


def end_order(state: State, order: Order, reason: str, events: list[Event]) -> None:
    """End an order that rests or waits, with all that its end brings."""
    special = order.special
    if special is None:
        events.append(end_standing(state, order, reason))
        return
    if special.hidden:
        show(order, special.hidden, events)
    order_list = special.list
    events.append(end_standing(state, order, reason))
    if order_list is not None:
        end_others(state, order_list, order, events)


def end_others(state: State, order_list: OrderList, but: Order, events: list[Event]) -> None:
    """A list ends, and all its legs with it but one, of which the caller takes care."""
    dissolve(order_list)
    for leg in order_list.legs:
        if leg is not but:
            end_order(state, leg, "list", events)


def dissolve(order_list: OrderList) -> None:
    """A list ends; its legs are ordinary orders from now on."""
    for leg in order_list.legs:
        assert leg.special is not None
        leg.special.list = None


def end_all(state: State, orders: list[Order], reason: str, events: list[Event]) -> int:
    """End orders that stand, one after the other, but for those that ended with an earlier one; counts the `done`."""
    begin = len(events)
    for order in orders:
        if order.seat.orders.get(order.id) is order:
            end_order(state, order, reason, events)
    return sum(event[0] == "done" for event in events[begin:])


def open_orders(account: Account, market_id: int = 0, side: int = -1) -> list[Order]:
    """The account's resting and waiting orders by rising id, of one market (0: of all) and side (-1: of both)."""
    # Looked through before it is sorted: mostly few of many are meant.
    meant = [
        (id, order)
        for id, order in account.orders.items()
        if (not market_id or order.seat.market.id == market_id) and (side < 0 or order.side == side)
    ]
    meant.sort()
    return [order for _, order in meant]


def cancel_everything(state: State, account: Account) -> list[Event]:
    """End all that an account has open: `cancel_all` and what follows it, or nothing if nothing is open."""
    if not account.orders:
        return []
    events: list[Event] = []
    count = end_all(state, open_orders(account), "canceled", events)
    return [("cancel_all", account.id, 0, -1, count), *events]


def cancel(state: State, command: Any) -> list[Event]:
    """Handle `cancel`."""
    _, deadline, account_id, order_id, client_id, only = command
    if deadline and 0 < deadline < state.time_us:
        return [("rejected", "deadline_passed")]
    try:
        order = state.accounts_by_id[account_id].orders[order_id]
    except KeyError:
        named = find_open(state, account_id, order_id, client_id)
        if named is None:
            return [("rejected", "unknown_order")]
        order = named
    if only:
        if only not in (UNFILLED, PARTLY_FILLED):
            return [("rejected", "invalid_parameter")]
        if (left_of(order) < order.size) != (only == PARTLY_FILLED):
            return [("rejected", "cancel_restricted")]
    if order.special is None:
        return [end_standing(state, order, "canceled")]
    events: list[Event] = []
    end_order(state, order, "canceled", events)
    return events


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
    events: list[Event] = []
    count = end_all(state, orders, "canceled", events)
    return [("cancel_all", account_id, market_id, side, count), *events]
