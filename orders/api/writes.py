"""Orders: place, amend, cancel. Each view reads the request, makes one call, and shapes the answer."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from accounts.api.base import PrivateView, answer
from accounts.api.openapi import documented
from accounts.problems import Problem
from orders import listing, requests, services
from orders.api import schema, shapes
from orders.placed import AmendedOrder, CanceledOrder, PlacedOrder
from orders.requests import OrderName


def placed_answer(made: PlacedOrder) -> HttpResponse:
    """201 with the order, or 200 if it had been placed before."""
    order = made.order
    shape = shapes.placed_json(made, listing.by_id(order.market_id))
    return answer(shape, status=200 if made.duplicate else 201, sequence=order.sequence)


def amended_answer(amended: AmendedOrder) -> HttpResponse:
    """The order as amended."""
    return answer(shapes.amended_json(amended, listing.by_id(amended.market_id)), sequence=amended.sequence)


def canceled_answer(canceled: CanceledOrder) -> HttpResponse:
    """The order as canceled."""
    return answer(shapes.canceled_json(canceled, listing.by_id(canceled.market_id)), sequence=canceled.sequence)


def path_name(order_id: int | None = None, client_id: str | None = None) -> OrderName:
    """The order that a path names. Raises Problem unknown_order for what no order is called."""
    if order_id is not None:
        if not 1 <= order_id <= requests.ORDER_ID_MAX:
            raise Problem("unknown_order")
        return OrderName(order_id=order_id)
    if client_id is None or not requests.CLIENT_ID.fullmatch(client_id):
        raise Problem("unknown_order")
    return OrderName(client_id=client_id)


def batch_sequence(answers: list[Any]) -> int:
    """The last sequence that a batch of answers came from, refusals included; 0 for none."""
    last = 0
    for item in answers:
        if isinstance(item, Problem):
            last = max(last, item.extra.get("sequence", 0))
        else:
            last = max(last, item.order.sequence if isinstance(item, PlacedOrder) else item.sequence)
    return last


class OrdersWrites(PrivateView):
    """POST of /orders, beside its reads (orders/api/reads.py)."""

    @documented("Place an order", body=schema.NewOrder, answer=schema.PlacedOrder, status=201, tags=["orders"])
    def post(self, request: Request) -> HttpResponse:
        """The answer carries the order's state and its fills so far."""
        order = requests.read_order(self.json_object())
        caller = self.caller
        return placed_answer(
            services.place_order(account_id=caller.account_id, order=order, deadline_us=caller.deadline_us)
        )

    @documented(
        "Cancel all orders", answer=schema.CanceledAll, parameters=schema.CANCEL_ALL, tags=["orders"],
        operation="orders_destroy_all",
    )  # fmt: skip
    def delete(self, request: Request) -> HttpResponse:
        """Of the account, or of one market or side. The filters are part of the query, and unknown ones are refused."""
        market, side = requests.read_cancel_all(request.query_params.dict())
        caller = self.caller
        canceled = services.cancel_all_orders(
            account_id=caller.account_id, market=market, side=side, deadline_us=caller.deadline_us
        )
        return answer(shapes.canceled_all_json(canceled), sequence=canceled.sequence)


class _BatchView(PrivateView):
    def units(self, request: Request) -> int:
        """Every item counts."""
        return len(requests.read_batch(self.json_object(), "orders"))


class OrderBatchView(_BatchView):
    """/orders/batch"""

    @documented("Place up to 500 orders", body=schema.Batch, answer=schema.BatchAnswer, tags=["orders"])
    def post(self, request: Request) -> HttpResponse:
        """Each order stands by itself: one that is refused does not stop the others."""
        orders = requests.read_orders(self.json_object())
        caller = self.caller
        made = services.place_orders(account_id=caller.account_id, orders=orders, deadline_us=caller.deadline_us)
        results = [
            {"error": item.document()}
            if isinstance(item, Problem)
            else {"order": shapes.placed_json(item, listing.by_id(item.order.market_id))}
            for item in made
        ]
        sequence = batch_sequence(made)
        return answer({"results": results, "sequence": sequence}, sequence=sequence)


class OrderBatchCancelView(_BatchView):
    """/orders/batch-cancel"""

    @documented("Cancel up to 500 orders", body=schema.BatchCancel, answer=schema.BatchCancelAnswer, tags=["orders"])
    def post(self, request: Request) -> HttpResponse:
        """Each by itself: one that is unknown does not stop the others."""
        names = requests.read_names(self.json_object())
        caller = self.caller
        canceled = services.cancel_orders(account_id=caller.account_id, names=names, deadline_us=caller.deadline_us)
        results = [
            {"error": item.document()}
            if isinstance(item, Problem)
            else {"order": shapes.canceled_json(item, listing.by_id(item.market_id))}
            for item in canceled
        ]
        sequence = batch_sequence(canceled)
        return answer({"results": results, "sequence": sequence}, sequence=sequence)


class OrderWrites(PrivateView):
    """PATCH and DELETE of one order, by either id."""

    @documented("Amend an order", body=schema.Amend, answer=schema.AmendedOrder, tags=["orders"])
    def patch(self, request: Request, order_id: int | None = None, client_id: str | None = None) -> HttpResponse:
        """A lower size at the same price keeps the order's priority; everything else makes it a taker again."""
        name = path_name(order_id, client_id)
        changes = requests.read_amend(self.json_object())
        caller = self.caller
        return amended_answer(
            services.amend_order(
                account_id=caller.account_id, name=name, changes=changes, deadline_us=caller.deadline_us
            )
        )

    @documented("Cancel an order", answer=schema.CanceledOrder, tags=["orders"])
    def delete(self, request: Request, order_id: int | None = None, client_id: str | None = None) -> HttpResponse:
        """Works in every state of the market."""
        name = path_name(order_id, client_id)
        caller = self.caller
        return canceled_answer(
            services.cancel_order(account_id=caller.account_id, name=name, deadline_us=caller.deadline_us)
        )


class ReplaceOrderView(PrivateView):
    """/orders/{id}/replace"""

    @documented("Replace an order", body=schema.NewOrder, answer=schema.PlacedOrder, status=201, tags=["orders"])
    def post(self, request: Request, order_id: int | None = None, client_id: str | None = None) -> HttpResponse:
        """Cancel one and place another in the same market: both or neither."""
        target = path_name(order_id, client_id)
        order = requests.read_order(self.json_object())
        caller = self.caller
        return placed_answer(
            services.replace_order(
                account_id=caller.account_id, target=target, order=order, deadline_us=caller.deadline_us
            )
        )


class DeadManSwitchView(PrivateView):
    """/dead-man-switch"""

    @documented(
        "Set the dead-man switch", body=schema.DeadManSwitch, answer=schema.DeadManSwitchAnswer, tags=["orders"]
    )
    def post(self, request: Request) -> HttpResponse:
        """All of the account's orders are canceled unless this is called again within the time; 0 turns it off."""
        timeout_ms = requests.read_dead_man(self.json_object())
        caller = self.caller
        fires_us, sequence = services.set_dead_man_switch(
            account_id=caller.account_id, timeout_ms=timeout_ms, deadline_us=caller.deadline_us
        )
        return answer({"fires_at": fires_us // 1000 or None, "sequence": sequence}, sequence=sequence)
