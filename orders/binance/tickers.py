"""Statistics of a span of time: the last 24 hours come from market data, other spans from the minute candles."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

import orjson
from django.db.models import Max, Min, Sum

from orders.binance import shapes, symbols
from orders.listing import Listed
from orders.marketdata import cache
from orders.models import Candle, Trade

MINUTE_US: Final = 60_000_000
DAY_MS: Final = 86_400_000
PERCENT_STEP: Final = Decimal("0.001")


@dataclass(slots=True)
class Span:
    """What happened in a market from `start_us` to `end_us`: ticks, atoms, trade numbers (0: no trade)."""

    start_us: int
    end_us: int
    open: int = 0
    high: int = 0
    low: int = 0
    last: int = 0
    base_atoms: int = 0
    quote_atoms: int = 0
    trades: int = 0
    first_trade: int = 0
    last_trade: int = 0


def latest(markets: list[Listed]) -> list[dict[str, Any]]:
    """Market data's tickers of these markets, in their order; one that has none yet is missing."""
    tickers: list[dict[str, Any]] = orjson.loads(cache.read_tickers([market.symbol for market in markets]))
    return tickers


def day_json(ticker: dict[str, Any], *, mini: bool = False) -> dict[str, Any]:
    """The last 24 hours, from market data's ticker."""
    fixed, name = shapes.fixed, symbols.name(ticker["market"])
    trades = ticker["trades"]
    shape = {
        "symbol": name,
        "openPrice": fixed(ticker["open"]),
        "highPrice": fixed(ticker["high"]),
        "lowPrice": fixed(ticker["low"]),
        "lastPrice": fixed(ticker["last"]),
        "volume": fixed(ticker["volume"]),
        "quoteVolume": fixed(ticker["quote_volume"]),
        "openTime": ticker["time"] - DAY_MS,
        "closeTime": ticker["time"],
        "firstId": ticker["first_trade"] if trades else -1,
        "lastId": ticker["last_trade"] if trades else -1,
        "count": trades,
    }
    if mini:
        return shape
    return {
        "symbol": name,
        "priceChange": fixed(ticker["change"]),
        "priceChangePercent": percent(Decimal(ticker["last"]), Decimal(ticker["open"])),
        "weightedAvgPrice": fixed(ticker["average"] or "0"),
        "prevClosePrice": fixed(ticker["previous"]),
        "lastQty": fixed(ticker["last_size"] or "0"),
        "bidPrice": fixed(ticker["bid"] or "0"),
        "bidQty": fixed(ticker["bid_size"] or "0"),
        "askPrice": fixed(ticker["ask"] or "0"),
        "askQty": fixed(ticker["ask_size"] or "0"),
    } | shape


def percent(last: Decimal, first: Decimal) -> str:
    """The change in percent, cut to three decimals."""
    change = (last - first) * 100 / first if first else Decimal(0)
    return format(change.quantize(PERCENT_STEP), "f")


def span(market_id: int, start_us: int, end_us: int) -> Span:
    """What the minutes from `start_us` on and before `end_us` say; without a trade the last price before stands."""
    found = Span(start_us, end_us)
    minutes = Candle.objects.filter(market_id=market_id, interval=Candle.Interval.M1, open_us__lt=end_us)
    inside = minutes.filter(open_us__gte=start_us)
    sums = inside.aggregate(
        high=Max("high"), low=Min("low"), base=Sum("base_volume"), quote=Sum("quote_volume"), trades=Sum("trades")
    )
    last = minutes.order_by("-open_us").first()
    if last is not None:
        found.open = found.high = found.low = found.last = last.close
    first = inside.order_by("open_us").first()
    if first is None:
        return found
    found.open, found.high, found.low = first.open, sums["high"], sums["low"]
    found.base_atoms, found.quote_atoms, found.trades = int(sums["base"]), int(sums["quote"]), int(sums["trades"])
    numbers = Trade.objects.filter(market_id=market_id, time_us__lt=end_us).order_by("-number")
    found.last_trade = numbers.values_list("number", flat=True).first() or 0
    found.first_trade = found.last_trade - found.trades + 1
    return found


def span_json(market: Listed, found: Span, *, mini: bool = False) -> dict[str, Any]:
    """A span's statistics."""
    scale, price = market.scale, shapes.price_text
    lots = found.base_atoms // scale.lot_atoms
    shape: dict[str, Any] = {
        "symbol": symbols.name(market.symbol),
        "openPrice": price(scale, found.open),
        "highPrice": price(scale, found.high),
        "lowPrice": price(scale, found.low),
        "lastPrice": price(scale, found.last),
        "volume": shapes.fixed(scale.base_text(found.base_atoms)),
        "quoteVolume": shapes.quote_text(scale, found.quote_atoms),
        "openTime": shapes.ms(found.start_us),
        "closeTime": shapes.ms(found.end_us) - 1,
        "firstId": found.first_trade if found.trades else -1,
        "lastId": found.last_trade if found.trades else -1,
        "count": found.trades,
    }
    if mini:
        return shape
    first, last = Decimal(shape["openPrice"]), Decimal(shape["lastPrice"])
    return {
        "symbol": shape["symbol"],
        "priceChange": format(last - first, "f"),
        "priceChangePercent": percent(last, first),
        "weightedAvgPrice": shapes.fixed(scale.average_price(found.quote_atoms, lots) or "0"),
    } | shape


def last_minutes(market: Listed, minutes: int, *, mini: bool) -> dict[str, Any]:
    """The statistics of the last so many minutes, the current one included."""
    now_us = time.time_ns() // 1_000
    start_us = now_us - now_us % MINUTE_US - (minutes - 1) * MINUTE_US
    found = span(market.id, start_us, now_us + 1)
    return span_json(market, found, mini=mini)


def trading_day(market: Listed, offset: timedelta, *, mini: bool) -> dict[str, Any]:
    """The statistics of today in a time zone."""
    midnight = datetime.now(UTC).astimezone(timezone(offset)).replace(hour=0, minute=0, second=0, microsecond=0)
    start_us = round(midnight.timestamp()) * 1_000_000
    found = span(market.id, start_us, start_us + DAY_MS * 1_000)
    return span_json(market, found, mini=mini)
