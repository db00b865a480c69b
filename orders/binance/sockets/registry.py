"""All market streams of this process: made when the first socket asks, gone with the last."""

import logging
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from orders import listing
from orders.binance import intervals, klines, reads
from orders.binance.sockets.depth import BestLevels, BestPrices, BookStream, Deltas
from orders.binance.sockets.klines import Klines
from orders.binance.sockets.merged_klines import MergedKlines
from orders.binance.sockets.mirror import Mirror
from orders.binance.sockets.names import StreamName
from orders.binance.sockets.stream import Hearer, Stream
from orders.binance.sockets.tickers import Tickers, symbol_of
from orders.binance.sockets.trades import Trades
from orders.marketdata import names
from orders.sockets.server import Server
from orders.sockets.topics import Subscription

log = logging.getLogger(__name__)

_registries: "WeakKeyDictionary[Server, Registry]" = WeakKeyDictionary()


def registry_of(server: Server) -> "Registry":
    """The streams of a server."""
    found = _registries.get(server)
    if found is None:
        found = _registries[server] = Registry(server)
    return found


class Registry:
    """Streams by name, and the mirrors of the books that some of them share."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._hub = server.hub
        self._streams: dict[str, Stream] = {}
        self._mirrors: dict[str, tuple[Mirror, Subscription]] = {}

    async def market_of(self, symbol: str) -> str | None:
        """BTC-USDT of btcusdt; None if there is no such market. Empty for all markets."""
        if not symbol:
            return ""
        market = self._find(symbol)
        if market is None:
            # It may have been listed a moment ago.
            await self._hub.refresh_markets()
            market = self._find(symbol)
        return market

    def _find(self, symbol: str) -> str | None:
        return next((market for market in self._hub.markets() if symbol_of(market).lower() == symbol), None)

    def join(self, name: StreamName, market: str, hearer: Hearer) -> None:
        """Let a socket hear a stream."""
        stream = self._streams.get(name.text)
        is_new = stream is None
        if stream is None:
            stream = self._streams[name.text] = self._make(name, market)
        stream.add(hearer)
        if is_new:
            stream.open(self._hub)

    def leave(self, text: str, hearer: Hearer) -> None:
        """The reverse."""
        stream = self._streams[text]
        if not stream.remove(hearer):
            return
        del self._streams[text]
        stream.close(self._hub)
        if isinstance(stream, BookStream) and stream.mirror.remove(stream):
            for market, (mirror, subscription) in list(self._mirrors.items()):
                if mirror is stream.mirror:
                    self._hub.leave(subscription)
                    del self._mirrors[market]

    def _make(self, name: StreamName, market: str) -> Stream:
        symbol = name.symbol.upper()
        if name.kind in ("trade", "aggTrade"):
            return Trades(name.text, symbol, market, is_aggregate=name.kind == "aggTrade")
        if name.kind == "kline":
            return self._klines(name, symbol, market)
        if name.kind in ("ticker", "miniTicker", "avgPrice"):
            return Tickers(name.text, name.period_ms, name.kind, market)
        if name.kind == "bookTicker":
            return BestPrices(name.text, 0, symbol, self._mirror(market))
        if name.kind == "depth" and name.detail:
            return BestLevels(name.text, name.period_ms, symbol, self._mirror(market), int(name.detail))
        return Deltas(name.text, name.period_ms, symbol, self._mirror(market))

    def _klines(self, name: StreamName, symbol: str, market: str) -> Stream:
        interval = name.detail
        if interval not in intervals.MADE_OF:
            return Klines(name.text, symbol, market, interval)

        def load(open_ms: int, landed: Callable[[list[dict[str, Any]] | None], None]) -> None:
            def read() -> list[dict[str, Any]] | None:
                if not reads.catch_up():
                    return None
                listed = listing.by_symbol(market)
                return klines.stored_since(market=listed, interval=interval, open_ms=open_ms)

            async def run() -> None:
                try:
                    rows = await self._server.in_reader(read)
                except Exception:
                    log.warning("candles of %s not read; tried again", name.text, exc_info=True)
                    rows = None
                landed(rows)

            self._hub.spawn(run())

        return MergedKlines(name.text, symbol, market, interval, load=load)

    def _mirror(self, market: str) -> Mirror:
        found = self._mirrors.get(market)
        if found is None:
            mirror = Mirror()
            found = self._mirrors[market] = (mirror, self._hub.join(mirror, names.book_topic(market)))
        return found[0]
