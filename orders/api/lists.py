"""Order lists: place, cancel, read."""

from django.http import HttpResponse
from rest_framework.request import Request

from accounts.api import query
from accounts.api.base import PrivateView, answer
from accounts.api.openapi import CURSOR, LIMIT, MIN_SEQUENCE, documented
from accounts.api.paging import LIMIT_DEFAULT, next_cursor, wait_for_rows
from orders import listing, requests, selectors, services
from orders.api import list_schema, schema, shapes
from orders.api.reads import STATUS
from orders.api.writes import path_name


class ListsView(PrivateView):
    """/order-lists"""

    def units(self, request: Request) -> int:
        """Every order counts."""
        orders = self.json_object().get("orders")
        return len(orders) if isinstance(orders, list) and 0 < len(orders) <= requests.LEGS_MAX else 1

    @documented(
        "Place an order list", body=list_schema.NewList, answer=list_schema.PlacedList, status=201, tags=["orders"]
    )
    def post(self, request: Request) -> HttpResponse:
        """Its orders are placed together, all or none."""
        order_list = requests.read_list(self.json_object())
        caller = self.caller
        made = services.place_list(
            account_id=caller.account_id, order_list=order_list, deadline_us=caller.deadline_us
        )  # fmt: skip
        shape = shapes.placed_list_json(made, listing.by_id(made.market_id))
        return answer(shape, status=200 if made.duplicate else 201, sequence=made.sequence)

    @documented(
        "List order lists", answer=list_schema.ListPage, tags=["orders"], operation="order_lists_list",
        parameters=[schema.STATUS, schema.MARKET, LIMIT, CURSOR, MIN_SEQUENCE],
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """Newest first; live ones unless `status` says closed or all."""
        asked = query.read_query(request, {"status": query.one_of(STATUS), "market": query.text(), **query.PAGE})
        limit = asked["limit"] or LIMIT_DEFAULT
        sequence = wait_for_rows(request, selectors.wait_for_sequence)
        lists = selectors.list_lists(
            account_id=self.caller.account_id,
            market_id=listing.by_symbol(asked["market"]).id if asked["market"] else None,
            is_open=asked["status"] if "status" in request.query_params else True,
            before_id=asked["cursor"], limit=limit,
        )  # fmt: skip
        page = {
            "order_lists": [shapes.stored_list_json(one, listing.by_id(one.market_id)) for one in lists],
            "next_cursor": next_cursor(lists, limit),
            "sequence": sequence,
        }
        return answer(page, sequence=sequence)


class ListView(PrivateView):
    """/order-lists/{list_id} and /order-lists/by-client-id/{client_id}"""

    @documented("Fetch an order list", answer=list_schema.OrderList, parameters=[MIN_SEQUENCE], tags=["orders"])
    def get(self, request: Request, list_id: int | None = None, client_id: str | None = None) -> HttpResponse:
        """With its orders. Of the lists with the same client id, the latest."""
        name = path_name(list_id, client_id)
        query.read_query(request, {})
        sequence = wait_for_rows(request, selectors.wait_for_sequence)
        found = selectors.get_list(
            account_id=self.caller.account_id, list_id=name.order_id, client_id=name.client_id
        )  # fmt: skip
        return answer(shapes.stored_list_json(found, listing.by_id(found.market_id)), sequence=sequence)

    @documented("Cancel an order list", answer=list_schema.CanceledList, tags=["orders"])
    def delete(self, request: Request, list_id: int | None = None, client_id: str | None = None) -> HttpResponse:
        """Whatever is left of it. Works in every state of the market."""
        name = path_name(list_id, client_id)
        caller = self.caller
        canceled = services.cancel_list(
            account_id=caller.account_id, list_id=name.order_id, client_id=name.client_id,
            deadline_us=caller.deadline_us,
        )  # fmt: skip
        shape = shapes.canceled_list_json(canceled, listing.by_id(canceled.market_id))
        return answer(shape, sequence=canceled.sequence)
