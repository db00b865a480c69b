"""What happened in the last 24 hours, kept by the minute. Pure; times in milliseconds."""

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from orders.marketdata.candles import DAY_MS, MINUTE_MS, Candle

WINDOW_MS: Final = DAY_MS
# The average price that the Binance dialect shows is of so many minutes.
AVERAGE_MINUTES: Final = 5


@dataclass(frozen=True, slots=True)
class Summary:
    """24 hours of one market: ticks, lots, quote atoms. Without trades all prices are the last one."""

    open: int
    high: int
    low: int
    last: int
    lots: int
    quote_atoms: int
    trades: int


class Ticker:
    """A candle for each minute that had trades, at most 24 h of them; sums are kept, extremes are scanned."""

    __slots__ = ("_lots", "_minutes", "_quote_atoms", "_trades", "last", "previous")

    def __init__(self, last: int) -> None:
        self.last = last
        # The last price before the 24 hours.
        self.previous = last
        self._minutes: deque[Candle] = deque()
        self._lots = self._quote_atoms = self._trades = 0

    def add(self, time_ms: int, price: int, lots: int, quote_atoms: int) -> None:
        """One trade."""
        opened = time_ms - time_ms % MINUTE_MS
        if not self._minutes or self._minutes[-1].open_time_ms != opened:
            self._minutes.append(Candle(opened, price))
            self.expire(time_ms)
        self._minutes[-1].add(price, lots, quote_atoms)
        self._lots += lots
        self._quote_atoms += quote_atoms
        self._trades += 1
        self.last = price

    def expire(self, now_ms: int) -> bool:
        """Forget minutes that ended 24 h ago or earlier; says whether there were any."""
        first_kept = now_ms - now_ms % MINUTE_MS - WINDOW_MS
        expired = False
        while self._minutes and self._minutes[0].open_time_ms <= first_kept:
            minute = self._minutes.popleft()
            self._lots -= minute.lots
            self._quote_atoms -= minute.quote_atoms
            self._trades -= minute.trades
            self.previous = minute.close
            expired = True
        return expired

    def summary(self, now_ms: int) -> Summary:
        """The 24 hours before `now_ms`, to the minute."""
        self.expire(now_ms)
        if not self._minutes:
            return Summary(self.last, self.last, self.last, self.last, 0, 0, 0)
        return Summary(
            open=self._minutes[0].open,
            high=max(minute.high for minute in self._minutes),
            low=min(minute.low for minute in self._minutes),
            last=self.last, lots=self._lots, quote_atoms=self._quote_atoms, trades=self._trades,
        )  # fmt: skip

    def average(self, now_ms: int) -> tuple[int, int]:
        """(quote atoms, lots) traded in the current minute and those before it, AVERAGE_MINUTES in all."""
        first_counted = now_ms - now_ms % MINUTE_MS - (AVERAGE_MINUTES - 1) * MINUTE_MS
        quote_atoms = lots = 0
        for minute in reversed(self._minutes):
            if minute.open_time_ms < first_counted:
                break
            quote_atoms += minute.quote_atoms
            lots += minute.lots
        return quote_atoms, lots

    def dump(self) -> list[Any]:
        """As JSON-able values."""
        return [self.last, [minute.dump() for minute in self._minutes], self.previous]

    @classmethod
    def load(cls, values: list[Any]) -> "Ticker":
        """What `dump` gave."""
        ticker = cls(values[0])
        ticker.previous = values[2]
        for minute in map(Candle.load, values[1]):
            ticker._minutes.append(minute)
            ticker._lots += minute.lots
            ticker._quote_atoms += minute.quote_atoms
            ticker._trades += minute.trades
        return ticker
