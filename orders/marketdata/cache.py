"""What REST reads of market data: bytes as the market data process stored them. None: nothing stored (yet)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import orjson
import redis

from accounts import redis_client
from orders.marketdata import frames, names
from orders.marketdata.frames import TOP_LEVELS


def read_depth(symbol: str, limit: int | None = None) -> bytes | None:
    """A book as JSON: market, sequence, time, bids, asks, checksum; at most `limit` levels a side, None for all."""
    is_top = limit is not None and limit <= TOP_LEVELS
    stored: Any = _client().get(names.book_top(symbol) if is_top else names.book(symbol))
    if stored is None or limit is None or limit == TOP_LEVELS:
        return stored
    return _cut(stored, limit)


def read_fresh_depth(symbol: str, limit: int) -> bytes | None:
    """As read_depth, but with the updates since the book was stored: exactly what the sockets have sent.

    Who puts together a snapshot from here and deltas from a socket needs a snapshot that is no older.
    """
    if limit <= TOP_LEVELS:
        with _client().pipeline(transaction=True) as pipeline:
            pipeline.get(names.book_top(symbol))
            pipeline.exists(names.book_tail(symbol))
            top, has_tail = pipeline.execute()
        if not has_tail:
            return None if top is None else _cut(top, limit)
        # Levels that move up into the best ones are only in the whole book.
    with _client().pipeline(transaction=True) as pipeline:
        pipeline.get(names.book(symbol))
        pipeline.lrange(names.book_tail(symbol), 0, -1)
        stored, tail = pipeline.execute()
    if stored is None:
        return None
    if not tail:
        return _cut(stored, limit)
    book = orjson.loads(stored)
    for envelope in map(frames.unseal, tail):
        update = orjson.loads(envelope.frames[0])
        book["sequence"], book["time"], book["checksum"] = envelope.last, update["time"], update["checksum"]
        book["bids"] += update["bids"]
        book["asks"] += update["asks"]
    for side in ("bids", "asks"):
        # Later sizes of a price replace earlier ones.
        levels = [[price, size] for price, size in dict(book[side]).items() if size != "0"]
        levels.sort(key=lambda level: Decimal(level[0]), reverse=side == "bids")
        book[side] = levels[:limit]
    return orjson.dumps(book)


def _cut(stored: bytes, limit: int) -> bytes:
    book = orjson.loads(stored)
    if len(book["bids"]) <= limit and len(book["asks"]) <= limit:
        return stored
    book["bids"], book["asks"] = book["bids"][:limit], book["asks"][:limit]
    return orjson.dumps(book)


def read_ticker(symbol: str) -> bytes | None:
    """A market's ticker as JSON."""
    stored: Any = _client().get(names.ticker(symbol))
    return stored


def read_tickers(symbols: Sequence[str]) -> bytes:
    """A JSON array of the tickers of these markets, in this order, those that are stored."""
    if not symbols:
        return b"[]"
    stored: Any = _client().mget([names.ticker(symbol) for symbol in symbols])
    return b"[" + b",".join(body for body in stored if body is not None) + b"]"


def read_trades(symbol: str, limit: int = 50) -> bytes:
    """A JSON array of the latest trades, newest first, at most 200."""
    if limit < 1:
        return b"[]"
    stored: Any = _client().lrange(names.trades(symbol), 0, limit - 1)
    return b"[" + b",".join(stored) + b"]"


def read_sequence() -> int:
    """The last sequence that market data has published; 0 for none."""
    stored: Any = _client().get(names.SEQUENCE)
    return int(stored or 0)


def _client() -> redis.Redis:
    return redis_client.get()
