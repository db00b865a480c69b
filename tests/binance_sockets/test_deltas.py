"""Whatever the hub brings and whenever a client comes: a client that does as it is told has the exchange's book."""

from dataclasses import dataclass, field
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.binance.sockets.depth import Deltas
from orders.binance.sockets.mirror import Mirror
from orders.sockets.topics import Subscription


class ByHand(Deltas):
    """Deltas that go out when the test says so."""

    def touch(self) -> None:
        self.is_due = True


@dataclass
class Exchange:
    """The book as market data knows it, and what it publishes."""

    sequence: int = 0
    book: dict[tuple[str, int], int] = field(default_factory=dict)

    def change(self, changes: list[tuple[str, int, int]], idle: int) -> tuple[int, int, str]:
        """A message of the book's topic: sizes of levels change, after `idle` commands that touched nothing."""
        prev = self.sequence
        self.sequence += 1 + idle
        for side, price, size in changes:
            self.book.pop((side, price), None)
            if size:
                self.book[side, price] = size
        shown: dict[str, Any] = {"bids": [], "asks": []}
        for (side, price), size in {(side, price): size for side, price, size in changes}.items():
            shown[side].append([str(price), str(size)])
        text = orjson.dumps({"type": "update", "last": self.sequence, **shown}).decode()
        return prev, self.sequence, text

    def snapshot(self) -> str:
        shown: dict[str, Any] = {"bids": [], "asks": []}
        for (side, price), size in self.book.items():
            shown[side].append([str(price), str(size)])
        return orjson.dumps({"type": "snapshot", "sequence": self.sequence, **shown}).decode()


class Client:
    """Follows Binance's procedure."""

    is_combined = False

    def __init__(self) -> None:
        self.buffer: list[dict[str, Any]] = []
        self.book: dict[tuple[str, int], int] | None = None
        self.position = 0
        self.is_first = True

    def push(self, text: str) -> None:
        delta = orjson.loads(text)
        if self.book is None:
            self.buffer.append(delta)
        else:
            self.apply(delta)

    def take_snapshot(self, exchange: Exchange) -> None:
        if self.book is None:
            self.book, self.position = dict(exchange.book), exchange.sequence
            for delta in self.buffer:
                self.apply(delta)

    def apply(self, delta: dict[str, Any]) -> None:
        assert self.book is not None
        if delta["u"] <= self.position:
            return
        if self.is_first:
            assert delta["U"] <= self.position + 1 <= delta["u"]
        else:
            assert delta["U"] == self.position + 1
        self.is_first = False
        for side, name in (("bids", "b"), ("asks", "a")):
            for price, size in delta[name]:
                assert size.endswith(".00000000")
                key = (side, int(price.partition(".")[0]))
                self.book.pop(key, None)
                if size != "0.00000000":
                    self.book[key] = int(size.partition(".")[0])
        self.position = delta["u"]


CHANGE = st.tuples(st.sampled_from(("bids", "asks")), st.integers(1, 6), st.integers(0, 3))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.lists(CHANGE, min_size=1, max_size=4), st.integers(0, 3)),
        st.tuples(st.just("tick")),
        st.tuples(st.just("join")),
        st.tuples(st.just("ask")),
        # The process loses touch with Redis for some changes, and gets a snapshot.
        st.tuples(st.just("lost"), st.lists(st.lists(CHANGE, min_size=1, max_size=4), max_size=3)),
    ),
    max_size=40,
)


@settings(max_examples=400, deadline=None)
@given(STEPS)
def test_every_client_has_the_book(steps: list[tuple[Any, ...]]) -> None:
    exchange, mirror = Exchange(), Mirror()
    # The hub's own subscription, which drops what is old and holds what comes before the snapshot.
    subscription = Subscription(mirror, "topic")
    stream = ByHand("x@depth", 0, "X", mirror)
    mirror.add(stream)
    clients: list[Client] = []
    subscription.begin(0, exchange.snapshot())

    def tick() -> None:
        if getattr(stream, "is_due", False):
            stream.is_due = False
            stream.emit()

    for step in steps:
        if step[0] == "change":
            assert subscription.hear(*exchange.change(step[1], step[2]))
        elif step[0] == "tick":
            tick()
        elif step[0] == "join":
            clients.append(Client())
            stream.add(clients[-1])
        elif step[0] == "ask":
            for client in clients:
                client.take_snapshot(exchange)
        else:
            for changes in step[1]:
                exchange.change(changes, 0)
            subscription.restart()
            subscription.begin(exchange.sequence, exchange.snapshot())
    tick()
    for client in clients:
        client.take_snapshot(exchange)
        assert client.book == exchange.book
        assert client.position == exchange.sequence
    assert mirror.position == exchange.sequence
