"""Client ids: which order an account's own name stands for, while the order is open and 24 hours longer.

The order itself is the record. One that closes is stripped of what nobody asks for any more and joins a queue in the
order of closing, from whose front old ones are dropped, a few at a time. Lookups look at the time themselves, so
nobody can tell when a record was really dropped.
"""

from typing import Final

from matching.engine.state import DAY_US, Order, Seat, State

DROP_EVERY: Final = 64


def assign(state: State, order: Order, fingerprint: int) -> None:
    """Let the client id of a new order stand for it."""
    order.fingerprint = fingerprint
    order.sequence = state.sequence
    order.closed_us = 0
    order.seat.clients[order.client_id] = order


def remember(state: State, order: Order) -> None:
    """Keep the client id of an order that has ended; the order must not be used for anything else after this."""
    order.closed_us = state.time_us
    order.price = order.remaining = order.size = 0
    order.tail = order.prev = order.next = None
    closed = state.closed
    closed.append(order)
    if not len(closed) % DROP_EVERY:
        _drop_old(state)


def remember_ended(state: State, seat: Seat, order_id: int, client_id: str, fingerprint: int) -> None:
    """The same for an order that ended with the command it came with, and was no object."""
    order = Order()
    order.id = order_id
    order.seat = seat
    order.client_id = client_id
    order.fingerprint = fingerprint
    order.sequence = state.sequence
    seat.clients[client_id] = order
    remember(state, order)


def _drop_old(state: State) -> None:
    closed, old = state.closed, state.time_us - DAY_US
    for _ in range(2 * DROP_EVERY):
        order = closed[0]
        if order.closed_us > old:
            break
        closed.popleft()
        clients = order.seat.clients
        if clients.get(order.client_id) is order:
            del clients[order.client_id]


def known_order(state: State, account_id: int, client_id: str) -> Order | None:
    """The order, open or not, that a client id stands for, or None if the id is free."""
    account = state.accounts_by_id.get(account_id)
    if account is None or not client_id:
        return None
    order = account.clients.get(client_id)
    if order is None or (order.closed_us and state.time_us >= order.closed_us + DAY_US):
        return None
    return order


def find_open(state: State, account_id: int, order_id: int, client_id: str) -> Order | None:
    """The account's open order named by id if above 0, else by client id."""
    account = state.accounts_by_id.get(account_id)
    if account is None:
        return None
    if order_id > 0:
        return account.orders.get(order_id)
    order = account.clients.get(client_id) if client_id else None
    return None if order is None or order.closed_us else order
