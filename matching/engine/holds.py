"""What is set aside: counted from the orders and withdrawals that hold it, whenever somebody asks.

No balance keeps a total of its holds: nothing is decided by it, and every order and trade would have to bring it up to
date. That holds and what is available add up to what was deposited is an invariant (invariants.py).
"""

from collections import Counter
from collections.abc import Iterable

from matching.engine.icebergs import left_of
from matching.engine.state import Account, Order, State, WaitingOrder


def held_by(order: Order) -> int:
    """The atoms that a resting or waiting order has set aside."""
    if order.tail is None:
        assert isinstance(order, WaitingOrder)
        return order.held
    return order.seat.market.hold(order.side, order.price, left_of(order))


def holds_of(state: State, accounts: Iterable[Account]) -> Counter[tuple[int, int]]:
    """The atoms that orders and withdrawals of some accounts have set aside, by account and asset."""
    held = Counter[tuple[int, int]]()
    ids = set()
    for account in accounts:
        ids.add(account.id)
        for order in account.orders.values():
            market = order.seat.market
            held[account.id, market.base if order.side else market.quote] += held_by(order)
    for account_id, asset_id, amount, _ in state.withdrawals.values():
        if account_id in ids:
            held[account_id, asset_id] += amount
    return held
