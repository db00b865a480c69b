"""Client ids: which order an account's own name stands for, while the order is open and 24 hours longer.

An open order is its own record. When it closes, a small tuple takes its place and also joins a queue in the order of
closing, from which old records are dropped a few at a time. Lookups look at the time themselves, so nobody can tell
when a record was really dropped.
"""

from typing import Final

from matching.engine.state import DAY_US, Order, State

DROP_EVERY: Final = 64


def remember(state: State, order: Order) -> None:
    """Keep the client id of an order that closes now."""
    closed = state.closed
    account = order.seat.account
    client_id = order.client_id
    account.clients[client_id] = record = (
        state.time_us, account, client_id, order.id, order.sequence, order.fingerprint
    )  # fmt: skip
    closed.append(record)
    if not len(closed) % DROP_EVERY:
        _drop_old(state)


def _drop_old(state: State) -> None:
    closed, old = state.closed, state.time_us - DAY_US
    for _ in range(2 * DROP_EVERY):
        if closed[0][0] > old:
            break
        record = closed.popleft()
        clients = record[1].clients
        if clients.get(record[2]) is record:
            del clients[record[2]]


def known_order(state: State, account_id: int, client_id: str) -> tuple[int, int, int] | None:
    """(order, sequence, fingerprint) that the client id stands for, or None if it is free."""
    account = state.accounts_by_id.get(account_id)
    if account is None or not client_id:
        return None
    record = account.clients.get(client_id)
    if record is None:
        return None
    if isinstance(record, Order):
        return record.id, record.sequence, record.fingerprint
    if state.time_us >= record[0] + DAY_US:
        return None
    return record[3], record[4], record[5]


def find_open(state: State, account_id: int, order_id: int, client_id: str) -> Order | None:
    """The account's open order named by id if above 0, else by client id."""
    account = state.accounts_by_id.get(account_id)
    if account is None:
        return None
    if order_id > 0:
        return account.orders.get(order_id)
    record = account.clients.get(client_id) if client_id else None
    return record if isinstance(record, Order) else None
