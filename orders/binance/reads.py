"""Reads of an account's orders and trades, oldest first as this dialect has them, from the read models.

A client that was answered expects to find what it did, so private reads wait a moment until the read models are as
far as the journal was when the request came.
"""

from typing import Any

from django.db.models import Q

from accounts.problems import Problem
from matching import journal
from orders import selectors
from orders.models import Order, OrderList, Trade
from orders.placed import Fill
from orders.requests import OrderName
from orders.selectors import StoredList


def catch_up() -> bool:
    """Wait until the read models are as far as the journal is now; whether they got there in time."""
    head = journal.head()
    return selectors.wait_for_sequence(head) >= head


def find_order(*, account_id: int, market_id: int, name: OrderName) -> Order:
    """An order of the account in the market; if both ids are given both must be its own.

    Raises Problem unknown_order, and unavailable if the read model is behind and may not know it yet.
    """
    order = _find(account_id, market_id, name)
    if order is None:
        caught_up = catch_up()
        order = _find(account_id, market_id, name)
        if order is None:
            raise Problem("unknown_order" if caught_up else "unavailable")
    return order


def is_known(account_id: int, name: OrderName) -> bool:
    """Whether the account has an order of this name in any market."""
    rows = Order.objects.filter(account_id=account_id)
    if name.order_id:
        return rows.filter(id=name.order_id).exists()
    return rows.filter(client_id=name.client_id).exists()


def _find(account_id: int, market_id: int, name: OrderName) -> Order | None:
    rows = Order.objects.filter(account_id=account_id, market_id=market_id)
    if name.order_id:
        rows = rows.filter(id=name.order_id)
    if name.client_id:
        rows = rows.filter(client_id=name.client_id)
    return rows.order_by("-id").first()


def list_open(*, account_id: int, market_id: int | None = None) -> list[Order]:
    """The account's open orders."""
    rows = Order.objects.filter(selectors.OPEN, account_id=account_id)
    if market_id is not None:
        rows = rows.filter(market_id=market_id)
    return list(rows.order_by("id"))


def list_orders(
    *, account_id: int, market_id: int, from_id: int | None, start_us: int | None, end_us: int | None, limit: int
) -> list[Order]:
    """The account's orders in a market: from an id or a time on, else the latest."""
    rows = Order.objects.filter(account_id=account_id, market_id=market_id)
    if start_us is not None:
        rows = rows.filter(created_us__gte=start_us)
    if end_us is not None:
        rows = rows.filter(created_us__lte=end_us)
    if from_id is not None:
        rows = rows.filter(id__gte=from_id)
    if from_id is not None or start_us is not None:
        return list(rows.order_by("id")[:limit])
    return list(rows.order_by("-id")[:limit])[::-1]


def list_fills(
    *, account_id: int, market_id: int, order_id: int | None, from_number: int | None, start_us: int | None,
    end_us: int | None, limit: int,
) -> list[Fill]:  # fmt: skip
    """The account's trades in a market: from a trade's number or a time on, else the latest."""
    rows = Trade.objects.filter(market_id=market_id)
    if from_number is not None:
        rows = rows.filter(number__gte=from_number)
    if start_us is not None:
        rows = rows.filter(time_us__gte=start_us)
    if end_us is not None:
        rows = rows.filter(time_us__lte=end_us)
    ascending = from_number is not None or start_us is not None
    fills: list[Fill] = []
    for is_maker, which in ((True, "maker"), (False, "taker")):
        mine = rows.filter(**{f"{which}_account_id": account_id})
        if order_id is not None:
            mine = mine.filter(**{f"{which}_order_id": order_id})
        mine = mine.order_by("id" if ascending else "-id")
        fills += [fill_of(trade, is_maker=is_maker) for trade in mine[:limit]]
    fills.sort(key=lambda fill: (fill.number, not fill.is_maker), reverse=not ascending)
    fills = fills[:limit]
    return fills if ascending else fills[::-1]


def lists_of(order_ids: set[int]) -> dict[int, int]:
    """The list of each of these orders that is in one."""
    rows = Order.objects.filter(Q(id__in=order_ids) & ~Q(list_id=0))
    return dict(rows.values_list("id", "list_id"))


def fill_of(trade: Trade, *, is_maker: bool) -> Fill:
    """One side of a stored trade."""
    side: Any = 1 - trade.taker_side if is_maker else trade.taker_side
    return Fill(
        number=trade.number, order_id=trade.maker_order_id if is_maker else trade.taker_order_id,
        market_id=trade.market_id, side=side, is_maker=is_maker, price=trade.price, lots=int(trade.lots),
        quote_atoms=int(trade.quote_atoms), fee=int(trade.maker_fee if is_maker else trade.taker_fee),
        time_us=trade.time_us, sequence=trade.sequence,
    )  # fmt: skip


def after(sequence: int, order: Order) -> Order:
    """The order once more, as of the sequence if the read model gets there in time."""
    selectors.wait_for_sequence(sequence)
    return Order.objects.filter(pk=order.pk).first() or order


def orders_after(sequence: int, ids: list[int]) -> list[Order]:
    """These orders, likewise; those that the read model does not know yet are missing."""
    selectors.wait_for_sequence(sequence)
    return list(Order.objects.filter(id__in=ids).order_by("id"))


def list_lists(
    *, account_id: int, from_id: int | None, start_us: int | None, end_us: int | None, limit: int
) -> list[StoredList]:
    """The account's order lists, from an id or a time on, else the latest."""
    rows = OrderList.objects.filter(account_id=account_id)
    if from_id is not None:
        rows = rows.filter(id__gte=from_id)
    if start_us is not None:
        rows = rows.filter(created_us__gte=start_us)
    if end_us is not None:
        rows = rows.filter(created_us__lte=end_us)
    if from_id is not None or start_us is not None:
        return selectors.with_orders(list(rows.order_by("id")[:limit]))
    return selectors.with_orders(list(rows.order_by("-id")[:limit])[::-1])
