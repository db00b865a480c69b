"""A blocking socket client for tests: replies by id, messages by channel, whatever order they come in."""

import importlib.util
import itertools
import json
import time
from collections import deque
from pathlib import Path
from types import ModuleType
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from accounts.signing import SOCKET_METHOD, SOCKET_PATH, sign
from tests.patience import PATIENCE_S


def load_example(name: str) -> ModuleType:
    """An example of docs/examples as a module, so that the tests run what the docs show."""
    path = Path(__file__).resolve().parents[2] / "docs" / "examples" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Book = load_example("book_keeper").Book


class Client:
    """One socket. `messages` holds what came and nobody asked for yet."""

    def __init__(self, url: str, **options: Any) -> None:
        # Its own library must not hang up on a server that is slow, nor stop to read while a test does.
        usual = {"max_size": None, "max_queue": None, "ping_interval": None, "open_timeout": PATIENCE_S}
        self.socket: ClientConnection = connect(url, **(usual | options))
        self.messages: deque[dict[str, Any]] = deque()
        self._ids = itertools.count(1)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, op: str, **members: Any) -> Any:
        """Send a request; its id."""
        id = members.pop("id", None) or next(self._ids)
        self.socket.send(json.dumps({"op": op, "id": id, **members}))
        return id

    def ask(self, op: str, **members: Any) -> dict[str, Any]:
        """Send a request and wait for its reply."""
        id = self.send(op, **members)
        return self.expect(lambda message: "status" in message and message["id"] == id)

    def ok(self, op: str, **members: Any) -> Any:
        """The result of a request that must go well."""
        reply = self.ask(op, **members)
        assert reply["status"] == "ok", reply
        return reply["result"]

    def code(self, op: str, **members: Any) -> str:
        """The error code of a request that must fail."""
        reply = self.ask(op, **members)
        assert reply["status"] == "error", reply
        return reply["error"]["code"]

    def order(self, op: str, **params: Any) -> dict[str, Any]:
        """ask("order.place", params=…)."""
        return self.ask(f"order.{op}", params=params)

    def auth(self, account: dict[str, Any]) -> Any:
        """Sign in with what demo_account printed."""
        while True:
            timestamp = time.time_ns() // 1_000_000
            signature = sign(account["secret"], timestamp, SOCKET_METHOD, SOCKET_PATH)
            reply = self.ask("auth", key=account["key"], timestamp=timestamp, sign=signature)
            if reply["status"] == "ok":
                return reply["result"]
            # Another socket of the account signed in within the same millisecond, or Redis was restarted just now.
            assert reply["error"]["code"] in ("signature_replayed", "signature_stale"), reply
            time.sleep(0.1)

    def receive(self, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """The next message that came, whatever it is."""
        return json.loads(self.socket.recv(timeout=patience_s))

    def expect(self, wanted: Any, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """The first message, kept or new, for which `wanted` holds; the others are kept."""
        for message in list(self.messages):
            if wanted(message):
                self.messages.remove(message)
                return message
        deadline = time.monotonic() + patience_s
        while True:
            message = self.receive(max(0.01, deadline - time.monotonic()))
            if wanted(message):
                return message
            self.messages.append(message)

    def on(self, channel: str, kind: str | None = None, wanted: Any = lambda _: True) -> dict[str, Any]:
        """The first message of a channel, of a kind, for which `wanted` holds."""
        return self.expect(
            lambda message: (
                message.get("channel") == channel and (kind is None or message["type"] == kind) and wanted(message)
            )
        )

    def closed(self) -> tuple[int, str]:
        """Wait until the server closes; code and reason."""
        try:
            while True:
                self.receive()
        except ConnectionClosed as error:
            assert error.rcvd is not None, error
            return error.rcvd.code, error.rcvd.reason


class BookClient:
    """A socket that keeps one market's book as docs/examples/book_keeper.py does, and reconnects when told to."""

    def __init__(self, url: str, market: str) -> None:
        self._url, self._market = url, market
        self.book = Book()
        self.snapshots = self.updates = 0
        self.client: Client | None = None

    def connect(self) -> "BookClient":
        """Begin anew from a snapshot."""
        self.close()
        self.book = Book()
        self.client = Client(self._url)
        self.client.ok("subscribe", channel="book", market=self._market)
        while self.book.position < 0:
            self.step()
        return self

    def step(self, patience_s: float = PATIENCE_S) -> None:
        """Take one message. Raises the example's Gap, TimeoutError, ConnectionClosed."""
        assert self.client is not None
        message = self.client.messages.popleft() if self.client.messages else self.client.receive(patience_s)
        if message.get("channel") == "book":
            self.snapshots += message["type"] == "snapshot"
            self.updates += message["type"] == "update"
            self.book.apply(message)

    def reach(self, position: int, patience_s: float = PATIENCE_S) -> None:
        """Take messages until the book is at `position` or later."""
        deadline = time.monotonic() + patience_s
        while self.book.position < position:
            self.step(max(0.01, deadline - time.monotonic()))

    def close(self) -> None:
        """Hang up."""
        if self.client is not None:
            self.client.socket.close()
            self.client = None
