"""What one client may take of a sockets process: how many sockets, how long idle, how many requests."""

import asyncio
import json
import socket as sockets
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from accounts import limits
from accounts.auth import Caller
from accounts.problems import Problem
from exchange.embedded import dies_with_parent
from orders.sockets import app, server
from orders.sockets.desk import Desk
from orders.sockets.entry import OPS
from orders.sockets.frames import Request
from orders.sockets.limits import REQUESTS_BURST, REQUESTS_PER_S
from tests.patience import PATIENCE_S
from tests.ports import free_ports
from tests.sockets.client import Client
from tests.sockets.test_auth import signed
from tests.stack import COMMANDS, ROOT, Stack, wait_until

Scene = Callable[[], Awaitable[None]]


class Visitor:
    """A client of the ASGI application in this process, behind a proxy or not."""

    present: "list[Visitor]" = []

    def __init__(self, *, peer: str = "203.0.113.1", forwarded: str = "") -> None:
        headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
        self._scope = {"headers": headers, "client": (peer, 1), "extensions": {}, "path": "/ws/v1"}
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(app.socket(self._scope, self._to_app.get, self._from_app.put))
        # The event loop alone would not keep it.
        Visitor.present.append(self)

    async def heard(self) -> dict[str, Any]:
        """The next event."""
        return await asyncio.wait_for(self._from_app.get(), PATIENCE_S)

    async def entered(self) -> bool:
        """Whether it was let in: it answers a ping."""
        assert (await self.heard())["type"] == "websocket.accept"
        self.ask("ping")
        event = await self.heard()
        if event["type"] == "websocket.close":
            assert (event["code"], event["reason"]) == (1013, "too_many_connections")
            return False
        assert json.loads(event["text"])["status"] == "ok"
        return True

    def ask(self, op: str, **members: Any) -> None:
        """Send a request."""
        self._to_app.put_nowait({"type": "websocket.receive", "text": json.dumps({"op": op, "id": 1, **members})})

    async def leave(self) -> None:
        """Hang up."""
        self._to_app.put_nowait({"type": "websocket.disconnect"})
        await self._task


@pytest.fixture
def run(redis_client) -> Callable[[Scene], None]:
    """Runs a scene on an event loop with a server of its own."""

    def run(scene: Scene) -> None:
        async def whole() -> None:
            try:
                await scene()
            finally:
                Visitor.present.clear()
                await app.server().close()

        asyncio.run(whole())

    return run


def test_an_address_has_so_many_sockets(run, settings) -> None:
    settings.SOCKETS_PER_ADDRESS = 2

    async def scene() -> None:
        guests = [Visitor(), Visitor()]
        assert [await guest.entered() for guest in guests] == [True, True]
        assert not await Visitor().entered()
        other = Visitor(peer="203.0.113.2")
        assert await other.entered()
        await guests[0].leave()
        assert await Visitor().entered()
        assert not await Visitor().entered()

    run(scene)


def test_a_subscriber_of_ipv6_is_one_address(run, settings) -> None:
    settings.SOCKETS_PER_ADDRESS = 1

    async def scene() -> None:
        assert await Visitor(peer="2001:db8:1:1::1").entered()
        assert not await Visitor(peer="2001:db8:1:1:ffff::2").entered()
        assert await Visitor(peer="2001:db8:1:2::1").entered()
        assert await Visitor(peer="198.51.100.1").entered()
        assert not await Visitor(peer="::ffff:198.51.100.1").entered()

    run(scene)


def test_clients_behind_a_trusted_proxy_are_counted_by_themselves(run, settings) -> None:
    settings.SOCKETS_PER_ADDRESS = 1

    async def scene() -> None:
        settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
        assert await Visitor(peer="10.0.0.1", forwarded="203.0.113.7").entered()
        assert await Visitor(peer="10.0.0.1", forwarded="203.0.113.8").entered()
        # What the client wrote in front does not make it somebody else.
        assert not await Visitor(peer="10.0.0.1", forwarded="203.0.113.9, 203.0.113.8").entered()
        settings.TRUSTED_PROXIES = []
        assert await Visitor(peer="198.51.100.1", forwarded="203.0.113.10").entered()
        assert not await Visitor(peer="198.51.100.1", forwarded="203.0.113.11").entered()

    run(scene)


def test_an_idle_socket_is_closed_and_a_subscribed_one_stays(run, monkeypatch) -> None:
    monkeypatch.setattr(server, "IDLE_CHECK_S", 0.02)

    async def scene() -> None:
        idle, busy = Visitor(), Visitor()
        assert [await one.entered() for one in (idle, busy)] == [True, True]
        busy.ask("subscribe", channel="ticker")
        assert json.loads((await busy.heard())["text"])["status"] == "ok"
        # Pings alone do not keep a socket.
        idle.ask("ping")
        assert json.loads((await idle.heard())["text"])["status"] == "ok"
        monkeypatch.setattr("orders.sockets.guests.IDLE_S", 0.2)
        event = await idle.heard()
        assert (event["type"], event["code"], event["reason"].partition(":")[0]) == ("websocket.close", 4010, "idle")
        busy.ask("ping")
        assert json.loads((await busy.heard())["text"])["result"]["time"] > 0
        busy.ask("unsubscribe", channel="ticker")
        assert json.loads((await busy.heard())["text"])["status"] == "ok"
        assert (await busy.heard())["code"] == 4010

    run(scene)


@pytest.mark.process
def test_requests_that_come_too_fast_are_refused_and_then_the_socket_is_closed(stack: Stack) -> None:
    with Client(stack.socket_url) as client:
        for _ in range(REQUESTS_BURST // 2):
            client.send("subscribe", channel="ticker")
            client.send("unsubscribe", channel="ticker")
        # All at once, and many: a slow machine reads them hardly faster than they may come.
        with suppress(ConnectionClosed):  # it may be over before all is sent
            for _ in range(40 * REQUESTS_PER_S):
                client.send("auth", key="0" * 32, timestamp=1, sign="0")
                client.send("ping")
        with pytest.raises(ConnectionClosed):
            client.expect(lambda _: False)
        assert client.closed() == (4009, "too many requests")
        assert "rate_limited" in [message.get("error", {}).get("code") for message in client.messages]
    with Client(stack.socket_url) as client:
        assert client.ok("ping")["time"] > 0


@pytest.mark.parametrize(
    ("op", "params", "units"),
    [
        ("order.batch", {"orders": [{}] * 30}, 30),
        ("order.cancel_batch", {"orders": [7] * 30}, 30),
        ("order.batch", {"orders": [{}] * 501}, 500),
        ("order.batch", {"orders": []}, 1),
        ("order.amend", {"order_id": 1, "size": 5}, 1),
        ("order.amend", None, 1),
        ("order.place", {"orders": 7}, 1),
    ],
)
def test_order_entry_counts_what_is_asked_whatever_becomes_of_it(run, settings, op, params, units) -> None:
    # Windows that do not end meanwhile.
    settings.RATE_LIMITS = {"standard": {"orders": (1_000, 10**9), "requests": (1, 10**9)}}
    limits.forget()

    async def scene() -> None:
        replies: list[dict[str, Any]] = []
        caller = Caller(account_id=1, permissions=frozenset({"trade"}), tier="standard", deadline_us=0)
        desk = Desk(app.server(), caller, reply=lambda text: replies.append(json.loads(text)))
        request = Request(1, op, {"params": params})
        for _ in range(1_000 // units):
            desk.take(request, OPS[op])
        assert len(replies) == 1_000 // units
        for _ in range(1_000 % units):
            desk.take(Request(1, "order.place", {}), OPS["order.place"])
        with pytest.raises(Problem, match="rate_limited"):
            desk.take(request, OPS[op])
        # Nothing is under way, so nothing but the rate holds it back.
        limits.forget()
        desk.take(request, OPS[op])

    run(scene)
    limits.forget()


@pytest.mark.process
def test_a_client_that_never_reads_is_cut_off(stack: Stack) -> None:
    """Long answers for nobody: the outbox fills, and what the kernel keeps for one socket is bounded."""
    account = stack.account("bounds-deaf", USDT="1000")
    with Client(stack.socket_url) as witness, Client(stack.socket_url, max_queue=1, compression=None) as client:
        client.ok("auth", **signed(account))
        raw = client.socket.socket
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
        frame = json.dumps({"op": "order.place", "id": "y" * 64, "params": {"x" * 64: 1}})
        with pytest.raises((ConnectionClosed, OSError)):
            give_up = time.monotonic() + PATIENCE_S
            while time.monotonic() < give_up:
                client.socket.send(frame)
        assert witness.ok("ping")["time"] > 0


@pytest.mark.process
def test_a_handshake_that_does_not_come_to_an_end_is_ended(stack: Stack) -> None:
    port = int(stack.socket_url.removeprefix("ws://").split("/")[0].split(":")[1])
    with Client(stack.socket_url) as kept:
        held = [sockets.create_connection(("127.0.0.1", port), PATIENCE_S) for _ in range(2)]
        held[1].sendall(b"GET /ws/v1 HTTP/1.1\r\nHost: loc")
        for one in held:
            one.settimeout(PATIENCE_S)
            assert one.recv(100) == b""
            one.close()
        assert kept.ok("ping")["time"] > 0


@pytest.fixture
def narrow(stack: Stack, tmp_path: Path) -> Iterator[int]:
    """Another sockets process, that has room for two of each address; its port."""
    (port,) = free_ports(1)
    with (tmp_path / "sockets.log").open("wb") as log:
        process = subprocess.Popen(
            [*dies_with_parent("KILL"), *COMMANDS["sockets"], "--port", str(port)], cwd=ROOT,
            env=stack.env | {"SOCKETS_PER_ADDRESS": "2"}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_until(lambda: _listens(port), "the other sockets process")
        yield port
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    try:
        sockets.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the loopback has one address")
def test_an_address_has_so_many_handshakes_that_do_not_come_to_an_end(narrow: int) -> None:
    def connect(address: str) -> sockets.socket:
        made = sockets.create_connection(("127.0.0.1", narrow), PATIENCE_S, source_address=(address, 0))
        made.settimeout(PATIENCE_S)
        return made

    def health(address: str) -> bytes:
        """What it answers to plain HTTP."""
        with connect(address) as one:
            one.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return b"".join(iter(lambda: one.recv(1_000), b""))

    held = [connect("127.0.0.2") for _ in range(2)]
    # Refused unasked, and the connection is over.
    with connect("127.0.0.2") as third:
        answer = b"".join(iter(lambda: third.recv(1_000), b""))
    assert answer.startswith(b"HTTP/1.1 503 ") and answer.endswith(b'{"code":"too_many_connections"}')
    assert health("127.0.0.3").startswith(b"HTTP/1.1 200 "), "others are served"
    held.pop().close()

    def is_served() -> bool:
        try:
            return health("127.0.0.2").startswith(b"HTTP/1.1 200 ")
        except ConnectionError:
            return False  # it was refused, and over, before its request had arrived

    wait_until(is_served, "a place is free")
    # Who has become a socket is no handshake any more, and is counted as a socket.
    url = f"ws://127.0.0.1:{narrow}/ws/v1"
    with Client(url) as one, Client(url) as two:
        assert one.ok("ping")["time"] > 0 and two.ok("ping")["time"] > 0
        assert health("127.0.0.1").startswith(b"HTTP/1.1 200 ")
    for one in held:
        one.close()
