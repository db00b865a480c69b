"""Probes of ccxt.pro: markets over streams. Each gets the Trading of its test, in an event loop."""

import asyncio
import threading
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from tests.clients.conftest import ASK, BID, SYMBOL
from tests.clients.probes import SOCKETS, probe
from tests.clients.rest_probes import Desk
from tests.clients.venue import watched, watching
from tests.patience import PATIENCE_S

OTHER = "ETH/USDT"


@dataclass
class Trading(Desk):
    """The desk with one more client of the trader's: ccxt.pro.binance."""

    client: Any

    async def act(self, call: Any, *arguments: Any) -> Any:
        """A call of a blocking client, beside the loop."""
        return await asyncio.to_thread(call, *arguments)

    async def while_buying(self, watching: Awaitable[Any], size: float = 0.001) -> Any:
        """What is watched for, while the trader buys again and again: the first buys may come before the stream."""
        ended = threading.Event()

        def buy() -> None:
            while not ended.is_set():
                self.buys(size)
                ended.wait(0.1)

        buying = asyncio.create_task(asyncio.to_thread(buy))
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await watching
        finally:
            ended.set()
            await buying


@probe(SOCKETS, "@depth@100ms with GET depth", "watchOrderBook", "unWatchOrderBook")
async def order_book(trading: Trading) -> None:
    client = trading.client

    async with watching(lambda: client.watch_order_book(SYMBOL)) as watch:

        async def shows(bids: list[list[float]]) -> None:
            await watch.until(lambda book: book["bids"][: len(bids)] == bids, bids)

        await shows([[BID, 1]])
        placed = await trading.act(trading.bids, 59_950, 0.25)
        await shows([[59_950, 0.25], [BID, 1]])
        await trading.act(trading.trader.cancel_order, placed["id"], SYMBOL)
        await shows([[BID, 1]])
    await client.un_watch_order_book(SYMBOL)
    assert SYMBOL not in client.orderbooks


@probe(SOCKETS, "@depth@100ms with GET depth", "watchOrderBookForSymbols", "unWatchOrderBookForSymbols")
async def order_books(trading: Trading) -> None:
    symbols = [SYMBOL, OTHER]
    await watched(
        lambda: trading.client.watch_order_book_for_symbols(symbols),
        lambda book: book["symbol"] == SYMBOL and book["asks"][:1] == [[ASK, 1]],
        SYMBOL,
    )
    await trading.client.un_watch_order_book_for_symbols(symbols)
    assert trading.client.orderbooks == {}


@probe(SOCKETS, "@trade", "watchTrades", "unWatchTrades")
async def trades(trading: Trading) -> None:
    found = await trading.while_buying(
        watched(
            lambda: trading.client.watch_trades(SYMBOL), lambda found: found[-1]["amount"] == 0.003, "one of the buys"
        ),
        0.003,
    )
    assert (found[-1]["symbol"], found[-1]["price"], found[-1]["amount"]) == (SYMBOL, ASK, 0.003)
    assert found[-1]["side"] == "buy"
    await trading.client.un_watch_trades(SYMBOL)


@probe(SOCKETS, "@trade", "watchTradesForSymbols", "unWatchTradesForSymbols")
async def trades_for_symbols(trading: Trading) -> None:
    symbols = [SYMBOL, OTHER]
    found = await trading.while_buying(trading.client.watch_trades_for_symbols(symbols))
    assert found[-1]["symbol"] == SYMBOL
    await trading.client.un_watch_trades_for_symbols(symbols)


@probe(SOCKETS, "@kline_<interval>", "watchOHLCV", "unWatchOHLCV")
async def candles(trading: Trading) -> None:
    # The first one that comes may have begun just now, and have no trade.
    found = await trading.while_buying(
        watched(lambda: trading.client.watch_ohlcv(SYMBOL, "1m"), lambda found: found[-1][5] > 0, "a candle")
    )
    opened, _, high, low, last, volume = found[-1]
    assert (opened % 60_000, last) == (0, ASK)
    assert low <= last <= high
    assert volume > 0
    await trading.client.un_watch_ohlcv(SYMBOL, "1m")


@probe(SOCKETS, "@kline_<interval>", "watchOHLCVForSymbols", "unWatchOHLCVForSymbols")
async def candles_for_symbols(trading: Trading) -> None:
    wanted = [[SYMBOL, "1m"], [SYMBOL, "1h"]]
    # Each answer has the one that changed.
    for timeframe in ("1m", "1h"):
        found = await trading.while_buying(
            watched(
                lambda: trading.client.watch_ohlcv_for_symbols(wanted),
                lambda found, timeframe=timeframe: timeframe in found[SYMBOL],
                timeframe,
            )
        )
        assert found[SYMBOL][timeframe][-1][4] == ASK
    await trading.client.un_watch_ohlcv_for_symbols(wanted)


@probe(SOCKETS, "@miniTicker", "watchTicker", "unWatchTicker")
async def ticker(trading: Trading) -> None:
    found = await trading.while_buying(
        watched(lambda: trading.client.watch_ticker(SYMBOL), lambda ticker: ticker["last"] == ASK, "the last price")
    )
    assert found["baseVolume"] > 0
    await trading.client.un_watch_ticker(SYMBOL)


@probe(SOCKETS, "!miniTicker@arr, @ticker", "watchTickers", "unWatchTickers")
async def tickers(trading: Trading) -> None:
    client = trading.client
    await trading.while_buying(
        watched(client.watch_tickers, lambda found: found.get(SYMBOL, {}).get("last") == ASK, SYMBOL)
    )
    found = await trading.while_buying(
        watched(
            lambda: client.watch_tickers([SYMBOL], {"name": "ticker"}),
            lambda found: (found[SYMBOL]["bid"], found[SYMBOL]["ask"]) == (BID, ASK),
            "the full ticker",
        )
    )
    assert found[SYMBOL]["last"] == ASK
    await client.un_watch_tickers([SYMBOL], {"name": "ticker"})


@probe(SOCKETS, "@bookTicker", "watchBidsAsks", "unWatchBidsAsks")
async def bids_asks(trading: Trading) -> None:
    client = trading.client
    found = await trading.while_buying(
        watched(
            lambda: client.watch_bids_asks([SYMBOL]),
            lambda found: (found[SYMBOL]["bid"], found[SYMBOL]["ask"]) == (BID, ASK),
            "the best prices",
        )
    )
    assert 0 < found[SYMBOL]["askVolume"] <= 1
    await client.un_watch_bids_asks([SYMBOL])
