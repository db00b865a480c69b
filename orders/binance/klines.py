"""Candles as the dialect has them: every interval has one, also those without a trade, and more intervals than ours.

Without a trade a candle stands still at the last close, as clients that count candles expect it.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

from orders.binance import history, intervals, shapes
from orders.listing import Listed
from orders.models import Candle

# How rows call the kept intervals.
STORED_S: Final = {name: seconds for seconds, name in Candle.Interval.choices}


@dataclass(slots=True)
class Bar:
    """One interval: ticks, atoms, and when it began in ms."""

    open_ms: int
    open: int
    high: int
    low: int
    close: int
    base_atoms: int = 0
    quote_atoms: int = 0
    trades: int = 0
    bought_base: int = 0
    bought_quote: int = 0

    def extend(self, later: Candle) -> None:
        """Add what came after."""
        self.high, self.low = max(self.high, later.high), min(self.low, later.low)
        self.close = later.close
        self.base_atoms += int(later.base_volume)
        self.quote_atoms += int(later.quote_volume)
        self.trades += later.trades
        self.bought_base += int(later.taker_base_volume)
        self.bought_quote += int(later.taker_quote_volume)


def bars(
    *, market_id: int, interval: str, start_us: int | None, end_us: int | None, limit: int, now_us: int | None = None
) -> list[Bar]:
    """Candles that open within the times (inclusive): from the start on if it is given, else the latest.

    None before the market's first trade.
    """
    now_us = time.time_ns() // 1_000 if now_us is None else now_us
    last = intervals.opened((min(end_us, now_us) if end_us is not None else now_us) // 1_000, interval)
    if start_us is not None:
        # The first that opens at or after the start.
        first = intervals.opened(max(0, -(-start_us // 1_000)), interval)
        if first * 1_000 < start_us:
            first = intervals.moved(first, interval, 1)
        last = min(last, intervals.moved(first, interval, limit - 1))
    else:
        first = intervals.moved(last, interval, 1 - limit)
    rows = Candle.objects.filter(market_id=market_id, interval=STORED_S[intervals.stored(interval)])
    before = rows.filter(open_us__lt=first * 1_000).order_by("-open_us").first()
    made: dict[int, Bar] = {}
    end = intervals.moved(last, interval, 1)
    for row in rows.filter(open_us__gte=first * 1_000, open_us__lt=end * 1_000).order_by("open_us"):
        at = intervals.opened(row.open_us // 1_000, interval)
        if at not in made:
            made[at] = Bar(at, row.open, row.high, row.low, row.close)
        made[at].extend(row)
    if before is None:
        if not made:
            return []
        first = min(made)
    close = before.close if before is not None else made[first].open
    filled = []
    at = first
    while at <= last:
        bar = made.get(at) or Bar(at, close, close, close, close)
        close = bar.close
        filled.append(bar)
        at = intervals.moved(at, interval, 1)
    return filled


def stored_since(*, market: Listed, interval: str, open_ms: int) -> list[dict[str, Any]]:
    """The kept candles from a time on, as market data tells of them."""
    scale = market.scale
    rows = Candle.objects.filter(
        market_id=market.id, interval=STORED_S[intervals.stored(interval)], open_us__gte=open_ms * 1_000
    )
    last = history.last_number(market.id)
    number = history.first_at(market.id, open_ms * 1_000, last)
    found = []
    for row in rows.order_by("open_us"):
        # Trades of a market have numbers in a row, so each candle's are those behind the one before.
        found.append(
            {
                "open_time": row.open_us // 1_000, "open": scale.ticks_to_price(row.open),
                "high": scale.ticks_to_price(row.high), "low": scale.ticks_to_price(row.low),
                "close": scale.ticks_to_price(row.close), "volume": scale.base_text(int(row.base_volume)),
                "quote_volume": scale.quote_text(int(row.quote_volume)), "trades": row.trades, "first_trade": number,
                "last_trade": number + row.trades - 1, "taker_buy_volume": scale.base_text(int(row.taker_base_volume)),
                "taker_buy_quote_volume": scale.quote_text(int(row.taker_quote_volume)),
            }
        )  # fmt: skip
        number += row.trades
    return found


def kline(bar: Bar, market: Listed, interval: str) -> list[Any]:
    """A candle as an array; its last two amounts are what takers bought."""
    scale = market.scale
    price = shapes.price_text
    return [
        bar.open_ms,
        price(scale, bar.open),
        price(scale, bar.high),
        price(scale, bar.low),
        price(scale, bar.close),
        shapes.fixed(scale.base_text(bar.base_atoms)),
        intervals.moved(bar.open_ms, interval, 1) - 1,
        shapes.quote_text(scale, bar.quote_atoms),
        bar.trades,
        shapes.fixed(scale.base_text(bar.bought_base)),
        shapes.quote_text(scale, bar.bought_quote),
        "0",
    ]
