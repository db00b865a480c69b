"""The exchange as a program sees it: signed REST calls and one WebSocket that comes back by itself.

No Django here: the demo traders know no more of the exchange than anybody with a key.
"""

import asyncio
import itertools
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import websockets

from accounts import signing

log = logging.getLogger(__name__)

PREFIX: Final = "/api/v1"
REQUEST_S_MAX: Final = 10.0
RECONNECT_S: Final = (0.2, 5.0)  # first wait, longest wait
FRAME_BYTES_MAX: Final = 8 * 1024 * 1024

Listener = Callable[[dict[str, Any]], None]


class Refused(Exception):
    """The exchange said no. `code` is stable; `wait_s` is how long to wait before asking for anything again."""

    def __init__(self, code: str, detail: str = "", wait_s: float = 0.0) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key."""

    key: str
    secret: str


class Rest:
    """Signed REST calls."""

    def __init__(self, base_url: str, credentials: Credentials) -> None:
        self._credentials = credentials
        # Proxies of the machine are not asked: the exchange is next door.
        self._http = httpx.AsyncClient(base_url=base_url, timeout=REQUEST_S_MAX, trust_env=False)

    async def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer's JSON. Raises Refused; `unreachable` when there was no answer at all."""
        content = b"" if body is None else json.dumps(body).encode()
        path = PREFIX + path
        headers = signing.headers(
            key=self._credentials.key, secret=self._credentials.secret, timestamp_ms=_now_ms(), method=method,
            path_with_query=path, body=content,
        )  # fmt: skip
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            answer = await self._http.request(method, path, content=content, headers=headers)
            data: dict[str, Any] = answer.json() if answer.content else {}
        except (httpx.HTTPError, ValueError) as error:
            raise Refused("unreachable", str(error), wait_s=1.0) from None
        if answer.is_success:
            return data
        wait_s = float(answer.headers.get("Retry-After") or (1.0 if answer.status_code >= 500 else 0.0))
        raise Refused(data.get("code", f"http_{answer.status_code}"), data.get("detail", ""), wait_s)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


class Stream:
    """The WebSocket: signed in, subscribed, and after a loss all of it again.

    `listeners` are by channel; each channel begins with a snapshot after every reconnect.
    """

    def __init__(self, url: str, credentials: Credentials) -> None:
        self._url = url
        self._credentials = credentials
        self._topics: list[dict[str, str]] = []
        self._listeners: dict[str, Listener] = {}
        self._socket: Any = None
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.ready = asyncio.Event()

    def listen(self, channel: str, listener: Listener, **topic: str) -> None:
        """Subscribe at the next connect; call before `run`."""
        self._topics.append({"channel": channel, **topic})
        self._listeners[channel] = listener

    async def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Send a request and wait for its result. Raises Refused."""
        if self._socket is None:
            raise Refused("unreachable", "no connection", wait_s=0.5)
        number = next(self._ids)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send(json.dumps({"op": op, "id": number, **fields}))
            reply = await asyncio.wait_for(future, REQUEST_S_MAX)
        except (websockets.ConnectionClosed, TimeoutError) as error:
            raise Refused("unreachable", str(error), wait_s=0.5) from None
        finally:
            self._waiting.pop(number, None)
        if reply["status"] == "ok":
            result: dict[str, Any] = reply.get("result") or {}
            return result
        problem = reply["error"]
        raise Refused(problem["code"], problem.get("detail", ""), 1.0 if problem.get("status") in {429, 503} else 0.0)

    async def run(self) -> None:
        """Stay connected until canceled."""
        wait_s = RECONNECT_S[0]
        while True:
            try:
                async with websockets.connect(self._url, max_size=FRAME_BYTES_MAX, compression=None) as socket:
                    self._socket = socket
                    receiving = asyncio.create_task(self._receive(socket))
                    try:
                        await self._begin()
                        wait_s = RECONNECT_S[0]
                        self.ready.set()
                        await receiving
                    finally:
                        receiving.cancel()
            except (OSError, websockets.WebSocketException, Refused, TimeoutError) as error:
                log.info("socket lost: %s", error)
            finally:
                self._lose()
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, RECONNECT_S[1])

    async def _begin(self) -> None:
        timestamp = _now_ms()
        sign = signing.sign(self._credentials.secret, timestamp, signing.SOCKET_METHOD, signing.SOCKET_PATH)
        await self.ask("auth", key=self._credentials.key, timestamp=timestamp, sign=sign)
        for topic in self._topics:
            await self.ask("subscribe", **topic)

    async def _receive(self, socket: Any) -> None:
        async for frame in socket:
            message = json.loads(frame)
            if "channel" in message:
                listener = self._listeners.get(message["channel"])
                if listener is not None:
                    listener(message)
            elif (future := self._waiting.get(message.get("id"))) is not None and not future.done():
                future.set_result(message)

    def _lose(self) -> None:
        self._socket = None
        self.ready.clear()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(Refused("unreachable", "connection lost", wait_s=0.5))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
