"""Orders: place, cancel, replace, amend. Each function reads its parameters, makes its call, and shapes the answer."""

import secrets
from typing import Any, Final

from accounts.binance import errors, params
from accounts.binance.endpoint import Call, Endpoint
from accounts.binance.errors import Refusal, refusal_of, refuse
from accounts.problems import Problem
from accounts.services import READ, TRADE
from matching.engine import commands
from orders import listing, order_entry, placed, services
from orders.binance import account, order_check, order_params, reads, shapes, symbols, words
from orders.binance.order_params import NAMED, NewOrder, read_name, read_new_order
from orders.binance.steps import Steps, waiting
from orders.listing import Listed
from orders.models import Order
from orders.placed import CanceledOrder, OrderState, PlacedOrder
from orders.requests import AmendRequest, OrderName

_RESTRICTIONS: Final = {"ONLY_NEW": commands.UNFILLED, "ONLY_PARTIALLY_FILLED": commands.PARTLY_FILLED}
BAD_RESTRICTION: Final = "`cancelRestrictions` has to be either `ONLY_NEW` or `ONLY_PARTIALLY_FILLED`."
STOP_ON_FAILURE: Final = "STOP_ON_FAILURE"
ALLOW_FAILURE: Final = "ALLOW_FAILURE"
# Of a command that failed so, nobody knows whether it was executed.
UNKNOWN_OUTCOME: Final = frozenset({-1007, -1000})
REPLACE_ONLY: Final = {
    "cancelReplaceMode": params.one_of({name: name for name in (STOP_ON_FAILURE, ALLOW_FAILURE)}),
    "cancelNewClientOrderId": params.client_id,
    "cancelOrigClientOrderId": params.client_id,
    "cancelOrderId": params.integer(),
    "cancelRestrictions": params.one_of(_RESTRICTIONS, lambda name: Refusal(-1145, BAD_RESTRICTION)),
}


def new_client_id() -> str:
    """An id for what a client did not name."""
    return secrets.token_urlsafe(16)


# --- place


def place(call: Call) -> dict[str, Any]:
    """POST order."""
    new = read_new_order(call.values)
    made = services.place_order(
        account_id=call.caller.account_id, order=new.request, deadline_us=call.caller.deadline_us
    )  # fmt: skip
    return placed_json(made, new)


def placed_json(made: PlacedOrder, new: NewOrder) -> dict[str, Any]:
    """What was placed. Raises Refusal -2010 for a client id that was taken, be it by the same content."""
    if made.duplicate:
        raise refuse(errors.DUPLICATE)
    return shapes.placed_json(made, new.market, new.response)


def test_place(call: Call) -> dict[str, Any]:
    """POST order/test: all that can be judged without the matcher."""
    values = dict(call.values)
    wants_rates = values.pop("computeCommissionRates", False)
    new = read_new_order(values)
    command = order_entry.place_command(account_id=call.caller.account_id, order=new.request, deadline_us=0)
    order_check.check(account_id=call.caller.account_id, market=new.market, command=command)
    if not wants_rates:
        return {}
    return account.commission_json(call.caller.account_id, new.market)


# --- cancel


def cancel(call: Call) -> Steps:
    """DELETE order."""
    market = symbols.listed(call.values["symbol"])
    name = read_name(call.values)
    return cancel_named(
        call.caller.account_id, market, name, call.caller.deadline_us,
        client_id=call.get("newClientOrderId"), only=call.get("cancelRestrictions", commands.ANY),
    )  # fmt: skip


def cancel_named(
    account_id: int, market: Listed, name: OrderName, deadline_us: int, *, client_id: str | None = None,
    only: int = commands.ANY,
) -> Steps:  # fmt: skip
    """Cancel an order of this market and show it as it was left. Raises Refusal, Problem."""
    order, name = named_to_cancel(account_id, market, name)
    (result,) = yield [
        order_entry.cancel_command(account_id=account_id, name=name, deadline_us=deadline_us, only=only)
    ]  # fmt: skip
    canceled = order_entry.read_canceled(result)
    left = as_canceled(account_id, order, name, canceled)
    return shapes.canceled_json(
        left, listing.by_id(canceled.market_id), client_id=client_id or new_client_id(), time_us=canceled.time_us
    )


def named_to_cancel(account_id: int, market: Listed, name: OrderName) -> tuple[Order | None, OrderName]:
    """The stored order that a cancel means, if the read model knows it, and how to name it to the matcher.

    A read model that is behind must keep nobody from canceling, and an order that no row tells of may be in a command
    sent just before this one: then nobody looks at the symbol, and the matcher knows. Raises Problem unknown_order.
    """
    try:
        order = reads.find_order(account_id=account_id, market_id=market.id, name=name)
    except Problem as problem:
        if problem.code == "unavailable" or not reads.is_known(account_id, name):
            return None, name
        # Of another market, or stored since the first look: then the second one finds it.
        order = reads.find_order(account_id=account_id, market_id=market.id, name=name)
    if not order.is_open and not name.order_id:
        # The name may have been used again since.
        return None, name
    return order, OrderName(order_id=order.pk)


def as_canceled(account_id: int, order: Order | None, name: OrderName, canceled: CanceledOrder) -> Order | OrderState:
    """The stored order as the cancel left it; of one that is not stored in time, what the matcher said.

    What it had traded by then the read model may learn only now; if it is late, lots are as the matcher said and
    the amount of quote is what the read model knew.
    """
    stored = next(iter(reads.orders_after(canceled.sequence, [canceled.id])), order)
    if stored is None:
        return OrderState(
            id=canceled.id, account_id=account_id, market_id=canceled.market_id, side=canceled.side,
            type=commands.LIMIT, tif=commands.GTC, price=0, stop=0, size=canceled.remaining, quote=0, post_only=False,
            stp=commands.STP_NONE, expires_us=0, trigger=words.STOP, trail_ppm=0, display=0, client_id=name.client_id,
            created_us=canceled.time_us, updated_us=canceled.time_us, sequence=canceled.sequence,
            status_name=placed.CANCELED, done_reason="canceled",
        )  # fmt: skip
    stored.done_reason = "canceled"
    if not stored.quote:
        stored.filled_lots = stored.size - canceled.remaining
    return stored


def cancel_open(call: Call) -> Steps:
    """DELETE openOrders: all of a symbol."""
    market = symbols.listed(call.values["symbol"])
    (result,) = yield [
        order_entry.cancel_all_command(
            account_id=call.caller.account_id, market=market.symbol, side=-1, deadline_us=call.caller.deadline_us
        )
    ]
    canceled = order_entry.read_canceled_all(result)
    if not canceled.order_ids:
        raise refuse(errors.UNKNOWN_ORDER)
    rows = reads.orders_after(canceled.sequence, canceled.order_ids)
    for row in rows:
        row.done_reason = row.done_reason or "canceled"
    return [
        shapes.canceled_json(row, market, client_id=new_client_id(), time_us=canceled.time_us) for row in rows
    ]  # fmt: skip


# --- cancel and replace


def cancel_replace(call: Call) -> Steps:
    """POST order/cancelReplace: a cancel, then a new order; two steps, as the dialect has them, not one."""
    values, caller = call.values, call.caller
    market = symbols.listed(values["symbol"])
    name = _canceled_name(values)
    new = read_new_order({key: value for key, value in values.items() if key not in REPLACE_ONLY})
    # What the edge can refuse is refused before anything is canceled.
    place_command = order_entry.place_command(
        account_id=caller.account_id, order=new.request, deadline_us=caller.deadline_us
    )
    told: dict[str, Any] = {"cancelResult": "SUCCESS", "newOrderResult": "NOT_ATTEMPTED"}
    try:
        told["cancelResponse"] = yield from cancel_named(
            caller.account_id, market, name, caller.deadline_us, client_id=values.get("cancelNewClientOrderId"),
            only=values.get("cancelRestrictions", commands.ANY),
        )  # fmt: skip
    except Exception as error:
        _tell_failure(told, "cancel", "cancel", error)
    told["newOrderResponse"] = None
    if told["cancelResult"] == "SUCCESS" or values["cancelReplaceMode"] == ALLOW_FAILURE:
        try:
            (result,) = yield [place_command]
            told["newOrderResponse"] = placed_json(order_entry.read_placed(result), new)
            told["newOrderResult"] = "SUCCESS"
        except Exception as error:
            _tell_failure(told, "newOrder", "place", error)
    results = (told["cancelResult"], told["newOrderResult"])
    if results == ("SUCCESS", "SUCCESS"):
        return told
    if "SUCCESS" in results:
        raise Refusal(-2021, "Order cancel-replace partially failed.", 409, data=told)
    raise Refusal(-2022, "Order cancel-replace failed.", 400, data=told)


def _tell_failure(told: dict[str, Any], step: str, action: str, error: Exception) -> None:
    """Note why a step failed; of one whose outcome nobody knows, that is the answer to the whole. Raises Refusal."""
    refusal = refusal_of(error, action)
    told[f"{step}Result"] = "FAILURE"
    told[f"{step}Response"] = refusal.document()
    if refusal.code in UNKNOWN_OUTCOME:
        told[f"{step}Result"] = "UNKNOWN"
        raise Refusal(refusal.code, refusal.msg, refusal.status, data=told, headers=refusal.headers) from error


def _canceled_name(values: dict[str, Any]) -> OrderName:
    order_id, client_id = values.get("cancelOrderId", 0), values.get("cancelOrigClientOrderId", "")
    if not order_id and not client_id:
        raise params.neither("cancelOrderId", "cancelOrigClientOrderId")
    return OrderName(order_id, client_id)


# --- amend


def amend(call: Call) -> Steps:
    """PUT order/amend/keepPriority: a smaller quantity, at the place in the queue it has."""
    values, caller = call.values, call.caller
    market = symbols.listed(values["symbol"])
    order = reads.find_order(account_id=caller.account_id, market_id=market.id, name=read_name(values))
    if market.scale.size_to_lots(values["newQty"]) == order.size:
        raise Refusal(-2038, "The requested action would change no state; rejecting.")
    (result,) = yield [
        order_entry.amend_command(
            account_id=caller.account_id, name=OrderName(order_id=order.pk),
            changes=AmendRequest(price=None, size=values["newQty"]), deadline_us=caller.deadline_us, keep=True,
        )
    ]  # fmt: skip
    amended = order_entry.read_amended(result)
    stored = reads.after(amended.sequence, order)
    stored.size = amended.size
    return {
        "transactTime": shapes.ms(amended.time_us),
        "executionId": amended.sequence,
        "amendedOrder": shapes.amended_json(stored, market),
    }


# --- ask


def query(call: Call) -> dict[str, Any]:
    """GET order."""
    market = symbols.listed(call.values["symbol"])
    name = read_name(call.values)
    reads.catch_up()
    order = reads.find_order(account_id=call.caller.account_id, market_id=market.id, name=name)
    return shapes.order_json(order, market)


_SYMBOL: Final[params.Fields] = {"symbol": params.symbol}
ORDER: Final = {
    "POST": Endpoint(
        place, order_params.NEW_ORDER, order_params.NEW_ORDER_REQUIRED, access=TRADE, action="place", writes=True,
        places=1,
    ),
    "DELETE": Endpoint(
        waiting(cancel),
        {
            **_SYMBOL, **NAMED, "newClientOrderId": params.client_id,
            "cancelRestrictions": REPLACE_ONLY["cancelRestrictions"],
        },
        ("symbol",), access=TRADE, action="cancel", writes=True,
    ),
    "GET": Endpoint(query, {**_SYMBOL, **NAMED}, ("symbol",), weight=4, access=READ),
}  # fmt: skip
TEST: Final = Endpoint(
    test_place, order_params.TEST_ORDER, order_params.NEW_ORDER_REQUIRED, access=TRADE, action="place",
    weight=lambda values: 20 if values.get("computeCommissionRates") == "true" else 1,
)  # fmt: skip
CANCEL_OPEN: Final = Endpoint(waiting(cancel_open), _SYMBOL, ("symbol",), access=TRADE, action="cancel", writes=True)
CANCEL_REPLACE: Final = Endpoint(
    waiting(cancel_replace), {**order_params.NEW_ORDER, **REPLACE_ONLY},
    (*order_params.NEW_ORDER_REQUIRED, "cancelReplaceMode"), access=TRADE, action="place", writes=True, places=1,
)  # fmt: skip
AMEND: Final = Endpoint(
    waiting(amend), {**_SYMBOL, **NAMED, "newClientOrderId": params.client_id, "newQty": params.decimal},
    ("symbol", "newQty"), weight=4, access=TRADE, action="amend", writes=True,
)  # fmt: skip
