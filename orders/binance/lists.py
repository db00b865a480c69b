"""Order lists: place, cancel, ask."""

from collections.abc import Callable
from copy import copy
from typing import Any, Final

from accounts.binance import errors, params
from accounts.binance.endpoint import Call, Endpoint
from accounts.binance.errors import Refusal, refuse
from accounts.problems import Problem
from accounts.services import READ, TRADE
from orders import listing, order_entry, selectors
from orders.binance import list_params, reads, recent_lists, shapes, symbols
from orders.binance.account import read_span
from orders.binance.list_params import NewList
from orders.binance.recent_lists import NamedList
from orders.binance.steps import Steps, waiting
from orders.binance.trading import new_client_id
from orders.listing import Listed
from orders.requests import OrderName
from orders.selectors import StoredList

LIMIT_DEFAULT: Final = 500
LIMIT_MAX: Final = 1_000
# An OTOCO is an OTO whose pending part is a pair.
CONTINGENCY: Final = ("OCO", "OTO", "OTO")


# --- place


def place_oco(call: Call) -> Steps:
    """POST orderList/oco."""
    return place_list(call, list_params.read_oco(call.values))


def place_oto(call: Call) -> Steps:
    """POST orderList/oto."""
    return place_list(call, list_params.read_oto(call.values))


def place_otoco(call: Call) -> Steps:
    """POST orderList/otoco."""
    return place_list(call, list_params.read_otoco(call.values))


def place_old_oco(call: Call) -> Steps:
    """POST order/oco."""
    return place_list(call, list_params.read_old_oco(call.values))


def place_list(call: Call, new: NewList) -> Steps:
    """Place it and show it with its legs. Raises Refusal -2010 for client ids that are taken."""
    (result,) = yield [
        order_entry.list_command(
            account_id=call.caller.account_id, order_list=new.request, deadline_us=call.caller.deadline_us
        )
    ]
    made = order_entry.read_placed_list(result)
    if made.duplicate:
        raise refuse(errors.DUPLICATE)
    recent_lists.keep(made)
    shape = list_json(
        list_id=made.id, kind=made.kind, client_id=made.client_id, time_us=made.time_us,
        orders=[leg.order for leg in made.orders], market=new.market, is_live=made.is_live,
    )  # fmt: skip
    return shape | {"orderReports": [shapes.placed_json(leg, new.market, new.response) for leg in made.orders]}


def list_json(
    *, list_id: int, kind: int, client_id: str, time_us: int, orders: list[Any], market: Listed, is_live: bool
) -> dict[str, Any]:
    """A list with the names of its legs."""
    name = symbols.name(market.symbol)
    return {
        "orderListId": list_id,
        "contingencyType": CONTINGENCY[kind],
        "listStatusType": "EXEC_STARTED" if is_live else "ALL_DONE",
        "listOrderStatus": "EXECUTING" if is_live else "ALL_DONE",
        "listClientOrderId": client_id,
        "transactionTime": shapes.ms(time_us),
        "symbol": name,
        "orders": [{"symbol": name, "orderId": order.id, "clientOrderId": order.client_id} for order in orders],
    }


# --- cancel


def cancel(call: Call) -> Steps:
    """DELETE orderList: a cancel for each leg; the first that finds its leg open ends the others too."""
    market = symbols.listed(call.values["symbol"])
    caller, named = call.caller, _find_to_cancel(call, market)
    results = yield [
        order_entry.cancel_command(
            account_id=caller.account_id, name=OrderName(order_id=leg.id), deadline_us=caller.deadline_us
        )
        for leg in named.orders
    ]
    canceled = order_entry.read_canceled_list(named.id, results)
    rows = {row.id: row for row in reads.orders_after(canceled.sequence, [leg.id for leg in named.orders])}
    legs = [rows.get(leg.id) or copy(leg) for leg in named.orders]
    for leg in legs:
        if leg.id in canceled.order_ids:
            leg.done_reason = "canceled"
    own_id = call.get("newClientOrderId") or new_client_id()
    shape = list_json(
        list_id=named.id, kind=named.kind, client_id=named.client_id, time_us=canceled.time_us, orders=legs,
        market=market, is_live=False,
    )  # fmt: skip
    return shape | {
        "orderReports": [
            shapes.canceled_json(leg, market, client_id=own_id, time_us=canceled.time_us) for leg in legs
        ]
    }  # fmt: skip


def _find_to_cancel(call: Call, market: Listed) -> NamedList:
    """The list that a cancel names. Waits for the read model only if nobody here knows the list."""
    list_id, client_id = call.get("orderListId", 0), call.get("listClientOrderId", "")
    if not list_id and not client_id:
        raise params.neither("listClientOrderId", "orderListId")
    found = recent_lists.find(call.caller.account_id, list_id, client_id)
    if found is None:
        caught_up = reads.catch_up()
        found = recent_lists.find(call.caller.account_id, list_id, client_id)
        if found is None:
            raise Problem("unknown_order" if caught_up else "unavailable")
    if found.market_id != market.id or (client_id and found.client_id != client_id):
        raise Problem("unknown_order")
    return found


# --- ask


def query(call: Call) -> dict[str, Any]:
    """GET orderList."""
    list_id, client_id = call.get("orderListId", 0), call.get("origClientOrderId", "")
    if not list_id and not client_id:
        raise params.neither("origClientOrderId", "orderListId")
    caught_up = reads.catch_up()
    try:
        stored = selectors.get_list(account_id=call.caller.account_id, list_id=list_id, client_id=client_id)
    except Problem as problem:
        if problem.code == "unknown_order" and not caught_up:
            raise Problem("unavailable") from None
        raise
    if client_id and stored.client_id != client_id:
        raise Problem("unknown_order")
    return _stored_json(stored)


def all_lists(call: Call) -> list[dict[str, Any]]:
    """GET allOrderList."""
    from_id, limit = call.get("fromId"), call.get("limit", LIMIT_DEFAULT)
    start_us, end_us = read_span(call)
    if from_id is not None and (start_us is not None or end_us is not None):
        raise Refusal(-1128, "Combination of optional parameters invalid.")
    reads.catch_up()
    found = reads.list_lists(
        account_id=call.caller.account_id, from_id=from_id, start_us=start_us, end_us=end_us, limit=limit
    )  # fmt: skip
    return [_stored_json(stored) for stored in found]


def open_lists(call: Call) -> list[dict[str, Any]]:
    """GET openOrderList."""
    reads.catch_up()
    found = selectors.list_lists(account_id=call.caller.account_id, is_open=True, limit=LIMIT_MAX)
    return [_stored_json(stored) for stored in reversed(found)]


def _stored_json(stored: StoredList) -> dict[str, Any]:
    market = listing.by_id(stored.market_id)
    return list_json(
        list_id=stored.id, kind=stored.kind, client_id=stored.client_id, time_us=stored.created_us,
        orders=list(stored.orders), market=market, is_live=stored.is_live,
    )  # fmt: skip


def _placing(
    steps: Callable[[Call], Steps], fields: params.Fields, required: tuple[str, ...], *, places: int = 2,
    action: str = "place",
) -> Endpoint:  # fmt: skip
    return Endpoint(waiting(steps), fields, required, access=TRADE, action=action, writes=True, places=places)


PLACE_OCO: Final = _placing(place_oco, list_params.OCO_FIELDS, list_params.OCO_REQUIRED, action="oco")
PLACE_OTO: Final = _placing(place_oto, list_params.OTO_FIELDS, list_params.OTO_REQUIRED)
PLACE_OTOCO: Final = _placing(place_otoco, list_params.OTOCO_FIELDS, list_params.OTOCO_REQUIRED, places=3)
PLACE_OLD_OCO: Final = _placing(place_old_oco, list_params.OLD_OCO_FIELDS, list_params.OLD_OCO_REQUIRED, action="oco")
ORDER_LIST: Final = {
    "GET": Endpoint(
        query, {"orderListId": params.integer(), "origClientOrderId": params.client_id}, weight=4, access=READ
    ),
    "DELETE": Endpoint(
        waiting(cancel),
        {
            "symbol": params.symbol, "orderListId": params.integer(), "listClientOrderId": params.client_id,
            "newClientOrderId": params.client_id,
        },
        ("symbol",), access=TRADE, action="cancel", writes=True,
    ),
}  # fmt: skip
ALL_LISTS: Final = Endpoint(
    all_lists,
    {
        "fromId": params.integer(), "startTime": params.milliseconds, "endTime": params.milliseconds,
        "limit": params.up_to(LIMIT_MAX),
    },
    weight=20, access=READ,
)  # fmt: skip
OPEN_LISTS: Final = Endpoint(open_lists, weight=6, access=READ)
