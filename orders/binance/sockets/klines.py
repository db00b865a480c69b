"""`@kline_<interval>`: the candle of now, closed when its time is over, with or without trades.

Market data tells of candles that have trades, and closes one with the first trade of the next. Clients of Binance
expect one message that says "closed" for every interval; a clock here sends it.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from orders.binance import intervals
from orders.binance.sockets.limits import CANDLE_GRACE_S, EMPTY_CANDLES_MAX
from orders.binance.sockets.stream import Stream, now_ms, text_of
from orders.marketdata import names
from orders.sockets.hub import Hub

GRACE_MS = round(CANDLE_GRACE_S * 1_000)


class Klines(Stream):
    """The candles of one market and interval. `clock` gives milliseconds since the epoch."""

    is_whole = True

    def __init__(
        self, name: str, symbol: str, market: str, interval: str, clock: Callable[[], int] = now_ms
    ) -> None:  # fmt: skip
        super().__init__(name, 0)
        self._clock = clock
        self._symbol, self._market, self._interval = symbol, market, interval
        self._candle: dict[str, Any] | None = None
        self._is_closed = False
        # The last candle with trades that was sent as closed.
        self._closed: dict[str, Any] | None = None

    def open(self, hub: Hub) -> None:
        """Begin."""
        kept = intervals.stored(self._interval)
        self._subscriptions.append(hub.join(self, names.candles_topic(self._market, kept)))

    def take(self, text: str) -> None:
        """A message of the topic; a snapshot has the last candle with trades, be it old."""
        for candle in orjson.loads(text)["candles"]:
            candle.pop("closed")
            self._take(candle)

    def _take(self, candle: dict[str, Any]) -> None:
        current = self._candle
        if current is None:
            opened = intervals.opened(self._clock() - GRACE_MS, self._interval)
            self._begin(candle if candle["open_time"] >= opened else _empty(candle["close"], opened))
        elif candle["open_time"] < current["open_time"]:
            # Trades that came later than the grace: what was said of that candle is not true any more.
            closed = self._closed
            if closed is not None and candle["open_time"] == closed["open_time"] and candle != closed:
                self._close(candle)
                if not current["trades"]:
                    current = self._candle = _empty(candle["close"], current["open_time"])
                self._send(current, is_closed=False)
        elif candle["open_time"] == current["open_time"]:
            self._begin(candle)
        else:
            self._roll(candle["open_time"])
            self._begin(candle)

    def _begin(self, candle: dict[str, Any]) -> None:
        self._candle = candle
        self._send(candle, is_closed=False)
        if self._timer is not None:
            self._timer.cancel()
        wait_ms = self._end(candle["open_time"]) + GRACE_MS - self._clock()
        self._timer = asyncio.get_running_loop().call_later(max(0, wait_ms) / 1_000, self._over)

    def _over(self) -> None:
        """The current candle's time is over."""
        self._timer = None
        assert self._candle is not None
        opened = intervals.opened(self._clock() - GRACE_MS, self._interval)
        # A clock that was set back must not open the same candle again.
        opened = max(opened, self._end(self._candle["open_time"]))
        self._roll(opened)
        self._begin(_empty(self._candle["close"], opened))

    def _roll(self, opened: int) -> None:
        """Close the current candle and the empty ones between it and the one that opens at `opened`."""
        assert self._candle is not None
        self._close(self._candle)
        between = max(
            self._end(self._candle["open_time"]), intervals.moved(opened, self._interval, -EMPTY_CANDLES_MAX)
        )  # fmt: skip
        while between < opened:
            self._close(_empty(self._candle["close"], between))
            between = self._end(between)

    def _end(self, open_ms: int) -> int:
        return intervals.moved(open_ms, self._interval, 1)

    def _close(self, candle: dict[str, Any]) -> None:
        if candle["trades"]:
            self._closed = candle
        self._send(candle, is_closed=True)

    def _send(self, candle: dict[str, Any], *, is_closed: bool) -> None:
        self.send(
            {
                "e": "kline",
                "E": now_ms(),
                "s": self._symbol,
                "k": {
                    "t": candle["open_time"],
                    "T": self._end(candle["open_time"]) - 1,
                    "s": self._symbol,
                    "i": self._interval,
                    "f": candle["first_trade"],
                    "L": candle["last_trade"],
                    "o": text_of(candle["open"]),
                    "c": text_of(candle["close"]),
                    "h": text_of(candle["high"]),
                    "l": text_of(candle["low"]),
                    "v": text_of(candle["volume"]),
                    "n": candle["trades"],
                    "x": is_closed,
                    "q": text_of(candle["quote_volume"]),
                    "V": text_of(candle["taker_buy_volume"]),
                    "Q": text_of(candle["taker_buy_quote_volume"]),
                    "B": "0",
                },
            }
        )


def _empty(price: str, opened: int) -> dict[str, Any]:
    """The candle of an interval without trades: all prices are the last one, trade ids are -1."""
    return {
        "open_time": opened, "open": price, "high": price, "low": price, "close": price, "volume": "0",
        "quote_volume": "0", "trades": 0, "first_trade": -1, "last_trade": -1, "taker_buy_volume": "0",
        "taker_buy_quote_volume": "0",
    }  # fmt: skip
