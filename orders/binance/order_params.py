"""A new order as the dialect asks for it, turned into what /api/v1 asks for (orders.requests.OrderRequest)."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from accounts.binance import errors, params
from accounts.binance.errors import Refusal, refuse
from accounts.binance.params import Fields
from matching.engine import commands
from matching.money import format_atoms
from orders.binance import symbols, words
from orders.listing import Listed
from orders.requests import OrderName, OrderRequest

# The protocol's bounds of a trail, in hundredths of a percent.
TRAILING_DELTA_MIN: Final = 1
TRAILING_DELTA_MAX: Final = 5_000
STRATEGY_TYPE_MIN: Final = 1_000_000
# What exchangeInfo says of an asset with fewer decimals.
PRECISION_MIN: Final = 8

_TIFS: Final = {"GTC": commands.GTC, "IOC": commands.IOC, "FOK": commands.FOK}
_SIDES: Final = {"BUY": commands.BUY, "SELL": commands.SELL}
_STPS: Final = {name: number for number, name in enumerate(words.STPS)}
_RESPONSES: Final = {name: name for name in words.RESPONSES}

side = params.one_of(_SIDES, lambda name: Refusal(-1117, "Invalid side."))
order_type = params.one_of(
    {name: name for name in words.ORDER_TYPES}, lambda name: Refusal(-1116, "Invalid orderType.")
)
time_in_force = params.one_of(_TIFS, lambda name: Refusal(-1115, "Invalid timeInForce."))
stp_mode = params.one_of(_STPS)
response_type = params.one_of(_RESPONSES)

NEW_ORDER: Final[Fields] = {
    "symbol": params.symbol,
    "side": side,
    "type": order_type,
    "timeInForce": time_in_force,
    "quantity": params.decimal,
    "quoteOrderQty": params.decimal,
    "price": params.decimal,
    "newClientOrderId": params.client_id,
    "strategyId": params.integer(),
    "strategyType": params.integer(),
    "stopPrice": params.decimal,
    "trailingDelta": params.integer(),
    "icebergQty": params.decimal,
    "newOrderRespType": response_type,
    "selfTradePreventionMode": stp_mode,
}
NEW_ORDER_REQUIRED: Final = ("symbol", "side", "type")


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to place, where, and how long an answer its client wants."""

    request: OrderRequest
    market: Listed
    response: str


@dataclass(frozen=True, slots=True)
class TypeRules:
    """What an order type needs and what it may have beside symbol, side, type and quantity."""

    type: int
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    conditional: bool = False
    trigger: int = words.STOP


_LIMIT: Final = ("timeInForce", "price")
TYPE_RULES: Final = {
    "LIMIT": TypeRules(commands.LIMIT, _LIMIT, ("icebergQty",)),
    "LIMIT_MAKER": TypeRules(commands.LIMIT, ("price",), ("icebergQty",)),
    "MARKET": TypeRules(commands.MARKET, (), ("quoteOrderQty",)),
    "STOP_LOSS": TypeRules(commands.MARKET, conditional=True),
    "STOP_LOSS_LIMIT": TypeRules(commands.LIMIT, _LIMIT, ("icebergQty",), conditional=True),
    "TAKE_PROFIT": TypeRules(commands.MARKET, conditional=True, trigger=words.TAKE_PROFIT),
    "TAKE_PROFIT_LIMIT": TypeRules(
        commands.LIMIT, _LIMIT, ("icebergQty",), conditional=True, trigger=words.TAKE_PROFIT
    ),
}
# What some type takes and others do not, in the order in which a refusal names it.
_OF_SOME_TYPES: Final = ("timeInForce", "price", "quoteOrderQty", "stopPrice", "trailingDelta", "icebergQty")


def read_new_order(values: Mapping[str, Any]) -> NewOrder:
    """The order of read parameters (NEW_ORDER). Raises Refusal."""
    kind = values["type"]
    request, market = read_leg(values, kind, symbol=values["symbol"])
    default = "FULL" if kind in {"LIMIT", "MARKET"} else "ACK"
    return NewOrder(request, market, values.get("newOrderRespType", default))


def read_leg(
    values: Mapping[str, Any], kind: str, *, symbol: str, called: Callable[[str], str] = str
) -> tuple[OrderRequest, Listed]:
    """An order of the type `kind` from the parameters of a single order. Raises Refusal.

    `called` gives what the client calls a parameter, where it is a leg of a list.
    """
    rules = TYPE_RULES[kind]
    get = values.get
    for name in rules.needs:
        if name not in values:
            raise params.missing(called(name))
    if rules.conditional and "stopPrice" not in values and "trailingDelta" not in values:
        raise params.neither(called("stopPrice"), called("trailingDelta"))
    allowed = rules.needs + rules.takes + (("stopPrice", "trailingDelta") if rules.conditional else ())
    for name in _OF_SOME_TYPES:
        if name in values and name not in allowed:
            raise params.not_required(called(name))
    size, quote = get("quantity"), get("quoteOrderQty")
    if size is None and quote is None:
        raise params.neither("quantity", "quoteOrderQty") if kind == "MARKET" else params.missing(called("quantity"))
    if size is not None and quote is not None:
        raise params.not_required("quoteOrderQty")
    if get("strategyType", STRATEGY_TYPE_MIN) < STRATEGY_TYPE_MIN:
        raise Refusal(-1134, "`strategyType` was less than 1000000.")
    market = symbols.listed(symbol)
    scale = market.scale
    for name, precision in (
        ("quantity", scale.base_scale), ("icebergQty", scale.base_scale), ("price", scale.quote_scale),
        ("stopPrice", scale.quote_scale), ("quoteOrderQty", scale.quote_scale),
    ):  # fmt: skip
        _check_precision(called(name), get(name), precision)
    request = OrderRequest(
        market=market.symbol, side=values["side"], type=rules.type,
        tif=get("timeInForce", commands.GTC if rules.type == commands.LIMIT else commands.IOC),
        price=get("price"), stop_price=get("stopPrice"), size=size, quote_amount=quote,
        post_only=kind == "LIMIT_MAKER", stp=get("selfTradePreventionMode", commands.STP_NONE), expires_ms=0,
        client_id=get("newClientOrderId") or secrets.token_urlsafe(16), trigger=rules.trigger,
        trail_percent=_trail(get("trailingDelta")), display_size=_display(get("icebergQty"), size, values),
    )  # fmt: skip
    return request, market


def _check_precision(name: str, text: str | None, precision: int) -> None:
    if text is not None and len(text.partition(".")[2].rstrip("0")) > max(PRECISION_MIN, precision):
        raise Refusal(-1111, f"Parameter '{name}' has too much precision.")


def _trail(delta: int | None) -> str | None:
    """In percent, of which one is a hundred of the dialect's basis points."""
    if delta is None:
        return None
    if not TRAILING_DELTA_MIN <= delta <= TRAILING_DELTA_MAX:
        raise Refusal(-1013, "Filter failure: TRAILING_DELTA")
    return format_atoms(delta, 2)


def _display(shown: str | None, size: str | None, values: Mapping[str, Any]) -> str | None:
    if shown is None or not shown.strip("0."):
        return None
    if values.get("timeInForce", commands.GTC) != commands.GTC:
        raise refuse(errors.ORDER_COMBINATION)
    if size is not None and _is_more(shown, size):
        raise Refusal(-2010, "IcebergQty exceeds QTY.")
    return shown


def _is_more(one: str, other: str) -> bool:
    """Compares decimal text."""
    (a, _, a_decimals), (b, _, b_decimals) = one.partition("."), other.partition(".")
    width = max(len(a_decimals), len(b_decimals))
    return int(a + a_decimals.ljust(width, "0")) > int(b + b_decimals.ljust(width, "0"))


# --- which order

TEST_ORDER: Final[Fields] = {**NEW_ORDER, "computeCommissionRates": params.flag}
NAMED: Final[Fields] = {"orderId": params.integer(), "origClientOrderId": params.client_id}


def read_name(values: Mapping[str, Any]) -> OrderName:
    """The order that orderId or origClientOrderId names; both, if both are given. Raises Refusal -1102."""
    order_id, client_id = values.get("orderId", 0), values.get("origClientOrderId", "")
    if not order_id and not client_id:
        raise params.neither("origClientOrderId", "orderId")
    return OrderName(order_id, client_id)
