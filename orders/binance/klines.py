"""Candles as the dialect has them: every interval has one, also those without a trade, and more intervals than ours.

An interval we do not keep is put together from the longest one we keep that divides it. Without a trade a candle
stands still at the last close, as clients that count candles expect it.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

from orders.binance import shapes
from orders.listing import Listed
from orders.models import Candle

MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400
WEEK: Final = 604_800
# Seconds of each interval, and of the stored one it is made from.
INTERVALS: Final[dict[str, tuple[int, int]]] = {
    "1m": (MINUTE, MINUTE), "3m": (3 * MINUTE, MINUTE), "5m": (5 * MINUTE, 5 * MINUTE),
    "15m": (15 * MINUTE, 15 * MINUTE), "30m": (30 * MINUTE, 15 * MINUTE), "1h": (HOUR, HOUR),
    "2h": (2 * HOUR, HOUR), "4h": (4 * HOUR, 4 * HOUR), "6h": (6 * HOUR, HOUR), "8h": (8 * HOUR, 4 * HOUR),
    "12h": (12 * HOUR, 4 * HOUR), "1d": (DAY, DAY), "3d": (3 * DAY, DAY), "1w": (WEEK, WEEK),
}  # fmt: skip
# The epoch was a Thursday; weeks begin on Monday.
MONDAY_US: Final = 4 * DAY * 1_000_000


@dataclass(slots=True)
class Bar:
    """One interval: ticks, atoms, times in µs."""

    open_us: int
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


def opened(time_us: int, length_s: int) -> int:
    """When the interval of this length that holds the time began."""
    offset = MONDAY_US if length_s == WEEK else 0
    return time_us - (time_us - offset) % (length_s * 1_000_000)


def bars(
    *, market_id: int, interval: str, start_us: int | None, end_us: int | None, limit: int, now_us: int | None = None
) -> list[Bar]:
    """Candles that open within the times (inclusive): from the start on if it is given, else the latest.

    None before the market's first trade.
    """
    length_s, stored_s = INTERVALS[interval]
    length_us = length_s * 1_000_000
    now_us = time.time_ns() // 1_000 if now_us is None else now_us
    last = opened(min(end_us, now_us) if end_us is not None else now_us, length_s)
    rows = Candle.objects.filter(market_id=market_id, interval=stored_s)
    if start_us is not None:
        # The first that opens at or after the start.
        first = opened(start_us + length_us - 1, length_s)
        last = min(last, first + (limit - 1) * length_us)
    else:
        first = last - (limit - 1) * length_us
    before = rows.filter(open_us__lt=first).order_by("-open_us").first()
    made: dict[int, Bar] = {}
    for row in rows.filter(open_us__gte=first, open_us__lt=last + length_us).order_by("open_us"):
        at = opened(row.open_us, length_s)
        if at not in made:
            made[at] = Bar(at, row.open, row.high, row.low, row.close)
        made[at].extend(row)
    if before is None:
        if not made:
            return []
        first = min(made)
    close = before.close if before is not None else made[first].open
    filled = []
    for at in range(first, last + 1, length_us):
        bar = made.get(at) or Bar(at, close, close, close, close)
        close = bar.close
        filled.append(bar)
    return filled


def kline(bar: Bar, market: Listed, interval: str) -> list[Any]:
    """A candle as an array; its last two amounts are what takers bought."""
    scale = market.scale
    price = shapes.price_text
    return [
        shapes.ms(bar.open_us),
        price(scale, bar.open),
        price(scale, bar.high),
        price(scale, bar.low),
        price(scale, bar.close),
        shapes.fixed(scale.base_text(bar.base_atoms)),
        shapes.ms(bar.open_us) + INTERVALS[interval][0] * 1_000 - 1,
        shapes.quote_text(scale, bar.quote_atoms),
        bar.trades,
        shapes.fixed(scale.base_text(bar.bought_base)),
        shapes.quote_text(scale, bar.bought_quote),
        "0",
    ]
