"""`@trade` and `@aggTrade`. Who traded is nobody's business: no order ids."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby
from typing import Any

import orjson

from orders.binance.sockets.stream import Stream, now_ms, text_of
from orders.marketdata import names
from orders.sockets.hub import Hub

SINGLE, AGGREGATE = 0, 1  # frames of a trades envelope


class Trades(Stream):
    """Trades one by one, or those of one taker order at one price together; each once, whatever the hub repeats."""

    def __init__(self, name: str, symbol: str, market: str, *, is_aggregate: bool) -> None:
        super().__init__(name, 0)
        self._symbol, self._market = symbol, market
        self._frame = AGGREGATE if is_aggregate else SINGLE
        self._seen = -1

    def open(self, hub: Hub) -> None:
        """Begin with the next trade; the hub's snapshot tells only which was the last."""
        self._subscriptions.append(hub.join(self, names.trades_topic(self._market), self._frame))

    def take(self, text: str) -> None:
        """A message of the topic: trades, aggregate trades, or a snapshot of the latest single ones."""
        message = orjson.loads(text)
        if isinstance(message, list):
            items = message
        elif message["type"] == "snapshot" and self._seen < 0:
            self._seen = message["trades"][-1]["id"] if message["trades"] else 0
            return
        else:
            items = message["trades"] if self._frame == SINGLE else list(_runs(message["trades"], self._seen))
        for item in items:
            last = item.get("last", item["id"])
            if last > self._seen:
                self._seen = last
                self.send(self._payload(item))

    def _payload(self, item: dict[str, Any]) -> dict[str, Any]:
        payload = {
            "e": "trade" if self._frame == SINGLE else "aggTrade",
            "E": now_ms(),
            "s": self._symbol,
            "p": text_of(item["price"]),
            "q": text_of(item["size"]),
            "T": item["time"],
            # The buyer was the maker if the taker sold.
            "m": item["side"] == "sell",
            "M": True,
        }
        if self._frame == SINGLE:
            return payload | {"t": item["id"]}
        return payload | {"a": item["id"], "f": item["id"], "l": item["last"]}


def _runs(trades: list[dict[str, Any]], seen: int) -> Iterator[dict[str, Any]]:
    """Trades that were missed, as aggregate ones: those of one command and price are taken for one order's."""
    missed = (trade for trade in trades if trade["id"] > seen)
    for _, group in groupby(missed, key=lambda trade: (trade["sequence"], trade["price"], trade["side"])):
        run = list(group)
        yield run[0] | {"last": run[-1]["id"], "size": _sum(trade["size"] for trade in run)}


def _sum(sizes: Iterator[str]) -> str:
    total = sum(map(Decimal, sizes), Decimal())
    return format(total.normalize(), "f")
