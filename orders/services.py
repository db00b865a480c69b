"""Writes of trading: each turns a request into commands, sends them to the matcher, and reads its answer.

`deadline_us` is the time (µs since the epoch, 0: none) after which the matcher must not execute a command.
All raise accounts.problems.Problem with a code of its table, and matching.gateway.GatewayError: GatewayBusy when
surely nothing was executed, GatewayTimeout when nobody knows.
"""

from collections.abc import Sequence

from accounts import outcome
from accounts.problems import Problem
from matching import borrowing, gateway
from matching.engine.commands import Command
from matching.gateway import Result
from orders import order_entry
from orders.placed import AmendedOrder, CanceledAll, CanceledList, CanceledOrder, PlacedList, PlacedOrder
from orders.requests import AmendRequest, ListRequest, OrderName, OrderRequest


def place_order(*, account_id: int, order: OrderRequest, deadline_us: int = 0) -> PlacedOrder:
    """Place one order. With a client id that is already taken by the same content, its first result."""
    command = order_entry.place_command(account_id=account_id, order=order, deadline_us=deadline_us)
    return order_entry.read_placed(_submit([command])[0])


def place_orders(
    *, account_id: int, orders: Sequence[OrderRequest | Problem], deadline_us: int = 0
) -> list[PlacedOrder | Problem]:
    """Place many, each by itself and in this order; what cannot be placed is answered in its place."""
    prepared: list[Command | Problem] = []
    for order in orders:
        try:
            if isinstance(order, Problem):
                raise order
            prepared.append(
                order_entry.place_command(account_id=account_id, order=order, deadline_us=deadline_us)
            )  # fmt: skip
        except Problem as problem:
            prepared.append(problem)
    sent = [item for item in prepared if not isinstance(item, Problem)]
    results = iter(_submit(sent) if sent else [])
    answers: list[PlacedOrder | Problem] = []
    for item in prepared:
        try:
            if isinstance(item, Problem):
                raise item
            answers.append(order_entry.read_placed(next(results)))
        except Problem as problem:
            answers.append(problem)
    return answers


def replace_order(*, account_id: int, target: OrderName, order: OrderRequest, deadline_us: int = 0) -> PlacedOrder:
    """Cancel `target` and place `order`, both or neither."""
    command = order_entry.replace_command(account_id=account_id, target=target, order=order, deadline_us=deadline_us)
    return order_entry.read_placed(_submit([command])[0])


def place_list(*, account_id: int, order_list: ListRequest, deadline_us: int = 0) -> PlacedList:
    """Place the orders of a list, all or none. With client ids that this very list has taken, its first result."""
    command = order_entry.list_command(account_id=account_id, order_list=order_list, deadline_us=deadline_us)
    return order_entry.read_placed_list(_submit([command])[0])


def cancel_list(*, account_id: int, list_id: int = 0, client_id: str = "", deadline_us: int = 0) -> CanceledList:
    """Cancel what is left of a list, named by its id if above 0, else by its client id."""
    list_id, cancels = order_entry.list_cancel_commands(
        account_id=account_id, list_id=list_id, client_id=client_id, deadline_us=deadline_us
    )
    return order_entry.read_canceled_list(list_id, _submit(cancels))


def amend_order(*, account_id: int, name: OrderName, changes: AmendRequest, deadline_us: int = 0) -> AmendedOrder:
    """Change an order's price and total size; it keeps its priority when only the size falls."""
    command = order_entry.amend_command(account_id=account_id, name=name, changes=changes, deadline_us=deadline_us)
    return order_entry.read_amended(_submit([command])[0])


def cancel_order(*, account_id: int, name: OrderName, deadline_us: int = 0) -> CanceledOrder:
    """Cancel one order."""
    command = order_entry.cancel_command(account_id=account_id, name=name, deadline_us=deadline_us)
    return order_entry.read_canceled(_submit([command])[0])


def cancel_orders(
    *, account_id: int, names: Sequence[OrderName | Problem], deadline_us: int = 0
) -> list[CanceledOrder | Problem]:
    """Cancel many, each by itself and in this order."""
    sent = [
        order_entry.cancel_command(account_id=account_id, name=name, deadline_us=deadline_us)
        for name in names
        if isinstance(name, OrderName)
    ]
    results = iter(_submit(sent) if sent else [])
    answers: list[CanceledOrder | Problem] = []
    for name in names:
        try:
            if isinstance(name, Problem):
                raise name
            answers.append(order_entry.read_canceled(next(results)))
        except Problem as problem:
            answers.append(problem)
    return answers


def cancel_all_orders(
    *, account_id: int, market: str | None = None, side: int = -1, deadline_us: int = 0
) -> CanceledAll:  # fmt: skip
    """Cancel the account's orders in a market (None: in all) and of a side (-1: both)."""
    command = order_entry.cancel_all_command(
        account_id=account_id, market=market, side=side, deadline_us=deadline_us
    )  # fmt: skip
    return order_entry.read_canceled_all(_submit([command])[0])


def set_dead_man_switch(*, account_id: int, timeout_ms: int, deadline_us: int = 0) -> tuple[int, int]:
    """Cancel all of the account's orders unless called again in time; 0 turns it off.

    Returns when it fires (µs since the epoch, 0: never) and the command's sequence.
    """
    command = order_entry.dead_man_command(account_id=account_id, timeout_ms=timeout_ms, deadline_us=deadline_us)
    result = _submit([command])[0]
    return order_entry.read_dead_man(result), result.sequence


def _submit(commands: Sequence[Command]) -> list[Result]:
    borrowing.give_back()
    results = gateway.submit(commands)
    outcome.answered()
    return results
