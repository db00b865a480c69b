"""Orders over a socket: the same JSON and the same rules as REST, without waiting for the matcher.

Each op has a `prepare`, which makes commands of its params, and an `interpret`, which makes the reply of their
results. Either may need the database now and then (a market that was just listed, an amend, a duplicate).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accounts.problems import Problem
from matching.engine.commands import Command
from matching.gateway import Result
from orders import listing, order_entry, requests
from orders.api import shapes
from orders.placed import CanceledOrder, PlacedOrder

Interpret = Callable[[Sequence[Result]], dict[str, Any]]


@dataclass(slots=True)
class Prepared:
    """Commands to send in this order (maybe none), and how to read their results."""

    commands: list[Command]
    interpret: Interpret


Prepare = Callable[[Any, int, int], Prepared]  # params, account, deadline in µs


def place(params: Any, account_id: int, deadline_us: int) -> Prepared:
    """order.place: the body of POST /orders."""
    order = requests.read_order(params)
    command = order_entry.place_command(account_id=account_id, order=order, deadline_us=deadline_us)
    return Prepared([command], lambda results: _placed(order_entry.read_placed(results[0])))


def replace(params: Any, account_id: int, deadline_us: int) -> Prepared:
    """order.replace: which order, and under `order` the new one."""
    fields = _object(params)
    order = requests.read_order(fields.pop("order", None))
    target = requests.read_name(fields)
    command = order_entry.replace_command(
        account_id=account_id, target=target, order=order, deadline_us=deadline_us
    )  # fmt: skip
    return Prepared([command], lambda results: _placed(order_entry.read_placed(results[0])))


def amend(params: Any, account_id: int, deadline_us: int) -> Prepared:
    """order.amend: which order, and its new price, its new total size, or both."""
    fields = _object(params)
    changed = {name: fields.pop(name) for name in ("price", "size") if name in fields}
    name = requests.read_name(fields)
    command = order_entry.amend_command(
        account_id=account_id, name=name, changes=requests.read_amend(changed), deadline_us=deadline_us
    )

    def interpret(results: Sequence[Result]) -> dict[str, Any]:
        amended = order_entry.read_amended(results[0])
        return shapes.amended_json(amended, listing.by_id(amended.market_id))

    return Prepared([command], interpret)


def cancel(params: Any, account_id: int, deadline_us: int) -> Prepared:
    """order.cancel: which order."""
    name = requests.read_name(params)
    command = order_entry.cancel_command(account_id=account_id, name=name, deadline_us=deadline_us)
    return Prepared([command], lambda results: _canceled(order_entry.read_canceled(results[0])))


def cancel_all(params: Any, account_id: int, deadline_us: int) -> Prepared:
    """order.cancel_all: of a market, of a side, or all."""
    market, side = requests.read_cancel_all(_object(params))
    command = order_entry.cancel_all_command(
        account_id=account_id, market=market, side=side, deadline_us=deadline_us
    )  # fmt: skip
    return Prepared(
        [command], lambda results: shapes.canceled_all_json(order_entry.read_canceled_all(results[0]))
    )  # fmt: skip


def place_list(params: Any, account_id: int, deadline_us: int) -> Prepared:
    """order.list: the body of POST /order-lists."""
    order_list = requests.read_list(params)
    command = order_entry.list_command(account_id=account_id, order_list=order_list, deadline_us=deadline_us)

    def interpret(results: Sequence[Result]) -> dict[str, Any]:
        made = order_entry.read_placed_list(results[0])
        return shapes.placed_list_json(made, listing.by_id(made.market_id))

    return Prepared([command], interpret)


def cancel_list(params: Any, account_id: int, deadline_us: int) -> Prepared:
    """order.cancel_list: which list, by `list_id` or `client_id`."""
    name = requests.read_list_name(params)
    list_id, cancels = order_entry.list_cancel_commands(
        account_id=account_id, list_id=name.order_id, client_id=name.client_id, deadline_us=deadline_us
    )

    def interpret(results: Sequence[Result]) -> dict[str, Any]:
        canceled = order_entry.read_canceled_list(list_id, results)
        return shapes.canceled_list_json(canceled, listing.by_id(canceled.market_id))

    return Prepared(cancels, interpret)


def dead_man(params: Any, account_id: int, deadline_us: int) -> Prepared:
    """order.dead_man: `timeout_ms`."""
    timeout_ms = requests.read_dead_man(params)
    command = order_entry.dead_man_command(account_id=account_id, timeout_ms=timeout_ms, deadline_us=deadline_us)

    def interpret(results: Sequence[Result]) -> dict[str, Any]:
        fires_us = order_entry.read_dead_man(results[0])
        return {"fires_at": fires_us // 1000 or None, "sequence": results[0].sequence}

    return Prepared([command], interpret)


def batch(params: Any, account_id: int, deadline_us: int) -> Prepared:
    """order.batch: up to 500 under `orders`, each by itself."""
    commands = order_entry.place_commands(
        account_id=account_id, orders=requests.read_orders(params), deadline_us=deadline_us
    )
    return _batch(commands, order_entry.read_placed, _placed)


def cancel_batch(params: Any, account_id: int, deadline_us: int) -> Prepared:
    """order.cancel_batch: up to 500 names under `orders`, each by itself."""
    commands = order_entry.cancel_commands(
        account_id=account_id, names=requests.read_names(params), deadline_us=deadline_us
    )
    return _batch(commands, order_entry.read_canceled, _canceled)


OPS: Final[dict[str, Prepare]] = {
    "order.place": place,
    "order.replace": replace,
    "order.amend": amend,
    "order.cancel": cancel,
    "order.cancel_all": cancel_all,
    "order.batch": batch,
    "order.cancel_batch": cancel_batch,
    "order.list": place_list,
    "order.cancel_list": cancel_list,
    "order.dead_man": dead_man,
}


def _batch(
    commands: Sequence[Command | Problem], read: Callable[[Result], Any], show: Callable[[Any], dict[str, Any]]
) -> Prepared:
    def interpret(results: Sequence[Result]) -> dict[str, Any]:
        answers = order_entry.read_all(commands, results, read)
        shown = [
            {"error": answer.document()} if isinstance(answer, Problem) else {"order": show(answer)}
            for answer in answers
        ]
        return {"results": shown, "sequence": results[-1].sequence if results else 0}

    return Prepared(order_entry.good_ones(commands), interpret)


def _object(params: Any) -> dict[str, Any]:
    if type(params) is not dict:
        raise Problem("invalid_request", "params is missing or no object")
    return dict(params)


def _placed(made: PlacedOrder) -> dict[str, Any]:
    return shapes.placed_json(made, listing.by_id(made.order.market_id))


def _canceled(canceled: CanceledOrder) -> dict[str, Any]:
    return shapes.canceled_json(canceled, listing.by_id(canceled.market_id))
