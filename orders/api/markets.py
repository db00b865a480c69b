"""Markets and market data, for everybody.

Depth, trades and tickers pass on the bytes that the market data process wrote; `cache_s` lets a web process
answer the same question from memory for a moment (accounts/api/lane.py).
"""

from typing import ClassVar

import orjson
from django.http import HttpResponse
from rest_framework.request import Request

from accounts.api import query
from accounts.api.base import PublicView, answer, raw
from accounts.api.openapi import CURSOR, documented
from accounts.api.paging import encode_cursor
from accounts.problems import Problem
from orders import listing, selectors
from orders.api import market_schema as schema
from orders.api import market_shapes as shapes
from orders.marketdata import cache

DEPTH_DEFAULT = 100
DEPTH_MAX = 5_000
RECENT_TRADES_MAX = 200
TRADES_DEFAULT = 50
CANDLES_DEFAULT = 500


class MarketsView(PublicView):
    """/markets"""

    cache_s: ClassVar = 0.25

    @documented("List markets", answer=schema.MarketList, tags=["markets"], operation="markets_list")
    def get(self, request: Request) -> HttpResponse:
        """With their rules and states."""
        query.read_query(request, {})
        return answer({"markets": [shapes.market_json(market) for market in selectors.list_markets()]})


class MarketView(PublicView):
    """/markets/{symbol}"""

    cache_s: ClassVar = 0.25

    @documented("Fetch a market", answer=schema.Market, tags=["markets"])
    def get(self, request: Request, symbol: str) -> HttpResponse:
        """Its rules and state."""
        query.read_query(request, {})
        return answer(shapes.market_json(selectors.get_market(symbol=listing.by_symbol(symbol).symbol)))


class DepthView(PublicView):
    """/markets/{symbol}/depth"""

    cache_s: ClassVar = 0.05

    @documented("The order book", answer=schema.Depth, parameters=[schema.DEPTH_LIMIT], tags=["markets"])
    def get(self, request: Request, symbol: str) -> HttpResponse:
        """Price levels, best first. `sequence` is where the socket's updates go on."""
        asked = query.read_query(request, {"limit": query.integer(1, DEPTH_MAX)})
        market = listing.by_symbol(symbol)
        body = cache.read_depth(market.symbol, asked["limit"] or DEPTH_DEFAULT)
        if body is None:
            raise Problem("unavailable", "market data has not been published yet")
        return raw(body)


class TradesView(PublicView):
    """/markets/{symbol}/trades"""

    cache_s: ClassVar = 0.05

    @documented("Public trades", answer=schema.TradePage, parameters=[schema.TRADE_LIMIT, CURSOR], tags=["markets"])
    def get(self, request: Request, symbol: str) -> HttpResponse:
        """Newest first. The latest come from memory; with `cursor` older ones from the database."""
        asked = query.read_query(request, {"limit": query.limit, "cursor": query.cursor})
        market = listing.by_symbol(symbol)
        limit = asked["limit"] or TRADES_DEFAULT
        if asked["cursor"] is None and limit <= RECENT_TRADES_MAX:
            recent = orjson.loads(cache.read_trades(market.symbol, limit))
            if len(recent) == limit:
                return answer({"trades": recent, "next_cursor": encode_cursor(recent[-1]["id"])})
        rows = selectors.trades(market_id=market.id, before_number=asked["cursor"], limit=limit)
        more = encode_cursor(rows[-1].number) if len(rows) == limit else None
        return answer({"trades": [shapes.trade_json(row, market) for row in rows], "next_cursor": more})


class CandlesView(PublicView):
    """/markets/{symbol}/candles"""

    cache_s: ClassVar = 0.25

    @documented(
        "Candles", answer=schema.CandleList, tags=["markets"],
        parameters=[schema.INTERVAL, schema.START, schema.END, schema.CANDLE_LIMIT],
    )  # fmt: skip
    def get(self, request: Request, symbol: str) -> HttpResponse:
        """Rising by time; of a longer span the newest. An interval without a trade has no candle."""
        asked = query.read_query(
            request,
            {
                "interval": query.one_of(selectors.INTERVALS), "start": query.time_ms, "end": query.time_ms,
                "limit": query.integer(1, 1000),
            },
        )  # fmt: skip
        market = listing.by_symbol(symbol)
        interval_s = asked["interval"] or selectors.INTERVALS["1m"]
        candles = selectors.candles(
            market_id=market.id, interval_s=interval_s, start_us=_us(asked["start"]), end_us=_us(asked["end"]),
            limit=asked["limit"] or CANDLES_DEFAULT,
        )  # fmt: skip
        return answer({"candles": [shapes.candle_json(candle, market) for candle in candles]})


class TickerView(PublicView):
    """/markets/{symbol}/ticker"""

    cache_s: ClassVar = 0.05

    @documented("The last 24 hours", answer=schema.Ticker, tags=["markets"])
    def get(self, request: Request, symbol: str) -> HttpResponse:
        """With the best bid and ask."""
        query.read_query(request, {})
        body = cache.read_ticker(listing.by_symbol(symbol).symbol)
        if body is None:
            raise Problem("unavailable", "market data has not been published yet")
        return raw(body)


class TickersView(PublicView):
    """/tickers"""

    cache_s: ClassVar = 0.05

    @documented("The last 24 hours of all markets", answer=schema.TickerList, tags=["markets"])
    def get(self, request: Request) -> HttpResponse:
        """By the order of /markets."""
        query.read_query(request, {})
        symbols = [market.symbol for market in listing.all_markets()]
        return raw(b'{"tickers":' + cache.read_tickers(symbols) + b"}")


def _us(time_ms: int | None) -> int | None:
    return None if time_ms is None else time_ms * 1_000
