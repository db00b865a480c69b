"""Blocking clients of the dialect's market sockets, and a book kept as Binance tells its users to keep it."""

import itertools
import json
import re
import time
import urllib.request
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.patience import PATIENCE_S
from tests.stack import Stack

_PADDED = re.compile(r'"(-?[0-9]+)\.([0-9]{8,})"')
Message = dict[str, Any]


def _unpadded(amount: re.Match[str]) -> str:
    decimals = amount[2].rstrip("0")
    return f'"{amount[1]}.{decimals}"' if decimals else f'"{amount[1]}"'


class MarketClient:
    """One socket at a path like "/ws" or "/stream?streams=btcusdt@trade"; keeps what came and nobody asked for yet."""

    def __init__(self, stack: Stack, path: str = "/ws") -> None:
        url = f"ws://127.0.0.1:{stack.socket_port}{path}"
        self.socket: ClientConnection = connect(
            url, max_size=None, max_queue=None, ping_interval=None, open_timeout=PATIENCE_S
        )
        self.kept: list[Any] = []
        self._ids = itertools.count(1)

    def __enter__(self) -> "MarketClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, message: Any) -> None:
        """Send anything as JSON."""
        self.socket.send(json.dumps(message))

    def ask(self, method: str, params: Any = None, **members: Any) -> Message:
        """Send a request and wait for its reply."""
        id = members.pop("id", None) or next(self._ids)
        self.send({"method": method, "id": id} | ({} if params is None else {"params": params}) | members)
        return self.expect(lambda message: isinstance(message, dict) and "id" in message and message["id"] == id)

    def subscribe(self, *names: str) -> None:
        """SUBSCRIBE, which must go well."""
        reply = self.ask("SUBSCRIBE", list(names))
        assert reply["result"] is None, reply

    def receive(self, patience_s: float = PATIENCE_S) -> Any:
        """The next message, whatever it is, its amounts without the zeros that pad them."""
        return json.loads(_PADDED.sub(_unpadded, self.socket.recv(timeout=patience_s)))

    def expect(self, wanted: Callable[[Any], bool], patience_s: float = PATIENCE_S) -> Any:
        """The first message, kept or new, for which `wanted` holds; the others are kept."""
        for message in self.kept:
            if wanted(message):
                self.kept.remove(message)
                return message
        deadline = time.monotonic() + patience_s
        while True:
            message = self.receive(max(0.01, deadline - time.monotonic()))
            if wanted(message):
                return message
            self.kept.append(message)

    def event(self, kind: str, wanted: Callable[[Any], bool] = lambda _: True) -> Any:
        """The first event of a kind, for which `wanted` holds."""
        return self.expect(lambda message: isinstance(message, dict) and message.get("e") == kind and wanted(message))

    def closed(self) -> tuple[int, str]:
        """Wait until the server closes; code and reason."""
        try:
            while True:
                self.receive()
        except ConnectionClosed as error:
            assert error.rcvd is not None, error
            return error.rcvd.code, error.rcvd.reason


class OutOfStep(Exception):
    """A delta does not follow: a hole that the exchange must never make on a living connection."""


class BookFollower:
    """Keeps a book: buffer the deltas, take the REST snapshot, drop what it has, then each U is the last u plus one."""

    def __init__(self, stack: Stack, stream: str = "btcusdt@depth@100ms") -> None:
        self._stack, self._stream = stack, stream
        self._symbol = stream.partition("@")[0].upper()
        self.client: MarketClient | None = None
        self.sides: tuple[dict[str, str], dict[str, str]] = ({}, {})
        self.position = -1
        self.deltas = self.connects = 0
        self._is_first = True

    def connect(self) -> "BookFollower":
        """Begin anew, as after any disconnect."""
        self.close()
        self.client = MarketClient(self._stack, f"/ws/{self._stream}")
        self.connects += 1
        while True:
            buffered = [self.client.event("depthUpdate")]
            snapshot = self._snapshot()
            if snapshot["lastUpdateId"] >= buffered[0]["U"] - 1:
                break
        self.sides = (dict(snapshot["bids"]), dict(snapshot["asks"]))
        self.position = snapshot["lastUpdateId"]
        self._is_first = True
        for delta in buffered:
            self._apply(delta)
        return self

    def _snapshot(self) -> Message:
        url = f"{self._stack.base_url}/api/v3/depth?symbol={self._symbol}&limit=5000"
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            return json.loads(_PADDED.sub(_unpadded, answer.read().decode()))

    def step(self, patience_s: float = PATIENCE_S) -> None:
        """Take one delta. Raises OutOfStep, TimeoutError, ConnectionClosed."""
        assert self.client is not None
        self._apply(self.client.receive(patience_s))

    def _apply(self, delta: Message) -> None:
        if delta["u"] <= self.position:
            return
        follows = delta["U"] <= self.position + 1 if self._is_first else delta["U"] == self.position + 1
        if not follows:
            raise OutOfStep(f"after {self.position} came {delta['U']} to {delta['u']}")
        self._is_first = False
        for side, levels in zip(self.sides, (delta["b"], delta["a"]), strict=True):
            for price, size in levels:
                if Decimal(size) == 0:
                    side.pop(price, None)
                else:
                    side[price] = size
        self.position = delta["u"]
        self.deltas += 1

    def reach(self, position: int, patience_s: float = PATIENCE_S) -> None:
        """Take deltas until the book is at `position` or later."""
        deadline = time.monotonic() + patience_s
        while self.position < position:
            self.step(max(0.01, deadline - time.monotonic()))

    def best(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Both sides, best first."""
        bids, asks = (list(side.items()) for side in self.sides)
        return sorted(bids, key=lambda level: -Decimal(level[0])), sorted(asks, key=lambda level: Decimal(level[0]))

    def close(self) -> None:
        """Hang up."""
        if self.client is not None:
            self.client.socket.close()
            self.client = None
