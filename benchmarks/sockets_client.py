"""A load client for sockets, in a process of its own: speaks just enough WebSocket to cost little.

    python -m benchmarks.sockets_client URL SECONDS OUTSTANDING BATCH < accounts.json

Each account gets a socket. It keeps OUTSTANDING orders unanswered (in batches of BATCH, 1 for single orders) and
prints {"orders", "seconds", "refused", "p50_ms", "p99_ms", "first_error"}.
"""

import base64
import json
import os
import selectors
import socket
import sys
import time
from collections import deque
from urllib.parse import urlsplit

from accounts.signing import SOCKET_METHOD, SOCKET_PATH, sign

MARKET = "BTC-USDT"
MIDDLE = 60_000


class RawSocket:
    """A WebSocket by hand: text frames out with a zero mask, complete frames in."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._buffer = bytearray()
        while b"\r\n\r\n" not in self._buffer:
            self._buffer += self.socket.recv(65536)
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        assert b" 101 " in head, head
        self._buffer = bytearray(rest)

    @staticmethod
    def frame(text: str) -> bytes:
        """A text frame, as bytes."""
        payload = text.encode()
        length = len(payload)
        if length < 126:
            return bytes((0x81, 0x80 | length)) + b"\0\0\0\0" + payload
        if length < 65536:
            return bytes((0x81, 0xFE)) + length.to_bytes(2, "big") + b"\0\0\0\0" + payload
        return bytes((0x81, 0xFF)) + length.to_bytes(8, "big") + b"\0\0\0\0" + payload

    def send(self, *texts: str) -> None:
        """Send text frames."""
        self.socket.sendall(b"".join(map(self.frame, texts)))

    def receive(self) -> list[bytes]:
        """Wait for bytes; the payloads that are complete."""
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError("closed")
        buffer = self._buffer
        buffer += data
        payloads, at = [], 0
        while len(buffer) - at >= 2:
            length, start = buffer[at + 1] & 0x7F, at + 2
            if length == 126:
                length, start = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                length, start = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
            if len(buffer) < start + length:
                break
            payload, kind = bytes(buffer[start : start + length]), buffer[at] & 0x0F
            at = start + length
            if kind == 1:
                payloads.append(payload)
            elif kind == 9:
                self.socket.sendall(bytes((0x8A, 0x80 | length)) + b"\0\0\0\0" + payload)
        del buffer[:at]
        return payloads

    def ask(self, **request: object) -> dict:
        """Send a request and wait for its reply; nothing else may be under way."""
        self.send(json.dumps({"id": 0, **request}))
        while True:
            for payload in self.receive():
                message = json.loads(payload)
                if message.get("id") == 0:
                    assert message["status"] == "ok", message
                    return message["result"]


def signed_in(url: str, account: dict) -> RawSocket:
    """A socket of an account."""
    raw = RawSocket(url)
    now = time.time_ns() // 1_000_000
    raw.ask(op="auth", key=account["key"], timestamp=now, sign=sign(account["secret"], now, SOCKET_METHOD, SOCKET_PATH))
    return raw


def order(number: int) -> str:
    """By turns an order that rests and one that fills it, so that the book neither empties nor grows."""
    side, pair = ("sell" if number % 2 else "buy"), number // 2
    price, size = f"{MIDDLE + pair % 7 / 10:.1f}", f"0.{2 + pair % 50:05}"
    return f'{{"market":"{MARKET}","side":"{side}","price":"{price}","size":"{size}"}}'


def request(number: int, batch: int) -> str:
    """The request of this number, of so many orders."""
    if batch == 1:
        return f'{{"op":"order.place","id":1,"params":{order(number)}}}'
    orders = ",".join(order(number * batch + i) for i in range(batch))
    return f'{{"op":"order.batch","id":1,"params":{{"orders":[{orders}]}}}}'


def load(url: str, accounts: list[dict], seconds: float, outstanding: int, batch: int) -> dict:
    """Run the load; its report."""
    ready = [RawSocket.frame(request(number, batch)) for number in range(-(-5_600 // batch))]
    choose = selectors.DefaultSelector()
    raws = [signed_in(url, account) for account in accounts]
    sent: dict[RawSocket, deque[float]] = {raw: deque() for raw in raws}
    took: list[float] = []
    refused = orders = at = 0
    first_error = b""
    window = max(1, outstanding // batch // len(raws))
    began = time.monotonic()
    for raw in raws:
        choose.register(raw.socket, selectors.EVENT_READ, raw)
        sent[raw].extend([time.monotonic()] * window)
        raw.socket.sendall(b"".join(ready[:window]))
    end = began + seconds
    while (now := time.monotonic()) < end:
        for key, _ in choose.select(1.0):
            raw = key.data
            payloads = raw.receive()
            now = time.monotonic()
            for payload in payloads:
                took.append(now - sent[raw].popleft())
                errors = payload.count(b'"error":{')
                refused += errors
                orders += batch
                if errors and not first_error:
                    first_error = payload
            texts = [ready[(at + i) % len(ready)] for i in range(len(payloads))]
            at += len(payloads)
            sent[raw].extend([now] * len(payloads))
            raw.socket.sendall(b"".join(texts))
    lasted = time.monotonic() - began
    took.sort()
    return {
        "orders": orders, "seconds": lasted, "refused": refused,
        "p50_ms": took[len(took) // 2] * 1e3, "p99_ms": took[len(took) * 99 // 100] * 1e3,
        "first_error": first_error.decode(),
    }  # fmt: skip


def main() -> None:
    url, seconds, outstanding, batch = sys.argv[1:5]
    accounts = json.loads(sys.stdin.read())
    print(json.dumps(load(url, accounts, float(seconds), int(outstanding), int(batch))))


if __name__ == "__main__":
    main()
