"""`@kline_<interval>` of an interval that is not kept: put together from candles of a kept one, stored and live.

When it begins, and whenever market data starts anew, the parts that have closed are read from the rows; what is told
from then on replaces its part.
"""

import asyncio
import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import orjson

from orders.binance import intervals
from orders.binance.sockets.klines import Klines
from orders.binance.sockets.stream import now_ms

log = logging.getLogger(__name__)

AGAIN_S: Final = 1.0
# What adds up; amounts are decimal text.
_AMOUNTS: Final = ("volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume")
Candle = dict[str, Any]
# Reads the kept candles that open at or after a time (ms), None while the rows are behind; gives them on the loop.
Load = Callable[[int, Callable[[list[Candle] | None], None]], None]


class MergedKlines(Klines):
    """`load` reads rows in a thread; live candles wait until it has."""

    def __init__(
        self, name: str, symbol: str, market: str, interval: str, *, load: Load, clock: Callable[[], int] = now_ms
    ) -> None:  # fmt: skip
        super().__init__(name, symbol, market, interval, clock)
        self._load = load
        self._parts: dict[int, Candle] = {}
        self._waiting: list[Candle] | None = []
        # Counts loads: the answer to one that was overtaken is dropped.
        self._loads = 0
        self._again: asyncio.TimerHandle | None = None

    def close(self, hub: Any) -> None:
        """End."""
        super().close(hub)
        self._loads += 1
        if self._again is not None:
            self._again.cancel()

    def take(self, text: str) -> None:
        """A message of the topic; after a snapshot parts may have closed that nobody told of."""
        message = orjson.loads(text)
        told = [{name: value for name, value in candle.items() if name != "closed"} for candle in message["candles"]]
        if message["type"] == "snapshot":
            self._waiting = [*(self._waiting or []), *told]
            self._begin_load()
        elif self._waiting is not None:
            self._waiting += told
        else:
            for candle in told:
                self._put(candle)

    def _begin_load(self) -> None:
        self._again = None
        self._loads += 1
        number = self._loads
        opened = intervals.opened(self._clock(), self._interval)
        # The one before too, whose last trades may come late.
        first = intervals.moved(opened, self._interval, -1)

        def landed(rows: list[Candle] | None) -> None:
            if number != self._loads:
                return
            if rows is None:
                self._again = asyncio.get_running_loop().call_later(AGAIN_S, self._begin_load)
                return
            waiting, self._waiting = self._waiting or [], None
            self._parts = {row["open_time"]: row for row in rows} | {one["open_time"]: one for one in waiting}
            told = sorted({self._opened(at) for at in self._parts})
            # To who just began only the last one is news.
            for opened_at in told if self._candle is not None else told[-1:]:
                self._take(self._merged(opened_at))

        self._load(first, landed)

    def _put(self, candle: Candle) -> None:
        self._parts[candle["open_time"]] = candle
        opened = self._opened(candle["open_time"])
        oldest = intervals.moved(opened, self._interval, -1)
        for at in [at for at in self._parts if at < oldest]:
            del self._parts[at]
        self._take(self._merged(opened))

    def _opened(self, time_ms: int) -> int:
        return intervals.opened(time_ms, self._interval)

    def _merged(self, opened: int) -> Candle:
        """The interval's candle out of its parts."""
        parts = [self._parts[at] for at in sorted(self._parts) if self._opened(at) == opened]
        first, last = parts[0], parts[-1]
        merged: Candle = {
            "open_time": opened, "open": first["open"], "close": last["close"],
            "high": max((part["high"] for part in parts), key=Decimal),
            "low": min((part["low"] for part in parts), key=Decimal),
            "trades": sum(part["trades"] for part in parts), "first_trade": first["first_trade"],
            "last_trade": last["last_trade"],
        }  # fmt: skip
        for name in _AMOUNTS:
            merged[name] = f"{sum(Decimal(part[name]) for part in parts):f}"
        return merged
