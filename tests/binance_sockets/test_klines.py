"""Candles of the dialect: one that says "closed" for every interval, with trades or without, and right ones."""

import asyncio
from typing import Any

import orjson
import pytest

from orders.binance.sockets.klines import GRACE_MS, Klines
from orders.binance.sockets.limits import EMPTY_CANDLES_MAX
from orders.binance.sockets.merged_klines import MergedKlines

MINUTE = 60_000
OPENED = 1_700_000_100_000  # a whole minute, and a whole three
LENGTHS = {"1m": MINUTE, "3m": 3 * MINUTE}


class Hearer:
    """Keeps (opened in minutes from OPENED, closed, close price, trades) of what comes."""

    is_combined = False

    def __init__(self) -> None:
        self.heard: list[tuple[int, bool, str, int]] = []
        self.last: dict[str, Any] = {}

    def push(self, text: str) -> None:
        self.last = candle = orjson.loads(text)["k"]
        minutes, off = divmod(candle["t"] - OPENED, MINUTE)
        assert off == 0 and candle["T"] == candle["t"] + LENGTHS[candle["i"]] - 1
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


def part(minutes: int, price: str, trades: int, first: int) -> dict[str, Any]:
    """A kept candle of a minute."""
    return {
        "open_time": OPENED + minutes * MINUTE, "open": price, "high": price, "low": price, "close": price,
        "volume": "0.1", "quote_volume": price, "trades": trades, "first_trade": first,
        "last_trade": first + trades - 1, "taker_buy_volume": "0", "taker_buy_quote_volume": "0",
    }  # fmt: skip


class MergedRun:
    """A stream of three minutes; the test answers its loads."""

    def __init__(self) -> None:
        self.time_ms = OPENED + 100_000
        self.loads: list[tuple[int, Any]] = []
        self.hearer = Hearer()
        self.stream = MergedKlines(
            "x@kline_3m", "X", "A-B", "3m", load=lambda first, landed: self.loads.append((first, landed)),
            clock=lambda: self.time_ms,
        )  # fmt: skip
        self.stream.add(self.hearer)

    def tell(self, *parts: dict[str, Any], kind: str = "update") -> list[tuple[int, bool, str, int]]:
        self.stream.push(orjson.dumps({"type": kind, "candles": [one | {"closed": False} for one in parts]}).decode())
        return self.hearer.take()


def test_three_minutes_are_their_parts_stored_and_live() -> None:
    async def run() -> None:
        one = MergedRun()
        assert one.tell(part(1, "7", 2, 4), kind="snapshot") == []
        assert one.tell(part(1, "8", 3, 4)) == []  # it waits for the rows
        ((first, landed),) = one.loads
        assert first == OPENED - 3 * MINUTE
        landed([part(-1, "4", 1, 1), part(0, "9", 2, 2), part(1, "7", 1, 4)])
        assert one.hearer.take() == [(0, False, "8", 5)]
        shown = one.hearer.last
        assert [shown[name].partition(".")[0] for name in "ohlc"] == ["9", "9", "8", "8"]
        assert (shown["v"], shown["q"], shown["f"], shown["L"]) == ("0.20000000", "17.00000000", 2, 6)
        assert one.tell(part(2, "3", 1, 7)) == [(0, False, "3", 6)]
        # The next one closes it; trades that come late set it right.
        assert one.tell(part(3, "5", 1, 8)) == [(0, True, "3", 6), (3, False, "5", 1)]
        assert one.tell(part(2, "2", 2, 7)) == [(0, True, "2", 7), (3, False, "5", 1)]

    asyncio.run(run())


def test_after_a_gap_the_rows_are_read_again() -> None:
    async def run() -> None:
        one = MergedRun()
        one.tell(part(0, "7", 2, 1), kind="snapshot")
        one.loads[0][1]([])
        assert one.hearer.take() == [(0, False, "7", 2)]
        one.tell(part(2, "9", 1, 5), kind="snapshot")
        one.loads[0][1]([part(0, "1", 1, 1)])  # overtaken: nobody hears of it
        assert one.hearer.take() == []
        one.loads[1][1]([part(0, "7", 2, 1), part(1, "8", 2, 3)])
        assert one.hearer.take() == [(0, False, "9", 5)]

    asyncio.run(run())


def test_rows_that_are_behind_are_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        monkeypatch.setattr("orders.binance.sockets.merged_klines.AGAIN_S", 0.0)
        one = MergedRun()
        one.tell(part(0, "7", 2, 1), kind="snapshot")
        one.loads[0][1](None)
        while len(one.loads) < 2:
            await asyncio.sleep(0.001)
        one.loads[1][1]([])
        assert one.hearer.take() == [(0, False, "7", 2)]

    asyncio.run(run())
