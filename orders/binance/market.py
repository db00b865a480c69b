"""Public market data."""

import time
from collections.abc import Mapping
from typing import Any, Final

import orjson

from accounts.binance import params
from accounts.binance.endpoint import Call, Endpoint
from accounts.binance.errors import Refusal
from accounts.problems import Problem
from orders import selectors
from orders.binance import exchange_info, shapes, symbols
from orders.listing import Listed
from orders.marketdata import cache

DEPTH_DEFAULT: Final = 100
DEPTH_MAX: Final = 5_000
DEPTH_WEIGHTS: Final = ((100, 5), (500, 25), (1_000, 50), (DEPTH_MAX, 250))

SYMBOL: Final[params.Fields] = {"symbol": params.symbol}


def ping(call: Call) -> dict[str, Any]:
    """GET ping."""
    return {}


def server_time(call: Call) -> dict[str, Any]:
    """GET time."""
    return {"serverTime": time.time_ns() // 1_000_000}


def info(call: Call) -> dict[str, Any]:
    """GET exchangeInfo."""
    markets = selectors.list_markets()
    one, many = call.get("symbol"), call.get("symbols")
    given = [name for name in ("symbol", "symbols", "permissions") if call.get(name) is not None]
    if len(given) > 1:
        raise Refusal(-1128, "Combination of optional parameters invalid.")
    if one or many:
        wanted = {symbols.listed(symbol).id for symbol in (many or [one])}
        markets = [market for market in markets if market.pk in wanted]
    elif (permissions := call.get("permissions")) and "SPOT" not in permissions:
        markets = []
    if (status := call.get("symbolStatus")) is not None:
        markets = [market for market in markets if exchange_info.STATUS[market.state] == status]
    shape = exchange_info.info_json(markets, time.time_ns() // 1_000_000)
    if call.get("showPermissionSets") is False:
        for symbol in shape["symbols"]:
            del symbol["permissionSets"]
    return shape


def depth(call: Call) -> dict[str, Any]:
    """GET depth."""
    market = symbols.listed(call.values["symbol"])
    stored = cache.read_fresh_depth(market.symbol, call.get("limit", DEPTH_DEFAULT))
    if stored is None:
        raise Problem("unavailable", "market data has not been published yet")
    return depth_json(orjson.loads(stored))


def depth_json(book: dict[str, Any]) -> dict[str, Any]:
    """A book as market data stores it; its update id is the journal's sequence, as in the deltas of sockets."""
    fixed = shapes.fixed
    return {
        "lastUpdateId": book["sequence"],
        "bids": [[fixed(price), fixed(size)] for price, size in book["bids"]],
        "asks": [[fixed(price), fixed(size)] for price, size in book["asks"]],
    }


def depth_weight(values: Mapping[str, str]) -> int:
    """By the levels asked for."""
    text = values.get("limit", "")
    limit = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else DEPTH_DEFAULT
    return next((weight for most, weight in DEPTH_WEIGHTS if limit <= most), DEPTH_WEIGHTS[-1][1])


def read_market(call: Call) -> Listed:
    """The market that `symbol` names. Raises Refusal -1121."""
    return symbols.listed(call.values["symbol"])


_STATUSES: Final = {name: name for name in ("TRADING", "HALT", "BREAK")}


def _permissions(name: str, given: str) -> set[str]:
    """One, or a JSON array of them."""
    text = params.text(name, given)
    if not text.startswith("["):
        return {text}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise params.illegal(name, '^["…"]$') from None
    if not all(isinstance(item, str) for item in found):
        raise params.invalid(name)
    return set(found)


PING: Final = Endpoint(ping)
TIME: Final = Endpoint(server_time)
INFO: Final = Endpoint(
    info,
    {
        "symbol": params.symbol, "symbols": params.symbols, "permissions": _permissions,
        "showPermissionSets": params.flag,
        "symbolStatus": params.one_of(_STATUSES, lambda name: Refusal(-1122, "Invalid symbolStatus.")),
    },
    weight=20, cache_s=0.25,
)  # fmt: skip
# Not kept for a moment, as other answers are: a snapshot older than the deltas a client heard of leaves a hole.
DEPTH: Final = Endpoint(depth, {**SYMBOL, "limit": params.up_to(DEPTH_MAX)}, ("symbol",), weight=depth_weight)
