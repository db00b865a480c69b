"""Candles and the 24 hours, against the plainest way to reckon them."""

import random
from datetime import UTC, datetime

import pytest

from orders.marketdata.candles import DAY_MS, INTERVALS_MS, MINUTE_MS, Candles, open_time
from orders.marketdata.ticker import Ticker


@pytest.mark.parametrize(
    ("interval", "opened"),
    [
        ("1m", "2026-11-21T13:47:00"),
        ("5m", "2026-11-21T13:45:00"),
        ("15m", "2026-11-21T13:45:00"),
        ("1h", "2026-11-21T13:00:00"),
        ("4h", "2026-11-21T12:00:00"),
        ("1d", "2026-11-21T00:00:00"),
        ("1w", "2026-11-16T00:00:00"),  # a Monday
    ],
)
def test_candles_open_at_round_times(interval: str, opened: str) -> None:
    time_ms = int(datetime(2026, 11, 21, 13, 47, 59, tzinfo=UTC).timestamp() * 1000)
    expected = datetime.fromisoformat(opened).replace(tzinfo=UTC)
    assert open_time(time_ms, interval) == expected.timestamp() * 1000
    assert open_time(int(expected.timestamp() * 1000), interval) == expected.timestamp() * 1000


def test_candles_hold_the_trades_of_their_interval() -> None:
    chance = random.Random(3)
    candles, trades, closed = Candles(), [], {}
    time_ms = 1_700_000_000_000
    for _ in range(3_000):
        time_ms += chance.randint(0, 40_000)
        trades.append((time_ms, chance.randint(90, 110), chance.randint(1, 9), chance.randint(1, 999)))
        candles.add(*trades[-1])
        for interval, candle in candles.take_changed():
            closed[interval, candle.open_time_ms] = candle
    for interval in INTERVALS_MS:
        groups: dict[int, list[tuple[int, int, int, int]]] = {}
        for trade in trades:
            groups.setdefault(open_time(trade[0], interval), []).append(trade)
        for opened, group in groups.items():
            candle, prices = closed[interval, opened], [price for _, price, _, _ in group]
            assert (candle.open, candle.high, candle.low, candle.close) == (
                prices[0], max(prices), min(prices), prices[-1]
            )  # fmt: skip
            assert (candle.lots, candle.quote_atoms, candle.trades) == (
                sum(trade[2] for trade in group), sum(trade[3] for trade in group), len(group)
            )  # fmt: skip
    assert candles.take_changed() == []


def test_the_ticker_is_of_the_last_24_hours_to_the_minute() -> None:
    chance = random.Random(4)
    ticker, trades = Ticker(77), []
    time_ms = 1_700_000_000_000
    assert ticker.summary(time_ms).open == ticker.summary(time_ms).last == 77
    for _ in range(2_000):
        time_ms += chance.choice((0, 10, 50_000, 200_000, 3_000_000))
        trades.append((time_ms, chance.randint(90, 110), chance.randint(1, 9), chance.randint(1, 999)))
        ticker.add(*trades[-1])
        now = time_ms = time_ms + chance.choice((0, 0, 0, 90_000))
        first_minute = now - now % MINUTE_MS - DAY_MS + MINUTE_MS
        inside = [trade for trade in trades if trade[0] >= first_minute]
        summary = ticker.summary(now)
        assert (summary.open, summary.last) == (inside[0][1], trades[-1][1])
        assert (summary.high, summary.low) == (max(trade[1] for trade in inside), min(trade[1] for trade in inside))
        assert (summary.lots, summary.trades) == (sum(trade[2] for trade in inside), len(inside))
    quiet = ticker.summary(time_ms + 2 * DAY_MS)
    assert (quiet.open, quiet.high, quiet.lots, quiet.trades) == (trades[-1][1], trades[-1][1], 0, 0)
