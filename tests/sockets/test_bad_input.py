"""Garbage, floods and silence: a code, a socket that lives where it can, and nothing executed."""

import json
import socket as sockets
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.patience import PATIENCE_S
from tests.sockets.client import Client
from tests.stack import Stack

pytestmark = pytest.mark.process


def error_of(client: Client, frame: str | bytes) -> tuple[Any, str]:
    """(id, code) of the reply to a raw frame."""
    client.socket.send(frame)
    reply = client.expect(lambda message: message.get("status") == "error")
    assert set(reply) == {"id", "op", "status", "error"}
    assert {"code", "title", "detail", "status"} <= set(reply["error"])
    assert "Traceback" not in json.dumps(reply)
    return reply["id"], reply["error"]["code"]


@pytest.mark.parametrize(
    ("frame", "id", "code"),
    [
        ("", None, "malformed_json"),
        ("hello", None, "malformed_json"),
        ("{", None, "malformed_json"),
        ("NaN", None, "malformed_json"),
        ("[" * 100_000, None, "malformed_json"),
        ('{"op":' + '{"a":' * 5_000 + "1" + "}" * 5_001, None, "malformed_json"),
        ("[1]", None, "invalid_request"),
        ('"subscribe"', None, "invalid_request"),
        ("null", None, "invalid_request"),
        ("{}", None, "invalid_request"),
        ('{"op": 7, "id": 1}', 1, "invalid_request"),
        ('{"op": "ping", "id": {"a": 1}}', None, "invalid_request"),
        ('{"op": "ping", "id": 1.5}', None, "invalid_request"),
        ('{"op": "ping", "id": true}', None, "invalid_request"),
        ('{"op": "ping", "id": "%s"}' % ("x" * 65), None, "invalid_request"),
        ('{"op": "ping", "id": 18446744073709551616}', None, "invalid_request"),
        ('{"op": "ping", "id": 3, "what": 1}', 3, "invalid_request"),
        ('{"op": "dance", "id": "a"}', "a", "unknown_op"),
        ('{"op": "__init__", "id": "a"}', "a", "unknown_op"),
        ('{"op": "subscribe", "id": 1}', 1, "invalid_request"),
        ('{"op": "subscribe", "id": 1, "channel": ["book"]}', 1, "invalid_request"),
        ('{"op": "subscribe", "id": 1, "channel": "gossip"}', 1, "unknown_channel"),
        ('{"op": "subscribe", "id": 1, "channel": "book"}', 1, "invalid_request"),
        ('{"op": "subscribe", "id": 1, "channel": "book", "market": "BTC-EUR"}', 1, "unknown_market"),
        ('{"op": "subscribe", "id": 1, "channel": "book", "market": "*"}', 1, "unknown_market"),
        ('{"op": "subscribe", "id": 1, "channel": "ticker", "market": "*"}', 1, "unknown_market"),
        ('{"op": "subscribe", "id": 1, "channel": "trades", "market": "x:book\\r\\nPING"}', 1, "unknown_market"),
        ('{"op": "subscribe", "id": 1, "channel": "candles", "market": "BTC-USDT"}', 1, "invalid_request"),
        (
            '{"op": "subscribe", "id": 1, "channel": "candles", "market": "BTC-USDT", "interval": "2m"}',
            1,
            "invalid_request",
        ),
        ('{"op": "subscribe", "id": 1, "channel": "orders", "account": 1}', 1, "invalid_request"),
        ('{"op": "unsubscribe", "id": 1, "channel": "book", "market": "BTC-USDT"}', 1, "not_subscribed"),
        ('{"op": "order.place", "id": 1, "params": {}}', 1, "not_authenticated"),
        (b"\x00\xff\xfe", None, "text_only"),
        (b'{"op": "ping"}', None, "text_only"),
    ],
)
def test_a_bad_frame_is_answered_and_the_socket_lives(stack: Stack, frame: str | bytes, id: Any, code: str) -> None:
    with Client(stack.socket_url) as client:
        assert error_of(client, frame) == (id, code)
        assert client.ok("ping")["time"] > 0


def test_a_huge_frame_closes_the_socket(stack: Stack) -> None:
    with Client(stack.socket_url) as client:
        with pytest.raises(ConnectionClosed):
            client.socket.send('{"op": "ping", "id": "' + "x" * 10_000_000 + '"}')
            client.receive()
        assert client.closed()[0] == 1009
    with Client(stack.socket_url) as client:
        assert client.ok("ping")["time"] > 0


def test_invalid_utf8_closes_the_socket(stack: Stack) -> None:
    with Client(stack.socket_url) as client:
        client.socket.send(b"\xff\xff", text=True)
        assert client.closed()[0] == 1007


def test_endless_garbage_closes_the_socket(stack: Stack) -> None:
    with Client(stack.socket_url) as client:
        with pytest.raises(ConnectionClosed):
            for _ in range(100):
                client.socket.send("garbage")
            while True:
                client.receive()
        assert client.closed() == (4009, "too many unreadable frames")


def test_bytes_that_are_no_websocket(stack: Stack) -> None:
    host, port = stack.socket_url.removeprefix("ws://").removesuffix("/ws/v1").split(":")
    for garbage in (b"\x16\x03\x01\x02\x00" * 50, b"GET / HTTP/1.1\r\n" + b"a" * 100_000, b"\r\n\r\n"):
        with sockets.create_connection((host, int(port)), timeout=PATIENCE_S) as raw:
            raw.sendall(garbage)
            raw.settimeout(10)
            try:
                assert b"Traceback" not in raw.recv(4096)
            except (ConnectionResetError, TimeoutError):
                pass
    with Client(stack.socket_url) as client:
        assert client.ok("ping")["time"] > 0


def test_a_second_subscription_is_refused(stack: Stack) -> None:
    with Client(stack.socket_url) as client:
        client.ok("subscribe", channel="ticker")
        assert client.code("subscribe", channel="ticker") == "already_subscribed"
        intervals = ("1m", "5m", "15m", "1h", "4h", "1d", "1w")
        for market in ("BTC-USDT", "ETH-USDT", "ETH-BTC"):
            for interval in intervals:
                client.ok("subscribe", channel="candles", market=market, interval=interval)
        assert client.code("subscribe", channel="candles", market="BTC-USDT", interval="1m") == "already_subscribed"
