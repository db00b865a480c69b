"""Candles of the dialect: one that says "closed" for every interval, with trades or without, and right ones."""

import asyncio
from typing import Any

import orjson
import pytest

from orders.binance.sockets.klines import GRACE_MS, Klines
from orders.binance.sockets.limits import EMPTY_CANDLES_MAX

MINUTE = 60_000
OPENED = 1_700_000_040_000  # a whole minute


class Hearer:
    """Keeps (opened in minutes from OPENED, closed, close price, trades) of what comes."""

    is_combined = False

    def __init__(self) -> None:
        self.heard: list[tuple[int, bool, str, int]] = []
        self.last: dict[str, Any] = {}

    def push(self, text: str) -> None:
        self.last = candle = orjson.loads(text)["k"]
        minutes, off = divmod(candle["t"] - OPENED, MINUTE)
        assert off == 0 and candle["T"] == candle["t"] + MINUTE - 1
        self.heard.append((minutes, candle["x"], candle["c"].partition(".")[0], candle["n"]))

    def take(self) -> list[tuple[int, bool, str, int]]:
        heard, self.heard = self.heard, []
        return heard


class Run:
    """A stream whose clock the test sets, and whose timers are the loop's."""

    def __init__(self) -> None:
        self.time_ms = OPENED + 1_000
        self.hearer = Hearer()
        self.stream = Klines("x@kline_1m", "X", "A-B", "1m", clock=lambda: self.time_ms)
        self.stream.add(self.hearer)

    def candles(self, *candles: tuple[int, str, int], kind: str = "update") -> list[tuple[int, bool, str, int]]:
        """Market data tells of candles (minutes from OPENED, price, trades)."""
        shown = [
            {
                "open_time": OPENED + minutes * MINUTE, "open": price, "high": price, "low": price, "close": price,
                "volume": "1", "quote_volume": price, "trades": trades, "first_trade": 1, "last_trade": trades,
                "taker_buy_volume": "0", "taker_buy_quote_volume": "0", "closed": False,
            }
            for minutes, price, trades in candles
        ]  # fmt: skip
        self.stream.push(orjson.dumps({"type": kind, "candles": shown}).decode())
        return self.hearer.take()

    async def until(self, minutes: int) -> list[tuple[int, bool, str, int]]:
        """The clock reaches a little after the end of the grace of the candle of `minutes`; its timer rings."""
        self.time_ms = OPENED + (minutes + 1) * MINUTE + GRACE_MS
        self.stream._begin(self.stream._candle)  # the timer is set by the clock as it is now
        self.hearer.take()
        while not (heard := self.hearer.take()):
            await asyncio.sleep(0.001)
        return heard


def test_a_candle_closes_with_its_time_and_an_empty_one_follows() -> None:
    async def run() -> None:
        one = Run()
        assert one.candles((0, "5", 3)) == [(0, False, "5", 3)]
        assert one.candles((0, "6", 4)) == [(0, False, "6", 4)]
        assert await one.until(0) == [(0, True, "6", 4), (1, False, "6", 0)]
        empty = one.hearer.last
        assert empty["o"] == empty["h"] == empty["l"] == empty["c"] == "6.00000000"
        assert (empty["v"], empty["q"], empty["f"], empty["L"]) == ("0.00000000", "0.00000000", -1, -1)
        assert await one.until(1) == [(1, True, "6", 0), (2, False, "6", 0)]
        assert one.candles((2, "7", 1)) == [(2, False, "7", 1)]

    asyncio.run(run())


def test_the_next_trade_closes_what_lies_before_it() -> None:
    async def run() -> None:
        one = Run()
        one.candles((0, "5", 3))
        assert one.candles((3, "9", 1)) == [
            (0, True, "5", 3), (1, True, "5", 0), (2, True, "5", 0), (3, False, "9", 1)
        ]  # fmt: skip
        many = one.candles((3 + 10 * EMPTY_CANDLES_MAX, "9", 1))
        assert len(many) == EMPTY_CANDLES_MAX + 2 and many[0] == (3, True, "9", 1)

    asyncio.run(run())


def test_the_last_trades_of_a_candle_may_come_with_the_next_one() -> None:
    async def run() -> None:
        one = Run()
        one.candles((0, "5", 3))
        assert one.candles((0, "6", 5), (1, "7", 1)) == [(0, False, "6", 5), (0, True, "6", 5), (1, False, "7", 1)]

    asyncio.run(run())


def test_trades_later_than_the_grace_set_the_closed_candle_right() -> None:
    async def run() -> None:
        one = Run()
        one.candles((0, "5", 3))
        await one.until(0)
        assert one.candles((0, "6", 4)) == [(0, True, "6", 4), (1, False, "6", 0)]
        # Market data's snapshot after a restart says the same again: nothing is told twice.
        assert one.candles((0, "6", 4), kind="snapshot") == []

    asyncio.run(run())


@pytest.mark.parametrize(("minutes", "first"), [(-30, (0, False, "5", 0)), (0, (0, False, "5", 2))])
def test_who_comes_to_a_quiet_market_gets_the_candle_of_now(minutes: int, first: tuple[int, bool, str, int]) -> None:
    async def run() -> None:
        one = Run()
        one.time_ms = OPENED + 30_000
        assert one.candles((minutes, "5", 2), kind="snapshot") == [first]
        late = Hearer()
        one.stream.add(late)
        assert late.take() == [first]

    asyncio.run(run())
