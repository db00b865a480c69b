"""Order lists as the dialect asks for them: parameters of two or three legs, told apart by their prefixes.

An OCO has a leg above and one below the market; an OTO a working leg and a pending one; an OTOCO a working leg and
a pending pair, above and below.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from accounts.binance import errors, params
from accounts.binance.errors import Refusal, refuse
from accounts.binance.params import Fields
from orders.binance import order_params
from orders.binance.order_params import read_leg
from orders.listing import Listed
from orders.requests import LIST_KINDS, ListRequest, OrderRequest

OCO, OTO, OTOCO = (LIST_KINDS.index(name) for name in ("oco", "oto", "otoco"))
# A leg's own parameters, by what they are called of a single order.
_LEG: Final[Fields] = {
    "price": params.decimal,
    "stopPrice": params.decimal,
    "trailingDelta": params.integer(),
    "icebergQty": params.decimal,
    "timeInForce": order_params.time_in_force,
    "strategyId": params.integer(),
    "strategyType": params.integer(),
}
_PAIR_TYPES: Final = ("LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
_WORKING_TYPES: Final = ("LIMIT", "LIMIT_MAKER")


def _prefixed(prefix: str, name: str) -> str:
    """What a leg's parameter is called: above and stopPrice make aboveStopPrice."""
    if name == "newClientOrderId":
        name = "clientOrderId"
    return prefix + name[0].upper() + name[1:] if prefix else name


def _leg_fields(prefix: str) -> dict[str, params.Reader]:
    fields = {_prefixed(prefix, name): reader for name, reader in _LEG.items()}
    fields[_prefixed(prefix, "newClientOrderId")] = params.client_id
    fields[_prefixed(prefix, "type")] = order_params.order_type
    return fields


_LIST: Final[Fields] = {
    "symbol": params.symbol,
    "listClientOrderId": params.client_id,
    "newOrderRespType": order_params.response_type,
    "selfTradePreventionMode": order_params.stp_mode,
}
OCO_FIELDS: Final[Fields] = {
    **_LIST, **_leg_fields("above"), **_leg_fields("below"), "side": order_params.side, "quantity": params.decimal,
}  # fmt: skip
OCO_REQUIRED: Final = ("symbol", "side", "quantity", "aboveType", "belowType")
_WORKING: Final[Fields] = {
    **_leg_fields("working"), "workingSide": order_params.side, "workingQuantity": params.decimal,
    "pendingSide": order_params.side, "pendingQuantity": params.decimal,
}  # fmt: skip
_WORKING_REQUIRED: Final = (
    "symbol", "workingType", "workingSide", "workingPrice", "workingQuantity", "pendingSide", "pendingQuantity",
)  # fmt: skip
OTO_FIELDS: Final[Fields] = {**_LIST, **_WORKING, **_leg_fields("pending")}
OTO_REQUIRED: Final = (*_WORKING_REQUIRED, "pendingType")
OTOCO_FIELDS: Final[Fields] = {**_LIST, **_WORKING, **_leg_fields("pendingAbove"), **_leg_fields("pendingBelow")}
OTOCO_REQUIRED: Final = (*_WORKING_REQUIRED, "pendingAboveType", "pendingBelowType")
# The older way to ask for an OCO: a limit leg and a stop leg.
OLD_OCO_FIELDS: Final[Fields] = {
    **_LIST, "side": order_params.side, "quantity": params.decimal, "price": params.decimal,
    "stopPrice": params.decimal, "trailingDelta": params.integer(), "stopLimitPrice": params.decimal,
    "stopLimitTimeInForce": order_params.time_in_force, "limitClientOrderId": params.client_id,
    "stopClientOrderId": params.client_id, "limitIcebergQty": params.decimal, "stopIcebergQty": params.decimal,
    "limitStrategyId": params.integer(), "limitStrategyType": params.integer(), "stopStrategyId": params.integer(),
    "stopStrategyType": params.integer(),
}  # fmt: skip
OLD_OCO_REQUIRED: Final = ("symbol", "side", "quantity", "price")


@dataclass(frozen=True, slots=True)
class NewList:
    """A list to place, where, and how long an answer its client wants."""

    request: ListRequest
    market: Listed
    response: str


def read_oco(values: Mapping[str, Any]) -> NewList:
    """POST orderList/oco."""
    return _list(OCO, values, _pair(values, "above", "below", values["side"], values["quantity"]))


def read_oto(values: Mapping[str, Any]) -> NewList:
    """POST orderList/oto."""
    pending = _leg(values, "pending", values["pendingSide"], values["pendingQuantity"], values["pendingType"])
    return _list(OTO, values, [_working(values), pending])


def read_otoco(values: Mapping[str, Any]) -> NewList:
    """POST orderList/otoco."""
    pair = _pair(values, "pendingAbove", "pendingBelow", values["pendingSide"], values["pendingQuantity"])
    return _list(OTOCO, values, [_working(values), *pair])


def read_old_oco(values: Mapping[str, Any]) -> NewList:
    """POST order/oco."""
    get, side = values.get, values["side"]
    stop_kind = "STOP_LOSS_LIMIT" if get("stopLimitPrice") is not None else "STOP_LOSS"
    if stop_kind == "STOP_LOSS_LIMIT" and get("stopLimitTimeInForce") is None:
        raise params.missing("stopLimitTimeInForce")
    limit, stop = ("above", "below") if side else ("below", "above")
    renamed = {
        f"{limit}Type": "LIMIT_MAKER", f"{limit}Price": get("price"), f"{limit}IcebergQty": get("limitIcebergQty"),
        f"{limit}ClientOrderId": get("limitClientOrderId"), f"{stop}Type": stop_kind,
        f"{stop}StopPrice": get("stopPrice"), f"{stop}TrailingDelta": get("trailingDelta"),
        f"{stop}Price": get("stopLimitPrice"), f"{stop}TimeInForce": get("stopLimitTimeInForce"),
        f"{stop}IcebergQty": get("stopIcebergQty"), f"{stop}ClientOrderId": get("stopClientOrderId"),
    }  # fmt: skip
    common = {name: value for name, value in values.items() if name in _LIST or name in {"side", "quantity"}}
    return read_oco(common | {name: value for name, value in renamed.items() if value is not None})


def _list(kind: int, values: Mapping[str, Any], legs: list[tuple[OrderRequest, Listed]]) -> NewList:
    market = legs[0][1]
    request = ListRequest(
        market.symbol, kind, tuple(leg for leg, _ in legs), values.get("listClientOrderId") or secrets.token_urlsafe(16)
    )
    given = [leg.client_id for leg in request.orders]
    if len(set(given)) < len(given):
        raise refuse(errors.DUPLICATE)
    return NewList(request, market, values.get("newOrderRespType", "RESULT"))


def _working(values: Mapping[str, Any]) -> tuple[OrderRequest, Listed]:
    kind = values["workingType"]
    if kind not in _WORKING_TYPES:
        raise Refusal(-1116, "Invalid orderType.")
    return _leg(values, "working", values["workingSide"], values["workingQuantity"], kind)


def _pair(
    values: Mapping[str, Any], above: str, below: str, side: int, quantity: str
) -> list[tuple[OrderRequest, Listed]]:
    """The two legs of an OCO, the one above the market first."""
    kinds = values[f"{above}Type"], values[f"{below}Type"]
    _check_pair(side, *kinds)
    return [
        _leg(values, prefix, side, quantity, kind) for prefix, kind in zip((above, below), kinds, strict=True)
    ]  # fmt: skip


def _check_pair(side: int, above: str, below: str) -> None:
    """Which types go where: below the market a buyer gains, above it a seller does."""
    for kind in (above, below):
        if kind not in _PAIR_TYPES:
            raise Refusal(-1158, "Order type not supported in OCO.")
    if above == below == "LIMIT_MAKER":
        raise Refusal(-1168, "At least one OCO order must be contingent.")
    gain, loss = (above, below) if side else (below, above)
    if loss == "LIMIT_MAKER":
        if side:
            raise Refusal(-1166, "A limit order in a sell OCO must be above.")
        raise Refusal(-1165, "A limit order in a buy OCO must be below.")
    if gain.startswith("STOP_LOSS"):
        if side:
            raise Refusal(-1197, "A stop loss order in a sell OCO must be below.")
        raise Refusal(-1196, "A stop loss order in a buy OCO must be above.")
    if loss.startswith("TAKE_PROFIT"):
        if side:
            raise Refusal(-1199, "A take profit order in a sell OCO must be above.")
        raise Refusal(-1198, "A take profit order in a buy OCO must be below.")


def _leg(
    values: Mapping[str, Any], prefix: str, side: int, quantity: str, kind: str
) -> tuple[OrderRequest, Listed]:  # fmt: skip
    """One leg, from its prefixed parameters."""
    own: dict[str, Any] = {"side": side, "quantity": quantity}
    for name in (*_LEG, "newClientOrderId"):
        value = values.get(_prefixed(prefix, name))
        if value is not None:
            own[name] = value
    if "selfTradePreventionMode" in values:
        own["selfTradePreventionMode"] = values["selfTradePreventionMode"]
    return read_leg(own, kind, symbol=values["symbol"], called=lambda name: _prefixed(prefix, name))
