"""Orders and fills of an account, from the read models."""

from django.http import HttpResponse
from rest_framework.request import Request

from accounts.api import query
from accounts.api.base import PrivateView, answer
from accounts.api.openapi import CURSOR, LIMIT, MIN_SEQUENCE, documented
from accounts.api.paging import LIMIT_DEFAULT, next_cursor, wait_for_rows
from matching.engine.commands import SIDES
from orders import listing, requests, selectors
from orders.api import schema, shapes
from orders.api.writes import OrdersWrites, OrderWrites, path_name
from orders.models import Order

STATUS = {"open": True, "closed": False, "all": None}
_side = query.one_of({name: number for number, name in enumerate(SIDES)})
_order_id = query.integer(1, requests.ORDER_ID_MAX)


def stored_json(order: Order) -> dict[str, object]:
    """An order of the read model."""
    return shapes.order_json(order, listing.by_id(order.market_id), Order.Status(order.status).label)


class OrdersView(OrdersWrites):
    """/orders"""

    @documented(
        "List orders", answer=schema.OrderPage, tags=["orders"], operation="orders_list",
        parameters=[schema.STATUS, schema.MARKET, schema.SIDE, LIMIT, CURSOR, MIN_SEQUENCE],
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """Newest first; open ones unless `status` says closed or all."""
        asked = query.read_query(
            request, {"status": query.one_of(STATUS), "market": query.text(), "side": _side, **query.PAGE}
        )
        limit = asked["limit"] or LIMIT_DEFAULT
        sequence = wait_for_rows(request, selectors.wait_for_sequence)
        orders = selectors.list_orders(
            account_id=self.caller.account_id,
            market_id=listing.by_symbol(asked["market"]).id if asked["market"] else None,
            is_open=asked["status"] if "status" in request.query_params else True,
            side=asked["side"], before_id=asked["cursor"], limit=limit,
        )  # fmt: skip
        page = {
            "orders": [stored_json(order) for order in orders],
            "next_cursor": next_cursor(orders, limit),
            "sequence": sequence,
        }
        return answer(page, sequence=sequence)


class OrderView(OrderWrites):
    """/orders/{order_id} and /orders/by-client-id/{client_id}"""

    @documented("Fetch an order", answer=schema.Order, parameters=[MIN_SEQUENCE], tags=["orders"])
    def get(self, request: Request, order_id: int | None = None, client_id: str | None = None) -> HttpResponse:
        """Of the orders with the same client id, the latest."""
        name = path_name(order_id, client_id)
        query.read_query(request, {})
        sequence = wait_for_rows(request, selectors.wait_for_sequence)
        order = selectors.get_order(
            account_id=self.caller.account_id, order_id=name.order_id, client_id=name.client_id
        )  # fmt: skip
        return answer(stored_json(order), sequence=sequence)


class FillsView(PrivateView):
    """/fills"""

    @documented(
        "List fills", answer=schema.FillPage, tags=["orders"],
        parameters=[schema.MARKET, schema.ORDER_ID, LIMIT, CURSOR, MIN_SEQUENCE],
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """Newest first."""
        asked = query.read_query(request, {"market": query.text(), "order_id": _order_id, **query.PAGE})
        limit = asked["limit"] or LIMIT_DEFAULT
        sequence = wait_for_rows(request, selectors.wait_for_sequence)
        fills = selectors.list_fills(
            account_id=self.caller.account_id,
            market_id=listing.by_symbol(asked["market"]).id if asked["market"] else None,
            order_id=asked["order_id"], before_id=asked["cursor"], limit=limit,
        )  # fmt: skip
        page = {
            "fills": [shapes.fill_json(fill, listing.by_id(fill.market_id)) for fill in fills],
            "next_cursor": next_cursor(fills, limit),
            "sequence": sequence,
        }
        return answer(page, sequence=sequence)
