"""A load client for REST, in a process of its own: requests are built and signed before the clock starts.

    python -m benchmarks.rest_client HOST:PORT KIND CONNECTIONS COUNT < accounts.json

KIND is single, binance (the same orders in that dialect), batch-N, depth or ticker.
Each connection keeps one request unanswered (HTTP/1.1, kept alive).
Prints {"requests", "orders", "seconds", "errors", "p50_ms", "p99_ms", "first_error"}.
"""

import hashlib
import hmac
import json
import selectors
import socket
import sys
import time
from typing import Any
from urllib.parse import urlencode

from accounts import signing

MARKET = "BTC-USDT"
MIDDLE = 60_000
WINDOW_MS = 60_000


def order(number: int) -> dict[str, Any]:
    """By turns an order that rests and one that fills it, so that the book neither empties nor grows."""
    side = "sell" if number % 2 else "buy"
    return {
        "market": MARKET, "side": side, "price": f"{MIDDLE + number // 2 % 7 / 10:.1f}",
        "size": f"{(2 + number // 2 % 50) / 100_000:.5f}",
    }  # fmt: skip


def request(host: str, method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """An HTTP request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        if "Content-Type" not in headers:
            lines.append("Content-Type: application/json")
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def prepared(host: str, kind: str, count: int, accounts: list[dict[str, Any]]) -> list[bytes]:
    """`count` requests of the kind, by turns of the accounts; no two share a timestamp of one account."""
    if kind in {"depth", "ticker"}:
        return [request(host, "GET", f"/api/v1/markets/{MARKET}/{kind}", b"", {})] * count
    start = time.time_ns() // 1_000_000 - count // len(accounts)
    made = []
    for i in range(count):
        account = accounts[i % len(accounts)]
        if kind == "binance":
            made.append(dialect_order(host, account, order(i), start + i // len(accounts)))
            continue
        if kind == "single":
            path, body = "/api/v1/orders", json.dumps(order(i)).encode()
        else:
            orders = [order(number) for number in range(int(kind.partition("-")[2]))]
            path, body = "/api/v1/orders/batch", json.dumps({"orders": orders}).encode()
        headers = signing.headers(
            key=account["key"], secret=account["secret"], timestamp_ms=start + i // len(accounts), method="POST",
            path_with_query=path, body=body, window_ms=WINDOW_MS,
        )  # fmt: skip
        made.append(request(host, "POST", path, body, headers))
    return made


def dialect_order(host: str, account: dict[str, Any], order: dict[str, Any], timestamp_ms: int) -> bytes:
    """The same order in the dialect, in the form that its clients send."""
    body = urlencode(
        {
            "symbol": order["market"].replace("-", ""), "side": order["side"].upper(), "type": "LIMIT",
            "timeInForce": "GTC", "quantity": order["size"], "price": order["price"], "newOrderRespType": "FULL",
            "recvWindow": WINDOW_MS, "timestamp": timestamp_ms,
        }
    )  # fmt: skip
    signature = hmac.new(account["secret"].encode(), body.encode(), hashlib.sha256).hexdigest()
    headers = {"X-MBX-APIKEY": account["key"], "Content-Type": "application/x-www-form-urlencoded"}
    return request(host, "POST", "/api/v3/order", f"{body}&signature={signature}".encode(), headers)


class Line:
    """One kept-alive connection."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self._buffer = b""
        self._wanted = -1

    def send(self, data: bytes) -> None:
        """Send one request; the last was answered."""
        self._buffer, self._wanted = b"", -1
        self.sent_at = time.perf_counter()
        self.socket.sendall(data)

    def receive(self) -> bytes | None:
        """Read what is there; the whole answer once it is complete."""
        self._buffer += self.socket.recv(1 << 20)
        if self._wanted < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return None
            head = self._buffer[:end].lower()
            self._wanted = end + 4 + int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        return self._buffer if len(self._buffer) >= self._wanted else None


def drive(address: tuple[str, int], requests: list[bytes], connections: int) -> dict[str, Any]:
    """Send all requests over the connections; what came back."""
    choose = selectors.DefaultSelector()
    waiting = iter(requests)
    began = time.perf_counter()
    open_lines = 0
    for _, data in zip(range(connections), waiting, strict=False):
        line = Line(address)
        choose.register(line.socket, selectors.EVENT_READ, line)
        line.send(data)
        open_lines += 1
    latencies, errors, first_error = [], 0, ""
    while open_lines:
        for key, _ in choose.select(30):
            answer = key.data.receive()
            if answer is None:
                continue
            latencies.append(time.perf_counter() - key.data.sent_at)
            if answer[9:10] != b"2" or b'"error":{' in answer:
                errors += 1
                first_error = first_error or answer[-400:].decode()
            following = next(waiting, None)
            if following is None:
                choose.unregister(key.fileobj)
                open_lines -= 1
            else:
                key.data.send(following)
    latencies.sort()
    return {
        "requests": len(latencies), "seconds": time.perf_counter() - began, "errors": errors,
        "p50_ms": latencies[len(latencies) // 2] * 1e3, "p99_ms": latencies[len(latencies) * 99 // 100] * 1e3,
        "first_error": first_error,
    }  # fmt: skip


def main() -> None:
    """One round, from the command line."""
    host, kind, connections, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    name, _, port = host.rpartition(":")
    requests = prepared(host, kind, count, json.load(sys.stdin))
    report = drive((name, int(port)), requests, connections)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
