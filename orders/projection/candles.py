"""Candles: trades are folded into minutes, and minutes into all intervals when they are written."""

from collections.abc import Sequence
from typing import Any, Final

from matching.bulk import array
from matching.engine.commands import BUY
from matching.projection import Handler
from orders.models import Candle

MINUTE_US: Final = 60_000_000
# The first Monday after the epoch, which was a Thursday.
FIRST_MONDAY_US: Final = 4 * 86_400_000_000
WEEK_S: Final = Candle.Interval.W1

# open, high, low, close, base atoms, quote atoms, trades, base and quote atoms that takers bought
Bar = list[int]

UPSERT: Final = """
INSERT INTO orders_candle AS c
    (market_id, interval, open_us, open, high, low, close, base_volume, quote_volume, trades,
     taker_base_volume, taker_quote_volume)
SELECT * FROM unnest(%s::bigint[], %s::integer[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
                     %s::bigint[], %s::numeric[], %s::numeric[], %s::bigint[], %s::numeric[], %s::numeric[])
ON CONFLICT (market_id, interval, open_us) DO UPDATE SET
    high = greatest(c.high, excluded.high), low = least(c.low, excluded.low), close = excluded.close,
    base_volume = c.base_volume + excluded.base_volume, quote_volume = c.quote_volume + excluded.quote_volume,
    trades = c.trades + excluded.trades, taker_base_volume = c.taker_base_volume + excluded.taker_base_volume,
    taker_quote_volume = c.taker_quote_volume + excluded.taker_quote_volume
"""


def open_of(time_us: int, interval_s: int) -> int:
    """Start of the interval that `time_us` lies in, in µs."""
    length_us = interval_s * 1_000_000
    if interval_s == WEEK_S:
        return time_us - (time_us - FIRST_MONDAY_US) % length_us
    return time_us - time_us % length_us


def extend(bar: Bar, later: Bar) -> None:
    """Add what came after."""
    bar[1] = max(bar[1], later[1])
    bar[2] = min(bar[2], later[2])
    bar[3] = later[3]
    bar[4] += later[4]
    bar[5] += later[5]
    bar[6] += later[6]
    bar[7] += later[7]
    bar[8] += later[8]


class Candles:
    """Read model Candle. `minutes` has what this transaction adds, by (market, start of the minute in µs)."""

    tables = ("orders_candle",)

    def __init__(self) -> None:
        self.minutes: dict[tuple[int, int], Bar] = {}

    def handlers(self) -> dict[str, Handler]:
        return {"trade": self._trade}

    def load(self) -> None:
        self.minutes = {}

    def _trade(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        price = event[3]
        bought = (event[5], event[6]) if event[7] == BUY else (0, 0)
        key = (event[2], time_us - time_us % MINUTE_US)
        bar = self.minutes.get(key)
        if bar is None:
            self.minutes[key] = [price, price, price, price, event[5], event[6], 1, *bought]
            return
        if price > bar[1]:
            bar[1] = price
        elif price < bar[2]:
            bar[2] = price
        bar[3] = price
        bar[4] += event[5]
        bar[5] += event[6]
        bar[6] += 1
        bar[7] += bought[0]
        bar[8] += bought[1]

    def write(self, cursor: Any, now_us: int) -> None:
        # The tickers take `minutes` after this and empty it.
        if not self.minutes:
            return
        bars: dict[tuple[int, int, int], Bar] = {}
        # Minutes come in the order of time, since the journal's time never falls.
        for (market, minute_us), minute in self.minutes.items():
            for interval in Candle.Interval.values:
                key = (market, interval, open_of(minute_us, interval))
                bar = bars.get(key)
                if bar is None:
                    bars[key] = list(minute)
                else:
                    extend(bar, minute)
        columns = zip(*((*key, *bar) for key, bar in bars.items()), strict=True)
        cursor.execute(UPSERT, [array(column) for column in columns])

    def age(self, cursor: Any, now_us: int) -> None:
        """A candle stays."""
