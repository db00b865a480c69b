"""A blocking client of /ws-api/v3 that signs as the dialect's clients do."""

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.patience import PATIENCE_S
from tests.stack import Stack

Message = dict[str, Any]


def signed(params: Message, account: Message, **more: Any) -> Message:
    """The parameters with key, time and HMAC signature over them, sorted."""
    whole = {"timestamp": time.time_ns() // 1_000_000, "apiKey": account["key"], **params, **more}
    return whole | {"signature": hmac_of(whole, account["secret"])}


def text_to_sign(params: Message) -> str:
    """name=value&… by name."""
    return "&".join(f"{name}={_text(value)}" for name, value in sorted(params.items()))


def hmac_of(params: Message, secret: str) -> str:
    """The HMAC signature of parameters."""
    return hmac.new(secret.encode(), text_to_sign(params).encode(), hashlib.sha256).hexdigest()


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class ApiClient:
    """One socket; `events` holds the user events that came, each with its subscription."""

    def __init__(self, stack: Stack, account: Message | None = None) -> None:
        url = f"ws://127.0.0.1:{stack.socket_port}/ws-api/v3"
        self.socket: ClientConnection = connect(
            url, max_size=None, max_queue=None, ping_interval=None, open_timeout=PATIENCE_S
        )
        self.account = account
        self.events: list[Message] = []
        self._ids = (f"request-{number}" for number in itertools.count(1))

    def __enter__(self) -> "ApiClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, method: str, params: Message | None = None, **members: Any) -> Message:
        """Send a request and wait for its answer."""
        id = members.pop("id", None) or next(self._ids)
        self.socket.send(json.dumps({"id": id, "method": method, **({"params": params} if params else {}), **members}))
        while True:
            message = self.receive()
            if "event" not in message:
                assert message["id"] == id, message
                return message

    def signed(self, method: str, **params: Any) -> Message:
        """Send a signed request and wait for its answer."""
        assert self.account is not None
        return self.ask(method, signed(params, self.account))

    def ok(self, method: str, **params: Any) -> Any:
        """The result of a signed request that must go well."""
        answer = self.signed(method, **params)
        assert answer["status"] == 200, answer
        return answer["result"]

    def code(self, method: str, **params: Any) -> int:
        """The error code of a signed request that must fail."""
        answer = self.signed(method, **params)
        assert answer["status"] >= 400 and "result" not in answer and answer["error"]["msg"], answer
        return answer["error"]["code"]

    def receive(self, patience_s: float = PATIENCE_S) -> Message:
        """The next message; events are kept as well."""
        message = json.loads(self.socket.recv(timeout=patience_s))
        if "event" in message:
            self.events.append(message)
        return message

    def until(self, wanted: Callable[[Message], bool], patience_s: float = PATIENCE_S) -> list[Message]:
        """The events up to the first for which `wanted` holds; they are taken out of `events`."""
        deadline = time.monotonic() + patience_s
        while True:
            for at, message in enumerate(self.events):
                if wanted(message["event"]):
                    found, self.events = self.events[: at + 1], self.events[at + 1 :]
                    return [one["event"] for one in found]
            self.receive(max(0.01, deadline - time.monotonic()))

    def closed(self) -> tuple[int, str]:
        """Wait until the server closes; code and reason."""
        try:
            while True:
                self.receive()
        except ConnectionClosed as error:
            assert error.rcvd is not None, error
            return error.rcvd.code, error.rcvd.reason
