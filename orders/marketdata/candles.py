"""Candles as trades make them: the current one of every interval. Pure; times in milliseconds, prices in ticks."""

from typing import Any, Final

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
INTERVALS_MS: Final[dict[str, int]] = {
    "1m": MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS,
    "1h": HOUR_MS, "4h": 4 * HOUR_MS, "1d": DAY_MS, "1w": 7 * DAY_MS,
}  # fmt: skip
# The epoch was a Thursday; weeks begin on Monday.
WEEK_OFFSET_MS: Final = 4 * DAY_MS


def open_time(time_ms: int, interval: str) -> int:
    """When the candle that holds `time_ms` opened."""
    length = INTERVALS_MS[interval]
    offset = WEEK_OFFSET_MS if interval == "1w" else 0
    return time_ms - (time_ms - offset) % length


class Candle:
    """One candle: ticks, lots, quote atoms; `bought_*` is what takers bought, the ids are its first and last trade."""

    __slots__ = (
        "bought_lots", "bought_quote", "close", "first_trade", "high", "last_trade", "lots", "low", "open",
        "open_time_ms", "quote_atoms", "trades",
    )  # fmt: skip

    def __init__(self, open_time_ms: int, price: int) -> None:
        self.open_time_ms = open_time_ms
        self.open = self.high = self.low = self.close = price
        self.lots = self.quote_atoms = self.trades = 0
        self.bought_lots = self.bought_quote = self.first_trade = self.last_trade = 0

    def add(self, price: int, lots: int, quote_atoms: int, *, taker_side: int = 0, trade: int = 0) -> None:
        """One trade, of the number `trade` in its market."""
        self.close = price
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.lots += lots
        self.quote_atoms += quote_atoms
        self.trades += 1
        if taker_side == 0:
            self.bought_lots += lots
            self.bought_quote += quote_atoms
        self.first_trade = self.first_trade or trade
        self.last_trade = trade

    def dump(self) -> list[Any]:
        """As JSON-able values."""
        return [
            self.open_time_ms, self.open, self.high, self.low, self.close, str(self.lots), str(self.quote_atoms),
            self.trades, str(self.bought_lots), str(self.bought_quote), self.first_trade, self.last_trade,
        ]  # fmt: skip

    @classmethod
    def load(cls, values: list[Any]) -> "Candle":
        """What `dump` gave."""
        candle = cls(values[0], values[1])
        candle.high, candle.low, candle.close = values[2:5]
        candle.lots, candle.quote_atoms, candle.trades = int(values[5]), int(values[6]), values[7]
        candle.bought_lots, candle.bought_quote = int(values[8]), int(values[9])
        candle.first_trade, candle.last_trade = values[10:12]
        return candle


class Candles:
    """The current candle of each interval of one market, and those that closed or changed since last taken."""

    __slots__ = ("_changed", "current")

    def __init__(self) -> None:
        self.current: dict[str, Candle] = {}
        self._changed: dict[tuple[str, int], Candle] = {}

    def add(
        self, time_ms: int, price: int, lots: int, quote_atoms: int, *, taker_side: int = 0, trade: int = 0
    ) -> None:  # fmt: skip
        """One trade into every interval."""
        for interval in INTERVALS_MS:
            opened = open_time(time_ms, interval)
            candle = self.current.get(interval)
            if candle is None or candle.open_time_ms != opened:
                candle = self.current[interval] = Candle(opened, price)
            candle.add(price, lots, quote_atoms, taker_side=taker_side, trade=trade)
            self._changed[interval, opened] = candle

    def take_changed(self) -> list[tuple[str, Candle]]:
        """(interval, candle) changed since the last call, oldest first within an interval."""
        changed = [(interval, candle) for (interval, _), candle in self._changed.items()]
        self._changed.clear()
        return changed
