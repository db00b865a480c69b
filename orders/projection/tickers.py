"""Rolling 24 hours of each market, by the minute: 1440 minutes, the current one included.

The minutes are kept in memory and come from the candles after a restart; the row of a market is written
when it traded and when a minute has passed, so that old trades leave it though no new one comes.
"""

from collections.abc import Sequence
from typing import Any, Final

from matching.bulk import array
from matching.projection import Handler
from orders.models import Candle, Ticker24h
from orders.projection.candles import MINUTE_US, Bar, Candles, extend

DAY_US: Final = 1440 * MINUTE_US

UPSERT: Final = """
INSERT INTO orders_ticker24h
    (market_id, open, high, low, last, base_volume, quote_volume, trades, as_of_us)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::numeric[],
                     %s::numeric[], %s::bigint[], %s::bigint[])
ON CONFLICT (market_id) DO UPDATE SET
    open = excluded.open, high = excluded.high, low = excluded.low, last = excluded.last,
    base_volume = excluded.base_volume, quote_volume = excluded.quote_volume, trades = excluded.trades,
    as_of_us = excluded.as_of_us
"""


class Window:
    """The minutes of one market that still count, and the sum of those that are over."""

    __slots__ = ("_over", "_over_as_of_us", "last", "minutes")

    def __init__(self, last: int | None = None) -> None:
        # By start of the minute, rising.
        self.minutes: dict[int, Bar] = {}
        self.last = last
        self._over: Bar | None = None
        self._over_as_of_us = -1

    def add(self, minute_us: int, bar: Bar) -> None:
        """Trades of a minute, later than all that were added before."""
        self.last = bar[3]
        before = self.minutes.get(minute_us)
        if before is None:
            self.minutes[minute_us] = list(bar)
        else:
            extend(before, bar)
        if minute_us != self._over_as_of_us:
            self._over_as_of_us = -1

    def row(self, as_of_us: int) -> tuple[int | None, ...]:
        """open, high, low, last, base volume, quote volume, trades of the day that ends with this minute."""
        if self._over_as_of_us != as_of_us:
            self._sum_up(as_of_us)
        current = self.minutes.get(as_of_us)
        total = list(self._over) if self._over else None
        if current is not None:
            if total is None:
                total = list(current)
            else:
                extend(total, current)
        if total is None:
            return (self.last, self.last, self.last, self.last, 0, 0, 0)
        return (total[0], total[1], total[2], self.last, *total[4:7])

    def _sum_up(self, as_of_us: int) -> None:
        for minute_us in [start for start in self.minutes if start <= as_of_us - DAY_US]:
            del self.minutes[minute_us]
        self._over, self._over_as_of_us = None, as_of_us
        for minute_us, bar in self.minutes.items():
            if minute_us == as_of_us:
                continue
            if self._over is None:
                self._over = list(bar)
            else:
                extend(self._over, bar)


class Tickers:
    """Read model Ticker24h."""

    tables = ("orders_ticker24h",)

    def __init__(self, candles: Candles) -> None:
        self._candles = candles
        self._windows: dict[int, Window] = {}
        self._touched: set[int] = set()
        self._as_of_us = 0

    def handlers(self) -> dict[str, Handler]:
        return {"market": self._market}

    def _market(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        self._windows.setdefault(event[1], Window())
        self._touched.add(event[1])

    def load(self) -> None:
        self._touched = set()
        self._windows = {row.market_id: Window(row.last) for row in Ticker24h.objects.all()}
        self._as_of_us = max(Ticker24h.objects.values_list("as_of_us", flat=True), default=0)
        minutes = Candle.objects.filter(interval=Candle.Interval.M1, open_us__gt=self._as_of_us - DAY_US)
        for candle in minutes.order_by("open_us"):
            bar = [candle.open, candle.high, candle.low, candle.close]
            bar += [candle.base_volume, candle.quote_volume, candle.trades]
            bar += [candle.taker_base_volume, candle.taker_quote_volume]
            self._windows[candle.market_id].add(candle.open_us, bar)

    def write(self, cursor: Any, now_us: int) -> None:
        for (market, minute_us), bar in self._candles.minutes.items():
            self._windows[market].add(minute_us, bar)
            self._touched.add(market)
        self._candles.minutes = {}
        self.age(cursor, now_us)

    def age(self, cursor: Any, now_us: int) -> None:
        as_of_us = now_us - now_us % MINUTE_US
        touched, self._touched = self._touched, set()
        if as_of_us != self._as_of_us:
            self._as_of_us = as_of_us
            touched = set(self._windows)
        if touched:
            rows = [(market, *self._windows[market].row(as_of_us), as_of_us) for market in sorted(touched)]
            cursor.execute(UPSERT, [array(column) for column in zip(*rows, strict=True)])
