"""`@ticker`, `@miniTicker`, `@avgPrice` of a market; `!ticker@arr`, `!miniTicker@arr`: of all that changed."""

from typing import Any

import orjson

from orders.binance.sockets.stream import Stream, now_ms, text_of
from orders.marketdata.candles import DAY_MS, MINUTE_MS
from orders.marketdata.ticker import AVERAGE_MINUTES
from orders.sockets.hub import ALL_TICKERS, TICKER_PREFIX, Hub

Ticker = dict[str, Any]


def symbol_of(market: str) -> str:
    """BTC-USDT as BTCUSDT."""
    return market.replace("-", "")


def full(ticker: Ticker) -> dict[str, Any]:
    """The payload of `@ticker`. Before the first trade ids are -1, as Binance has them."""
    return {
        "e": "24hrTicker",
        "E": now_ms(),
        "s": symbol_of(ticker["market"]),
        "p": text_of(ticker["change"]),
        "P": ticker["change_percent"],
        "w": text_of(ticker["average"] or ticker["last"]),
        "x": text_of(ticker["previous"]),
        "c": text_of(ticker["last"]),
        "Q": text_of(ticker["last_size"] or "0"),
        "b": text_of(ticker["bid"] or "0"),
        "B": text_of(ticker["bid_size"] or "0"),
        "a": text_of(ticker["ask"] or "0"),
        "A": text_of(ticker["ask_size"] or "0"),
        "o": text_of(ticker["open"]),
        "h": text_of(ticker["high"]),
        "l": text_of(ticker["low"]),
        "v": text_of(ticker["volume"]),
        "q": text_of(ticker["quote_volume"]),
        "O": ticker["time"] - DAY_MS,
        "C": ticker["time"],
        "F": ticker["first_trade"] or -1,
        "L": (ticker["last_trade"] or -1) if ticker["trades"] else -1,
        "n": ticker["trades"],
    }


def mini(ticker: Ticker) -> dict[str, Any]:
    """The payload of `@miniTicker`."""
    return {
        "e": "24hrMiniTicker",
        "E": now_ms(),
        "s": symbol_of(ticker["market"]),
        "c": text_of(ticker["last"]),
        "o": text_of(ticker["open"]),
        "h": text_of(ticker["high"]),
        "l": text_of(ticker["low"]),
        "v": text_of(ticker["volume"]),
        "q": text_of(ticker["quote_volume"]),
    }


def average(ticker: Ticker) -> dict[str, Any]:
    """The payload of `@avgPrice`: of the last minutes, or the last price when nothing was traded in them."""
    time_ms = now_ms()
    is_old = time_ms - (ticker["last_time"] or 0) >= AVERAGE_MINUTES * MINUTE_MS
    return {
        "e": "avgPrice",
        "E": time_ms,
        "s": symbol_of(ticker["market"]),
        "i": f"{AVERAGE_MINUTES}m",
        "w": text_of(ticker["last"]) if is_old else ticker["average_5m"],
        "T": ticker["last_time"] or 0,
    }


PAYLOADS = {"ticker": full, "miniTicker": mini, "avgPrice": average}


class Tickers(Stream):
    """Tickers of one market (`market`) or, as arrays of those that changed, of all ("")."""

    def __init__(self, name: str, period_ms: int, kind: str, market: str) -> None:
        super().__init__(name, period_ms)
        self.is_whole = bool(market)
        self._payload = PAYLOADS[kind]
        self._market = market
        self._changed: dict[str, Ticker] = {}

    def open(self, hub: Hub) -> None:
        """Begin with the tickers as they are."""
        topic = TICKER_PREFIX + self._market if self._market else ALL_TICKERS
        self._subscriptions.append(hub.join(self, topic))

    def take(self, text: str) -> None:
        """A message of the topic."""
        ticker = orjson.loads(text)["ticker"]
        self._changed[ticker["market"]] = ticker
        self.touch()

    def emit(self) -> None:
        """What changed since the last time."""
        payloads = [self._payload(ticker) for ticker in self._changed.values()]
        self._changed.clear()
        self.send(payloads[0] if self._market else payloads)
