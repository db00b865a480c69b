"""What market data sends, encoded once: JSON frames as clients get them, in envelopes that sockets route by.

An envelope is one line of numbers, `prev last length…`, and then the frames of those lengths. `prev` is the position
before, so that a sockets process sees a gap without reading JSON; NO_CHAIN where a message stands for itself.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import orjson

from matching.money import format_atoms
from orders.api.shapes import list_json, order_json
from orders.binance.sockets.reports import events_of as user_events
from orders.marketdata.candles import Candle
from orders.marketdata.fold import AccountChange, BookChange, Fold
from orders.marketdata.market import Market
from orders.marketdata.runs import Run
from orders.marketdata.working import WorkingList, WorkingOrder

NO_CHAIN: Final = -1
# What the quick copy of a book for REST holds of each side.
TOP_LEVELS: Final = 100
# The frame of an account's envelope that has its events.
USER_EVENTS: Final = 4


class Envelope(NamedTuple):
    """A decoded envelope. Trades have two frames: single and aggregate ones; private ones five: orders, fills,
    balances, lists (empty: nothing), and events of the Binance dialect, one a line after the line of their position.
    """

    prev: int
    last: int
    frames: list[bytes]


def seal(prev: int, last: int, *frames: bytes) -> bytes:
    """An envelope as bytes."""
    lengths = " ".join(str(len(frame)) for frame in frames)
    return b"%d %d %b\n%b" % (prev, last, lengths.encode(), b"".join(frames))


def unseal(data: bytes) -> Envelope:
    """What `seal` made."""
    head, _, body = data.partition(b"\n")
    prev, last, *lengths = map(int, head.split())
    frames, start = [], 0
    for length in lengths:
        frames.append(body[start : start + length])
        start += length
    return Envelope(prev, last, frames)


def book_update(change: BookChange, time_ms: int) -> bytes:
    """One delta of the `book` channel."""
    return orjson.dumps(
        {
            "channel": "book",
            "market": change.market.symbol,
            "type": "update",
            "first": change.prev + 1,
            "last": change.last,
            "prev": change.prev,
            "time": time_ms,
            "bids": change.bids,
            "asks": change.asks,
            "checksum": change.checksum,
        }
    )


def book_body(market: Market, time_ms: int, limit: int | None = None) -> bytes:
    """The book as REST shows it, all or the best `limit` levels a side."""
    return orjson.dumps(
        {
            "market": market.symbol,
            "sequence": market.book.last,
            "time": time_ms,
            "bids": market.book.levels(0, limit),
            "asks": market.book.levels(1, limit),
            "checksum": market.book.checksum(),
        }
    )


def book_snapshot(body: bytes) -> bytes:
    """The `book` channel's first message, from `book_body`'s bytes."""
    return b'{"channel":"book","type":"snapshot",' + body[1:]


def trades_message(symbol: str, kind: str, trades: Iterable[bytes]) -> bytes:
    """A message of the `trades` channel from single trades, each encoded before; `kind` is snapshot or update."""
    head = f'{{"channel":"trades","market":"{symbol}","type":"{kind}","trades":['
    return head.encode() + b",".join(trades) + b"]}"


def runs_body(market: Market, runs: Iterable[Run]) -> bytes:
    """The second frame of a trades envelope: its aggregate trades."""
    return orjson.dumps([market.run_json(run) for run in runs])


def candles_message(symbol: str, interval: str, kind: str, candles: Iterable[bytes]) -> bytes:
    """A message of the `candles` channel from candles encoded before."""
    head = f'{{"channel":"candles","market":"{symbol}","interval":"{interval}","type":"{kind}","candles":['
    return head.encode() + b",".join(candles) + b"]}"


def candle_body(market: Market, interval: str, candle: Candle) -> bytes:
    """One candle."""
    return orjson.dumps(market.candle_json(interval, candle))


def ticker_message(symbol: str, kind: str, body: bytes) -> bytes:
    """A message of the `ticker` channel."""
    return f'{{"channel":"ticker","market":"{symbol}","type":"{kind}","ticker":'.encode() + body + b"}"


def account_update(fold: Fold, change: AccountChange) -> bytes:
    """The envelope of one account's change."""
    return seal(
        change.prev,
        change.last,
        _orders("update", change.last, fold, change.orders) if change.orders else b"",
        _private("fills", "update", change.last, change.fills) if change.fills else b"",
        _balances("update", change.last, fold, change.balances) if change.balances else b"",
        _lists("update", change.last, fold, change.lists) if change.lists else b"",
        b"%d\n" % change.last + b"\n".join(map(orjson.dumps, user_events(fold, change))),
    )


def account_snapshot(fold: Fold, account: int) -> bytes:
    """The envelope that begins an account's channels: open orders, no fills, all balances, live lists.

    Its `last` is the account's last change, which the next update names as `prev`.
    """
    now = fold.sequence
    return seal(
        NO_CHAIN,
        fold.account_last.get(account, 0),
        _orders("snapshot", now, fold, fold.orders.of(account)),
        _private("fills", "snapshot", now, []),
        _balances("snapshot", now, fold, fold.balances.of(account)),
        _lists("snapshot", now, fold, fold.orders.lists_of(account)),
        b"=%d" % fold.account_last.get(account, 0),
    )


def _orders(kind: str, sequence: int, fold: Fold, orders: Sequence[WorkingOrder]) -> bytes:
    return _private(
        "orders", kind, sequence, [order_json(order, fold.markets[order.market], order.status) for order in orders]
    )


def _lists(kind: str, sequence: int, fold: Fold, lists: Sequence[WorkingList]) -> bytes:
    shown = [list_json(one, one.legs.items(), fold.markets[one.market]) for one in lists]
    return _private("lists", kind, sequence, shown)


def _balances(kind: str, sequence: int, fold: Fold, balances: Sequence[tuple[int, int, int]]) -> bytes:
    shown = []
    for asset, available, held in balances:
        code, scale = fold.assets[asset]
        shown.append({"asset": code, "available": format_atoms(available, scale), "held": format_atoms(held, scale)})
    return _private("balances", kind, sequence, shown)


def _private(channel: str, kind: str, sequence: int, items: list[Any]) -> bytes:
    return orjson.dumps({"channel": channel, "type": kind, "sequence": sequence, channel: items})
