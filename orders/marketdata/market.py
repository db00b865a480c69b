"""One market as market data sees it: how its integers read, its book, candles, ticker and latest trades. Pure."""

import logging
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from matching.money import format_atoms
from orders.marketdata.book import Book
from orders.marketdata.candles import Candle, Candles
from orders.marketdata.runs import Run, Runs
from orders.marketdata.ticker import Ticker
from orders.scales import InexactScale, MarketScale

log = logging.getLogger(__name__)

RECENT_TRADES: Final = 200
# Texts of prices and sizes are asked for again and again; a full cache is emptied.
TEXTS_MAX: Final = 50_000


class _TicksAndLots:
    """Numbers of a market whose texts are its integers."""

    lot_atoms = unit = 1
    base_scale = quote_scale = 0


class Market:
    """State of one market, and how its prices and sizes read."""

    def __init__(self, fields: Sequence[Any], base: tuple[str, int], quote: tuple[str, int]) -> None:
        # The event's fields but the last, fees: what a saved fold makes the market from again.
        self.fields = list(fields[:16])
        self.market, self.symbol, self.base, self.quote, self.lot_atoms, self.unit = self.fields[:6]
        self.base_code, self.base_scale = base
        self.quote_code, self.quote_scale = quote
        # A market that no decimal text can show is not published; the engine refuses such, but a journal may have one.
        self.is_shown = True
        try:
            self.scale = MarketScale(self)
        except InexactScale as error:
            log.error("market %s is left out of market data: %s", self.symbol, error)
            self.is_shown = False
            self.scale = MarketScale(_TicksAndLots)
        self._price_texts: dict[int, str] = {}
        self._size_texts: dict[int, str] = {}
        self.state = "open"
        self.until_us = 0
        self.book = Book(self.price_text, self.size_text)
        self.candles = Candles()
        self.ticker = Ticker(self.fields[15])
        self.ticker_changed = True
        self.trades: deque[dict[str, Any]] = deque(maxlen=RECENT_TRADES)
        self.last_trade = 0
        self.runs = Runs()

    def price_text(self, ticks: int) -> str:
        """A price as decimal text."""
        text = self._price_texts.get(ticks)
        if text is None:
            if len(self._price_texts) >= TEXTS_MAX:
                self._price_texts.clear()
            text = self._price_texts[ticks] = self.scale.ticks_to_price(ticks)
        return text

    def size_text(self, lots: int) -> str:
        """A size in base coins as decimal text."""
        text = self._size_texts.get(lots)
        if text is None:
            if len(self._size_texts) >= TEXTS_MAX:
                self._size_texts.clear()
            text = self._size_texts[lots] = self.scale.lots_to_size(lots)
        return text

    def trade(self, event: Sequence[Any], sequence: int, time_us: int) -> dict[str, Any]:
        """Fold one trade's public side; returns it as the `trades` channel shows it."""
        number, price, lots, quote_atoms, taker_side = event[1], event[3], event[4], event[6], event[7]
        self.book.add(1 - taker_side, price, -lots)
        time_ms = time_us // 1000
        self.candles.add(time_ms, price, lots, quote_atoms, taker_side=taker_side, trade=number)
        self.ticker.add(time_ms, price, lots, quote_atoms)
        self.runs.add(event, sequence, time_ms)
        self.ticker_changed = True
        shown = {
            "id": number,
            "price": self.price_text(price),
            "size": self.size_text(lots),
            "quote": self.scale.quote_text(quote_atoms),
            "side": "sell" if taker_side else "buy",
            "time": time_ms,
            "sequence": sequence,
        }
        self.trades.append(shown)
        self.last_trade = number
        return shown

    def run_json(self, run: Run) -> dict[str, Any]:
        """An aggregate trade: its id is the number of its first trade."""
        return {
            "id": run.first,
            "last": run.last,
            "price": self.price_text(run.price),
            "size": self.size_text(run.lots),
            "side": "sell" if run.taker_side else "buy",
            "time": run.time_ms,
        }

    def candle_json(self, interval: str, candle: Candle) -> dict[str, Any]:
        """A candle as the `candles` channel shows it; it is closed once a later one has begun."""
        current = self.candles.current.get(interval)
        return {
            "open_time": candle.open_time_ms,
            "open": self.price_text(candle.open),
            "high": self.price_text(candle.high),
            "low": self.price_text(candle.low),
            "close": self.price_text(candle.close),
            "volume": self.size_text(candle.lots),
            "quote_volume": self.scale.quote_text(candle.quote_atoms),
            "trades": candle.trades,
            "first_trade": candle.first_trade,
            "last_trade": candle.last_trade,
            "taker_buy_volume": self.size_text(candle.bought_lots),
            "taker_buy_quote_volume": self.scale.quote_text(candle.bought_quote),
            "closed": current is not candle,
        }

    def ticker_json(self, now_ms: int, sequence: int) -> dict[str, Any]:
        """The ticker as the `ticker` channel and REST show it; change is last minus open of the 24 hours."""
        summary = self.ticker.summary(now_ms)
        bid, ask = self.book.best(0), self.book.best(1)
        change = summary.last - summary.open
        average = self.scale.average_price(*self.ticker.average(now_ms))
        return {
            "market": self.symbol,
            "last": self.price_text(summary.last),
            "open": self.price_text(summary.open),
            "high": self.price_text(summary.high),
            "low": self.price_text(summary.low),
            "change": self.price_text(change),
            "change_percent": _percent(change, summary.open),
            "volume": self.size_text(summary.lots),
            "quote_volume": self.scale.quote_text(summary.quote_atoms),
            "trades": summary.trades,
            # Numbers of a market's trades have no gaps, so these are those of the 24 hours.
            "first_trade": self.last_trade - summary.trades + 1 if summary.trades else None,
            "last_trade": self.last_trade or None,
            "last_size": self.trades[-1]["size"] if self.trades else None,
            "last_time": self.trades[-1]["time"] if self.trades else None,
            "previous": self.price_text(self.ticker.previous),
            "average": self.scale.average_price(summary.quote_atoms, summary.lots),
            "average_5m": average if average is not None else self.price_text(summary.last),
            "bid": bid[0] if bid else None,
            "bid_size": bid[1] if bid else None,
            "ask": ask[0] if ask else None,
            "ask_size": ask[1] if ask else None,
            "state": self.state,
            "time": now_ms,
            "sequence": sequence,
        }


def _percent(change: int, of: int) -> str:
    """`change` in hundredths of a percent of `of`, cut towards zero, as text like "-1.25"."""
    hundredths = abs(change) * 10_000 // of if of else 0
    return format_atoms(-hundredths if change < 0 else hundredths, 2)
