"""Writes of trading: each turns text into integers, sends commands to the matcher, and reads the answer's events.

`deadline_us` is the time (µs since the epoch, 0: none) after which the matcher must not execute a command.
All raise accounts.problems.Problem with a code of its table, and matching.gateway.GatewayError: GatewayBusy when
surely nothing was executed, GatewayTimeout when nobody knows.
"""

from collections.abc import Sequence

from accounts.problems import Problem
from matching import gateway, journal
from matching.engine import commands
from matching.engine.commands import Command
from matching.fingerprint import fingerprint
from matching.gateway import Result
from matching.money import MAX_AMOUNT, MAX_PRICE
from orders import listing, placed, selectors
from orders.listing import Listed
from orders.placed import AmendedOrder, CanceledAll, CanceledOrder, PlacedOrder
from orders.requests import AmendRequest, OrderName, OrderRequest


def place_order(*, account_id: int, order: OrderRequest, deadline_us: int = 0) -> PlacedOrder:
    """Place one order. With a client id that is already taken by the same content, its first result."""
    command = _place_command(account_id, order, deadline_us)
    return _read_placed(gateway.submit([command])[0])


def place_orders(
    *, account_id: int, orders: Sequence[OrderRequest | Problem], deadline_us: int = 0
) -> list[PlacedOrder | Problem]:
    """Place many, each by itself and in this order; what cannot be placed is answered in its place."""
    answers: list[PlacedOrder | Problem] = []
    sent: list[Command] = []
    places: list[int] = []
    for i, order in enumerate(orders):
        try:
            if isinstance(order, Problem):
                raise order
            sent.append(_place_command(account_id, order, deadline_us))
            places.append(i)
            answers.append(_PENDING)
        except Problem as problem:
            answers.append(problem)
    results = gateway.submit(sent) if sent else []
    for i, result in zip(places, results, strict=True):
        try:
            answers[i] = _read_placed(result)
        except Problem as problem:
            answers[i] = problem
    return answers


def replace_order(*, account_id: int, target: OrderName, order: OrderRequest, deadline_us: int = 0) -> PlacedOrder:
    """Cancel `target` and place `order`, both or neither."""
    place = _place_command(account_id, order, deadline_us, target=target)
    command = ["replace", deadline_us, target.order_id, target.client_id, *place[2:]]
    return _read_placed(gateway.submit([command])[0])


def amend_order(*, account_id: int, name: OrderName, changes: AmendRequest, deadline_us: int = 0) -> AmendedOrder:
    """Change an order's price and total size; it keeps its priority when only the size falls."""
    market = _market_of(account_id, name)
    command = commands.amend(
        account=account_id, order=name.order_id, client_id=name.client_id,
        price=_ticks(market, changes.price), size=_lots(market, changes.size), deadline_us=deadline_us,
    )  # fmt: skip
    result = gateway.submit([command])[0]
    return placed.read_amended(result.events, time_us=result.time_us, sequence=result.sequence)


def cancel_order(*, account_id: int, name: OrderName, deadline_us: int = 0) -> CanceledOrder:
    """Cancel one order."""
    return _read_canceled(gateway.submit([_cancel_command(account_id, name, deadline_us)])[0])


def cancel_orders(
    *, account_id: int, names: Sequence[OrderName | Problem], deadline_us: int = 0
) -> list[CanceledOrder | Problem]:
    """Cancel many, each by itself and in this order."""
    sent = [_cancel_command(account_id, name, deadline_us) for name in names if isinstance(name, OrderName)]
    results = iter(gateway.submit(sent) if sent else [])
    answers: list[CanceledOrder | Problem] = []
    for name in names:
        try:
            if isinstance(name, Problem):
                raise name
            answers.append(_read_canceled(next(results)))
        except Problem as problem:
            answers.append(problem)
    return answers


def cancel_all_orders(
    *, account_id: int, market: str | None = None, side: int = -1, deadline_us: int = 0
) -> CanceledAll:  # fmt: skip
    """Cancel the account's orders in a market (None: in all) and of a side (-1: both)."""
    market_id = listing.by_symbol(market).id if market is not None else 0
    command = commands.cancel_all(account=account_id, market=market_id, side=side, deadline_us=deadline_us)
    result = gateway.submit([command])[0]
    return placed.read_canceled_all(result.events, time_us=result.time_us, sequence=result.sequence)


def set_dead_man_switch(*, account_id: int, timeout_ms: int, deadline_us: int = 0) -> tuple[int, int]:
    """Cancel all of the account's orders unless called again in time; 0 turns it off.

    Returns when it fires (µs since the epoch, 0: never) and the command's sequence.
    """
    command = commands.deadman(account=account_id, timeout_us=timeout_ms * 1_000, deadline_us=deadline_us)
    result = gateway.submit([command])[0]
    placed.raise_rejection(result.events, result.sequence)
    return int(result.events[-1][2]), result.sequence


# Stands where an answer is still to come; never returned.
_PENDING = Problem("unknown_outcome")


def _place_command(account_id: int, order: OrderRequest, deadline_us: int, target: OrderName | None = None) -> Command:
    market = listing.by_symbol(order.market)
    price, stop = _ticks(market, order.price), _ticks(market, order.stop_price)
    size, quote = _lots(market, order.size), _quote(market, order.quote_amount)
    expires_us = order.expires_ms * 1_000
    content: list[object] = [
        market.id, order.side, order.type, order.tif, price, stop, size, quote, int(order.post_only), order.stp,
        expires_us,
    ]  # fmt: skip
    if target is not None:
        content += [target.order_id, target.client_id]
    return commands.place(
        account=account_id, market=market.id, side=order.side, type=order.type, tif=order.tif, price=price, stop=stop,
        size=size, quote=quote, post_only=int(order.post_only), stp=order.stp, expires_us=expires_us,
        client_id=order.client_id, fingerprint=fingerprint(content) if order.client_id else 0,
        deadline_us=deadline_us,
    )  # fmt: skip


def _cancel_command(account_id: int, name: OrderName, deadline_us: int) -> Command:
    return commands.cancel(
        account=account_id, order=name.order_id, client_id=name.client_id, deadline_us=deadline_us
    )  # fmt: skip


def _read_placed(result: Result) -> PlacedOrder:
    last = result.events[-1]
    if last[0] == "duplicate":
        first = int(last[2])
        batch = journal.read(after=first - 1, limit=1)[0]
        made = placed.read_placed(batch.events[first - batch.first], time_us=batch.time_us, sequence=first)
        made.duplicate = True
        return made
    return placed.read_placed(result.events, time_us=result.time_us, sequence=result.sequence)


def _read_canceled(result: Result) -> CanceledOrder:
    return placed.read_canceled(result.events, time_us=result.time_us, sequence=result.sequence)


def _ticks(market: Listed, price: str | None) -> int:
    if price is None:
        return 0
    ticks = market.scale.price_to_ticks(price)
    if ticks > MAX_PRICE:
        raise Problem("price_too_large")
    return ticks


def _lots(market: Listed, size: str | None) -> int:
    if size is None:
        return 0
    lots = market.scale.size_to_lots(size)
    if lots > MAX_AMOUNT:
        raise Problem("size_too_large")
    return lots


def _quote(market: Listed, amount: str | None) -> int:
    if amount is None:
        return 0
    atoms = market.scale.quote_to_atoms(amount)
    if atoms > MAX_AMOUNT:
        raise Problem("notional_too_large")
    return atoms


def _market_of(account_id: int, name: OrderName) -> Listed:
    """The market an order stands in, which says what its prices mean. Raises Problem unknown_order, unavailable."""
    market_id = selectors.market_of_order(account_id=account_id, order_id=name.order_id, client_id=name.client_id)
    if market_id is None:
        # It may have been placed a moment ago: let the read model catch up before saying no.
        head = journal.head()
        behind = selectors.wait_for_sequence(head) < head
        market_id = selectors.market_of_order(account_id=account_id, order_id=name.order_id, client_id=name.client_id)
        if market_id is None:
            raise Problem("unavailable" if behind else "unknown_order")
    return listing.by_id(market_id)
