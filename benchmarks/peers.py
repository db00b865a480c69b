"""Matching engines of PyPI behind one interface, fed with the messages of a tape.

None of them knows accounts, balances, holds, fees, client ids, market rules or replay; what each lacks besides is
said beside it. A peer takes order numbers of the tape and keeps what it needs to find its own order again.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

import bourse
import nanobook
from lightmatchingengine.lightmatchingengine import LightMatchingEngine, Side
from loguru import logger
from order_matching.enums import Side as MatchingSide
from order_matching.matching_engine import MatchingEngine
from order_matching.order import LimitOrder
from order_matching.orders import Orders
from pyorderbook import Book, ask, bid

from benchmarks.tapes import AMEND, CANCEL, IOC, NEW, REPLACE, Message

logger.disable("order_matching")


def in_time(messages: Iterable[Message], seconds: float) -> Iterator[Message]:
    """Messages until the time is over."""
    end = time.process_time() + seconds
    return takewhile(lambda _: time.process_time() < end, messages)


class Peer:
    """Plays messages, by `handlers`, or by `traded`, which adds up the lots (not while the clock runs)."""

    name = ""
    language = "Python"
    lacks = ""

    def __init__(self) -> None:
        self.lots = 0
        self.ids: dict[int, Any] = {}
        self.handlers: list[Callable[[Message], Any]] = [lambda _: None] * 5
        self.handlers[NEW] = self.new
        self.handlers[IOC] = self.ioc
        self.handlers[CANCEL] = self.cancel
        self.handlers[AMEND] = self.amend
        self.handlers[REPLACE] = self.replace

    def new(self, message: Message) -> Any:
        raise NotImplementedError

    def ioc(self, message: Message) -> Any:
        raise NotImplementedError

    def cancel(self, message: Message) -> Any:
        raise NotImplementedError

    def amend(self, message: Message) -> Any:
        """Without an amend of its own: cancel, and place under the old number."""
        self.cancel(message)
        return self.new(message._replace(order=message.target))

    def replace(self, message: Message) -> Any:
        """Cancel and place."""
        self.cancel(message)
        return self.new(message)

    def count(self, result: Any) -> int:
        """The lots traded by what a handler returned."""
        raise NotImplementedError

    def traded(self, messages: list[Message], seconds: float) -> tuple[int, int]:
        """Play messages, for so many seconds at most. Gives how many, and the lots they traded."""
        played = lots = 0
        for message in in_time(messages, seconds):
            lots += self.count(self.handlers[message.operation](message))
            played += 1
        return played, lots


class LightMatching(Peer):
    name = "lightmatchingengine"
    lacks = "IOC, amend, O(1) cancel; looks for the best price in all levels"

    def __init__(self) -> None:
        super().__init__()
        self.engine = LightMatchingEngine()

    def new(self, message: Message) -> Any:
        order, trades = self.engine.add_order(
            "BTC", message.price, message.size, Side.SELL if message.side else Side.BUY
        )
        self.ids[message.order] = order.order_id
        return trades

    def ioc(self, message: Message) -> Any:
        order, trades = self.engine.add_order(
            "BTC", message.price, message.size, Side.SELL if message.side else Side.BUY
        )
        if order.leaves_qty:
            self.engine.cancel_order(order.order_id, "BTC")
        return trades

    def cancel(self, message: Message) -> Any:
        self.engine.cancel_order(self.ids[message.target], "BTC")

    def count(self, result: Any) -> int:
        # It reports each side of a trade; the taker's report covers a whole level.
        return sum(trade.trade_qty for trade in result or ()) // 2


class PyOrderBook(Peer):
    name = "pyorderbook"
    lacks = "IOC, amend"

    def __init__(self) -> None:
        super().__init__()
        self.book = Book()

    def new(self, message: Message) -> Any:
        order = (ask if message.side else bid)("BTC", message.price, message.size)
        self.ids[message.order] = order
        return self.book.match(order)

    def ioc(self, message: Message) -> Any:
        order = (ask if message.side else bid)("BTC", message.price, message.size)
        blotter = self.book.match(order)
        if order.quantity:
            self.book.cancel(order)
        return blotter

    def cancel(self, message: Message) -> Any:
        self.book.cancel(self.ids[message.target])

    def count(self, result: Any) -> int:
        return sum(trade.fill_quantity for trade in result.trades) if result else 0


class OrderMatching(Peer):
    name = "order-matching"
    lacks = "IOC, amend, integers; looks for an id in all orders"

    def __init__(self) -> None:
        super().__init__()
        self.engine = MatchingEngine(seed=1)
        self.now = datetime(2026, 1, 1)  # noqa: DTZ001 - the library compares naive times

    def new(self, message: Message) -> Any:
        self.now += timedelta(microseconds=10)
        order = LimitOrder(
            side=MatchingSide.SELL if message.side else MatchingSide.BUY,
            price=float(message.price),
            size=float(message.size),
            timestamp=self.now,
            order_id=str(message.order),
            trader_id="t",
        )
        self.ids[message.order] = order
        self.engine.place(Orders([order]))
        return self.engine.match(self.now)

    def ioc(self, message: Message) -> Any:
        trades = self.new(message)
        if self.ids[message.order].size:
            self.engine.cancel_order(str(message.order))
        return trades

    def cancel(self, message: Message) -> Any:
        self.engine.cancel_order(str(message.target))

    def count(self, result: Any) -> int:
        return int(sum(trade.size for trade in result.trades)) if result else 0


class NanoBook(Peer):
    name = "nanobook"
    language = "Rust"
    lacks = "an amend that keeps the id"

    def __init__(self) -> None:
        super().__init__()
        self.exchange = nanobook.Exchange()

    def new(self, message: Message) -> Any:
        result = self.exchange.submit_limit("sell" if message.side else "buy", message.price, message.size)
        self.ids[message.order] = result.order_id
        return result

    def ioc(self, message: Message) -> Any:
        return self.exchange.submit_limit("sell" if message.side else "buy", message.price, message.size, "ioc")

    def cancel(self, message: Message) -> Any:
        self.exchange.cancel(self.ids[message.target])

    def amend(self, message: Message) -> Any:
        result = self.exchange.modify(self.ids[message.target], message.price, message.size)
        self.ids[message.target] = result.new_order_id
        return result

    def replace(self, message: Message) -> Any:
        result = self.exchange.modify(self.ids[message.target], message.price, message.size)
        self.ids[message.order] = result.new_order_id
        return result

    def count(self, result: Any) -> int:
        return sum(trade.quantity for trade in result.trades) if result else 0


class Bourse(Peer):
    name = "bourse"
    language = "Rust"
    lacks = "IOC"

    def __init__(self) -> None:
        super().__init__()
        self.book = bourse.core.OrderBook(0, True)
        self.time = 0

    def new(self, message: Message) -> Any:
        # Its queues are ordered by time, so every message needs its own.
        self.time += 1
        self.book.set_time(self.time)
        self.ids[message.order] = self.book.place_order(message.side == 0, message.size, 0, price=message.price)

    def ioc(self, message: Message) -> Any:
        self.time += 1
        self.book.set_time(self.time)
        self.book.cancel_order(self.book.place_order(message.side == 0, message.size, 0, price=message.price))

    def cancel(self, message: Message) -> Any:
        self.book.cancel_order(self.ids[message.target])

    def amend(self, message: Message) -> Any:
        self.time += 1
        self.book.set_time(self.time)
        self.book.modify_order(self.ids[message.target], message.price, message.size)

    def traded(self, messages: list[Message], seconds: float) -> tuple[int, int]:
        played = 0
        for message in in_time(messages, seconds):
            self.handlers[message.operation](message)
            played += 1
        return played, sum(trade[3] for trade in self.book.get_trades())


PEERS: list[type[Peer]] = [LightMatching, PyOrderBook, OrderMatching, NanoBook, Bourse]
