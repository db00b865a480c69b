"""What clients may ask for, as JSON: the same objects over REST and over sockets.

Only shapes are judged here, amounts stay text; orders.order_entry turns them into integers of their market.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from accounts.fields import Readers, decimal, flag, integer, items, one_of, read_fields, text_of
from accounts.problems import Problem
from matching.engine import commands

SYMBOL: Final = re.compile(r"[A-Z0-9]{1,16}-[A-Z0-9]{1,16}", re.ASCII)
CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
# A leg without a client id of its own gets the list's with a dot and its number, so the list's is shorter.
LIST_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,62}", re.ASCII)
LEGS_MIN, LEGS_MAX = 2, 3
BATCH_MAX: Final = 500
ORDER_ID_MAX: Final = 2**53
# Year 2255: in µs still far within 64 bits.
TIME_MS_MAX: Final = 9_000_000_000_000
DEAD_MAN_MS_MAX: Final = 24 * 3600 * 1000

TRIGGERS: Final = commands.TRIGGERS
LIST_KINDS: Final = commands.LIST_KINDS

_SIDES: Final = {name: number for number, name in enumerate(commands.SIDES)}
_TYPES: Final = {name: number for number, name in enumerate(commands.TYPES)}
_TIFS: Final = {name: number for number, name in enumerate(commands.TIFS)}
_STPS: Final = {name: number for number, name in enumerate(commands.STPS)}
_TRIGGERS: Final = {name: number for number, name in enumerate(TRIGGERS)}
_LIST_KINDS: Final = {name: number for number, name in enumerate(LIST_KINDS)}


# Not frozen, like all else that a batch makes by the hundred: that would treble what it costs to make one.
@dataclass(slots=True)
class OrderRequest:
    """A new order as asked for: amounts are decimal text, the rest the engine's numbers. 0, "" and None: not given."""

    market: str
    side: int
    type: int
    tif: int
    price: str | None
    stop_price: str | None
    size: str | None
    quote_amount: str | None
    post_only: bool
    stp: int
    expires_ms: int
    client_id: str
    trigger: int = 0
    trail_percent: str | None = None
    display_size: str | None = None


@dataclass(frozen=True, slots=True)
class ListRequest:
    """Orders of one market to place together; `kind` counts LIST_KINDS."""

    market: str
    kind: int
    orders: tuple[OrderRequest, ...]
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class AmendRequest:
    """New price and total size of an order; None keeps."""

    price: str | None
    size: str | None


@dataclass(frozen=True, slots=True)
class OrderName:
    """Which order: by the exchange's id if above 0, else by the client's."""

    order_id: int = 0
    client_id: str = ""


_market = text_of(SYMBOL, "a market's symbol, like 'BTC-USDT'")
_client_id = text_of(CLIENT_ID, "1 to 64 of letters, digits, '_', '.', ':', '-'")
_order_id = integer(1, ORDER_ID_MAX)

ORDER: Final[Readers] = {
    "market": _market,
    "side": one_of(_SIDES),
    "type": one_of(_TYPES),
    "tif": one_of(_TIFS),
    "price": decimal,
    "stop_price": decimal,
    "size": decimal,
    "quote_amount": decimal,
    "post_only": flag,
    "stp": one_of(_STPS),
    "expires_at": integer(1, TIME_MS_MAX),
    "client_id": _client_id,
    "trigger": one_of(_TRIGGERS),
    "trail_percent": decimal,
    "display_size": decimal,
}
LIST: Final[Readers] = {
    "kind": one_of(_LIST_KINDS),
    "market": _market,
    # How many a kind needs is the matcher's to judge.
    "orders": items(1, LEGS_MAX),
    "client_id": text_of(LIST_CLIENT_ID, "1 to 62 of letters, digits, '_', '.', ':', '-'"),
}
AMEND: Final[Readers] = {"price": decimal, "size": decimal}
CANCEL_ALL: Final[Readers] = {"market": _market, "side": one_of(_SIDES)}
NAME: Final[Readers] = {"order_id": _order_id, "client_id": _client_id}
LIST_NAME: Final[Readers] = {"list_id": _order_id, "client_id": _client_id}
DEAD_MAN: Final[Readers] = {"timeout_ms": integer(0, DEAD_MAN_MS_MAX)}


def read_order(body: Any) -> OrderRequest:
    """A new order. `type` is limit unless said, `tif` gtc for a limit order and ioc for a market order."""
    fields = read_fields(body, ORDER, required=("market", "side"))
    get = fields.get
    kind = get("type", commands.LIMIT)
    return OrderRequest(
        market=fields["market"],
        side=fields["side"],
        type=kind,
        tif=get("tif", commands.GTC if kind == commands.LIMIT else commands.IOC),
        price=get("price"),
        stop_price=get("stop_price"),
        size=get("size"),
        quote_amount=get("quote_amount"),
        post_only=get("post_only", False),
        stp=get("stp", commands.STP_NONE),
        expires_ms=get("expires_at", 0),
        client_id=get("client_id", ""),
        trigger=get("trigger", 0),
        trail_percent=get("trail_percent"),
        display_size=get("display_size"),
    )


def read_list(body: Any) -> ListRequest:
    """A list of orders. Each is a new order's body; its market may be left out."""
    fields = read_fields(body, LIST, required=("kind", "market", "orders"))
    legs = []
    for number, leg in enumerate(fields["orders"]):
        try:
            order = read_order({"market": fields["market"], **leg} if isinstance(leg, dict) else leg)
        except Problem as problem:
            errors = {f"orders[{number}].{name}": text for name, text in problem.extra.get("errors", {}).items()}
            raise Problem(problem.code, f"orders[{number}]: {problem.detail}", errors=errors) from None
        if order.market != fields["market"]:
            raise Problem(
                "invalid_request",
                "the orders of a list have one market",
                errors={f"orders[{number}].market": "another"},
            )
        legs.append(order)
    return ListRequest(fields["market"], fields["kind"], tuple(legs), fields.get("client_id", ""))


def read_batch(body: Any, name: str) -> list[Any]:
    """The list under `name` of a batch's body, 1 to 500 items. Raises Problem invalid_request, batch_too_large."""
    if not isinstance(body, dict) or set(body) != {name} or not isinstance(body[name], list):
        raise Problem("invalid_request", f"the body is an object with one list, {name!r}")
    items: list[Any] = body[name]
    if not 1 <= len(items) <= BATCH_MAX:
        raise Problem("batch_too_large", f"{len(items)} items")
    return items


def units(body: Any) -> int:
    """How many orders a body asks to write, good or bad: those under `orders`, else one. Counted before any work."""
    items = body.get("orders") if isinstance(body, dict) else None
    return min(max(1, len(items)), BATCH_MAX) if isinstance(items, list) else 1


def read_orders(body: Any) -> list[OrderRequest | Problem]:
    """The orders of a batch; where one cannot be read, why not."""
    orders: list[OrderRequest | Problem] = []
    for item in read_batch(body, "orders"):
        try:
            orders.append(read_order(item))
        except Problem as problem:
            orders.append(problem)
    return orders


def read_amend(body: Any) -> AmendRequest:
    """New price, new total size, or both."""
    fields = read_fields(body, AMEND)
    if not fields:
        raise Problem("invalid_request", "give a price, a size, or both", errors={"price": "missing"})
    return AmendRequest(price=fields.get("price"), size=fields.get("size"))


def read_name(body: Any) -> OrderName:
    """An order named by `order_id` or by `client_id`, not both."""
    fields = read_fields(body, NAME)
    if len(fields) != 1:
        raise Problem("invalid_request", "give order_id or client_id", errors={"order_id": "this or client_id"})
    return OrderName(fields.get("order_id", 0), fields.get("client_id", ""))


def read_list_name(body: Any) -> OrderName:
    """A list named by `list_id`, which is its first order's id, or by its own `client_id`, not both."""
    fields = read_fields(body, LIST_NAME)
    if len(fields) != 1:
        raise Problem("invalid_request", "give list_id or client_id", errors={"list_id": "this or client_id"})
    return OrderName(fields.get("list_id", 0), fields.get("client_id", ""))


def read_names(body: Any) -> list[OrderName | Problem]:
    """The orders that a batch of cancels names; where one cannot be read, why not."""
    names: list[OrderName | Problem] = []
    for item in read_batch(body, "orders"):
        try:
            names.append(read_name(item))
        except Problem as problem:
            names.append(problem)
    return names


def read_cancel_all(fields: Mapping[str, Any]) -> tuple[str | None, int]:
    """Which orders to cancel: a market's symbol (None: all) and a side (-1: both)."""
    read = read_fields(dict(fields), CANCEL_ALL)
    return read.get("market"), read.get("side", -1)


def read_dead_man(body: Any) -> int:
    """`timeout_ms` of the dead-man switch, 0 turns it off."""
    timeout_ms: int = read_fields(body, DEAD_MAN, required=("timeout_ms",))["timeout_ms"]
    return timeout_ms
