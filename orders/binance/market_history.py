"""Public trades, candles and statistics."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import orjson

from accounts.binance import params
from accounts.binance.endpoint import Call, Endpoint
from accounts.binance.errors import Refusal
from accounts.problems import Problem
from orders import listing
from orders.binance import history, intervals, klines, shapes, symbols, tickers
from orders.binance.market import SYMBOL, read_market
from orders.listing import Listed
from orders.marketdata import cache
from orders.marketdata.market import RECENT_TRADES

TRADES_DEFAULT: Final = 500
TRADES_MAX: Final = 1_000
SYMBOLS_MAX: Final = 100
AVERAGE_MINUTES: Final = 5
BAD_COMBINATION: Final = "Combination of optional parameters invalid."

_LIMIT: Final = params.up_to(TRADES_MAX)
_ZONE: Final = re.compile(r"([+-]?)(\d{1,2})(?::([0-5]\d))?", re.ASCII)
_WINDOW: Final = re.compile(r"(?:([1-9]|[1-5]\d)m|([1-9]|1\d|2[0-3])h|([1-7])d)", re.ASCII)


# --- trades


def trades(call: Call) -> list[dict[str, Any]]:
    """GET trades."""
    market = read_market(call)
    limit = call.get("limit", TRADES_DEFAULT)
    if limit <= RECENT_TRADES:
        recent = orjson.loads(cache.read_trades(market.symbol, limit))
        if len(recent) == limit:
            return [_recent_json(trade) for trade in reversed(recent)]
    return _stored_trades(market, None, limit)


def historical_trades(call: Call) -> list[dict[str, Any]]:
    """GET historicalTrades."""
    return _stored_trades(read_market(call), call.get("fromId"), call.get("limit", TRADES_DEFAULT))


def _stored_trades(market: Listed, from_number: int | None, limit: int) -> list[dict[str, Any]]:
    scale = market.scale
    return [
        {
            "id": trade.number,
            "price": shapes.price_text(scale, trade.price),
            "qty": shapes.size_text(scale, int(trade.lots)),
            "quoteQty": shapes.quote_text(scale, trade.quote_atoms),
            "time": shapes.ms(trade.time_us),
            "isBuyerMaker": trade.taker_side == 1,
            "isBestMatch": True,
        }
        for trade in history.trades(market_id=market.id, from_number=from_number, limit=limit)
    ]


def _recent_json(trade: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": trade["id"],
        "price": shapes.fixed(trade["price"]),
        "qty": shapes.fixed(trade["size"]),
        "quoteQty": shapes.fixed(trade["quote"]),
        "time": trade["time"],
        "isBuyerMaker": trade["side"] == "sell",
        "isBestMatch": True,
    }


def aggregate_trades(call: Call) -> list[dict[str, Any]]:
    """GET aggTrades."""
    market = read_market(call)
    scale = market.scale
    found = history.aggregates(
        market_id=market.id, from_number=call.get("fromId"), start_us=_us(call.get("startTime")),
        end_us=_end_us(call.get("endTime")), limit=call.get("limit", TRADES_DEFAULT),
    )  # fmt: skip
    return [
        {
            "a": run.first,
            "p": shapes.price_text(scale, run.price),
            "q": shapes.size_text(scale, run.lots),
            "f": run.first,
            "l": run.last,
            "T": shapes.ms(run.time_us),
            "m": run.taker_side == 1,
            "M": True,
        }
        for run in found
    ]


def _us(time_ms: int | None) -> int | None:
    return None if time_ms is None else time_ms * 1_000


def _end_us(time_ms: int | None) -> int | None:
    """The last microsecond of that millisecond."""
    return None if time_ms is None else time_ms * 1_000 + 999


# --- candles


def candles(call: Call) -> list[list[Any]]:
    """GET klines and uiKlines."""
    market, interval = read_market(call), call.values["interval"]
    found = klines.bars(
        market_id=market.id, interval=interval, start_us=_us(call.get("startTime")),
        end_us=_end_us(call.get("endTime")), limit=call.get("limit", TRADES_DEFAULT),
    )  # fmt: skip
    return [klines.kline(bar, market, interval) for bar in found]


def average_price(call: Call) -> dict[str, Any]:
    """GET avgPrice."""
    stored = cache.read_ticker(read_market(call).symbol)
    if stored is None:
        raise Problem("unavailable", "market data has not been published yet")
    ticker = orjson.loads(stored)
    return {
        "mins": AVERAGE_MINUTES,
        "price": shapes.fixed(ticker["average_5m"]),
        "closeTime": ticker["last_time"] or ticker["time"],
    }


# --- tickers


def day_tickers(call: Call) -> Any:
    """GET ticker/24hr."""
    return _each(call, [tickers.day_json(ticker, mini=_is_mini(call)) for ticker in tickers.latest(_asked(call))])


def prices(call: Call) -> Any:
    """GET ticker/price."""
    return _each(
        call,
        [
            {"symbol": symbols.name(ticker["market"]), "price": shapes.fixed(ticker["last"])}
            for ticker in tickers.latest(_asked(call))
        ],
    )


def book_tickers(call: Call) -> Any:
    """GET ticker/bookTicker: from the book itself, which is newer than the ticker."""
    fixed = shapes.fixed
    shown = []
    for market in _asked(call):
        stored = cache.read_fresh_depth(market.symbol, 1)
        if stored is not None:
            book = orjson.loads(stored)
            bid, ask = (next(iter(book[side]), ("0", "0")) for side in ("bids", "asks"))
            shown.append(
                {
                    "symbol": symbols.name(market.symbol), "bidPrice": fixed(bid[0]), "bidQty": fixed(bid[1]),
                    "askPrice": fixed(ask[0]), "askQty": fixed(ask[1]),
                }
            )  # fmt: skip
    return _each(call, shown)


def window_tickers(call: Call) -> Any:
    """GET ticker: a window of minutes, hours or days."""
    minutes = call.get("windowSize", 24 * 60)
    return _each(
        call,
        [tickers.last_minutes(market, minutes, mini=_is_mini(call)) for market in _asked(call, needed=True)],
    )


def trading_days(call: Call) -> Any:
    """GET ticker/tradingDay."""
    offset = call.get("timeZone", timedelta())
    return _each(
        call, [tickers.trading_day(market, offset, mini=_is_mini(call)) for market in _asked(call, needed=True)]
    )


def _asked(call: Call, *, needed: bool = False) -> list[Listed]:
    """The markets that symbol or symbols name; all if neither does. Raises Refusal -1128, -1102, -1121."""
    one, many = call.get("symbol"), call.get("symbols")
    if one and many:
        raise Refusal(-1128, BAD_COMBINATION)
    if one:
        return [symbols.listed(one)]
    if many:
        return [symbols.listed(symbol) for symbol in many]
    if needed:
        raise params.neither("symbol", "symbols")
    return listing.all_markets()


def _each(call: Call, shown: list[Any]) -> Any:
    """One object for one symbol, else a list."""
    if call.get("symbol"):
        if not shown:
            raise Problem("unavailable", "market data has not been published yet")
        return shown[0]
    return shown


def _is_mini(call: Call) -> bool:
    return bool(call.get("type") == "MINI")


def _by_symbols(one: int, all_of_them: int, *, each: int = 0) -> Any:
    """Weights by how many symbols are asked for."""

    def weight(values: Mapping[str, str]) -> int:
        if "symbol" in values:
            return one
        if "symbols" in values:
            count = values["symbols"].count(",") + 1
            if each:
                return min(count * each, 200)
            return one if count <= 20 else all_of_them // 2
        return all_of_them

    return weight


def _window(name: str, given: str) -> int:
    """In minutes."""
    found = _WINDOW.fullmatch(given)
    if not found:
        raise params.illegal(name, "^(([1-9]|[1-5][0-9])m|([1-9]|1[0-9]|2[0-3])h|[1-7]d)$")
    minutes, hours, days = (int(part or 0) for part in found.groups())
    return minutes + 60 * hours + 24 * 60 * days


def _zone(name: str, given: str) -> timedelta:
    """An offset of -12:00 to +14:00."""
    found = _ZONE.fullmatch(given)
    if not found:
        raise params.invalid(name)
    sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    if not timedelta(hours=-12) <= offset <= timedelta(hours=14):
        raise params.invalid(name)
    return offset


def _utc(name: str, given: str) -> timedelta:
    """The one zone that our candles have."""
    offset = _zone(name, given)
    if offset:
        raise params.invalid(name)
    return offset


_SYMBOLS: Final[params.Fields] = {**SYMBOL, "symbols": params.symbols}
_TYPE: Final[params.Fields] = {
    "type": params.one_of(
        {name: name for name in ("FULL", "MINI")}, lambda name: Refusal(-1139, "Invalid ticker type.")
    )
}
_SPAN: Final[params.Fields] = {"startTime": params.milliseconds, "endTime": params.milliseconds}
_INTERVAL: Final = params.one_of(
    {name: name for name in intervals.NAMES}, lambda name: Refusal(-1120, "Invalid interval.")
)

TRADES: Final = Endpoint(trades, {**SYMBOL, "limit": _LIMIT}, ("symbol",), weight=25, cache_s=0.02)
HISTORICAL: Final = Endpoint(
    historical_trades, {**SYMBOL, "limit": _LIMIT, "fromId": params.integer()}, ("symbol",), weight=25
)
AGGREGATES: Final = Endpoint(
    aggregate_trades, {**SYMBOL, **_SPAN, "limit": _LIMIT, "fromId": params.integer()}, ("symbol",), weight=4,
    cache_s=0.02,
)  # fmt: skip
KLINES: Final = Endpoint(
    candles, {**SYMBOL, **_SPAN, "interval": _INTERVAL, "limit": _LIMIT, "timeZone": _utc}, ("symbol", "interval"),
    weight=2, cache_s=0.1,
)  # fmt: skip
AVERAGE: Final = Endpoint(average_price, SYMBOL, ("symbol",), weight=2, cache_s=0.05)
DAY: Final = Endpoint(day_tickers, {**_SYMBOLS, **_TYPE}, weight=_by_symbols(2, 80), cache_s=0.05)
PRICE: Final = Endpoint(prices, _SYMBOLS, weight=_by_symbols(2, 4), cache_s=0.05)
BOOK: Final = Endpoint(book_tickers, _SYMBOLS, weight=_by_symbols(2, 4), cache_s=0.02)
WINDOW: Final = Endpoint(
    window_tickers, {**_SYMBOLS, **_TYPE, "windowSize": _window}, weight=_by_symbols(4, 4, each=4), cache_s=0.25
)
TRADING_DAY: Final = Endpoint(
    trading_days, {**_SYMBOLS, **_TYPE, "timeZone": _zone}, weight=_by_symbols(4, 4, each=4), cache_s=0.25
)
