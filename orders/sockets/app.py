"""The ASGI application of /ws/v1, and what the sockets' port answers to plain HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from weakref import WeakKeyDictionary

import orjson
from django.conf import settings

from accounts import network
from matching import collector
from orders.sockets.connection import Connection
from orders.sockets.limits import CLOSE_TRY_LATER
from orders.sockets.outbox import Outbox
from orders.sockets.server import Conversation, Server

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

ABORT: Final = "provex.abort"  # extension of the scope: cuts the connection (orders.sockets.protocol)

_servers: "WeakKeyDictionary[asyncio.AbstractEventLoop, Server]" = WeakKeyDictionary()


def server() -> Server:
    """The server of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _servers.get(loop)
    if found is None:
        found = _servers[loop] = Server()
    return found


async def socket(scope: Scope, receive: Receive, send: Send) -> None:
    """One WebSocket. A browser's Origin must be exactly one of ours; programs have none and no cookie counts."""
    await receive()  # websocket.connect
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    origin = headers.get("origin")
    if origin is not None and origin not in settings.SOCKET_ORIGINS:
        # Closing before accepting is HTTP 403.
        await send({"type": "websocket.close"})
        return
    session_key = _session_key(headers.get("cookie", "")) if origin is not None else ""
    await converse(
        scope, receive, send, lambda here, outbox, ip: Connection(here, outbox, ip=ip, session_key=session_key)
    )


async def converse(
    scope: Scope, receive: Receive, send: Send, make: Callable[[Server, Outbox, str], Conversation]
) -> None:  # fmt: skip
    """Accept a socket and let what `make` gives (of server, outbox and the client's address) speak until it leaves."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    await send({"type": "websocket.accept"})
    here = server()
    peer = scope.get("client") or ("", 0)
    ip = network.client_ip(peer[0], headers.get("x-forwarded-for", ""))
    party = network.party(ip)
    if not here.guests.may_enter(party):
        await send({"type": "websocket.close", "code": CLOSE_TRY_LATER, "reason": "too_many_connections"})
        return
    outbox = Outbox(send, scope["extensions"].get(ABORT, lambda: None))
    connection = make(here, outbox, ip)
    here.guests.add(connection, party)
    writer = asyncio.create_task(outbox.run())
    try:
        await connection.read(receive)
    finally:
        here.guests.remove(connection)
        connection.leave()
        outbox.end()
        writer.cancel()


def _session_key(header: str) -> str:
    try:
        morsel = SimpleCookie(header).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""


async def no_socket(scope: Scope, receive: Receive, send: Send) -> None:
    """A WebSocket at any other address: HTTP 403."""
    await receive()
    await send({"type": "websocket.close"})


async def http(scope: Scope, receive: Receive, send: Send) -> None:
    """Plain HTTP on the sockets' port: health, else 404."""
    status, body = 404, {"code": "not_found", "title": "No such address", "detail": "Sockets are at /ws/v1."}
    if scope["path"] == "/health/live":
        status, body = 200, {"status": "ok"}
    elif scope["path"] == "/health/ready":
        here = server()
        is_ready = here.hub.is_ready
        status = 200 if is_ready else 503
        body = {"status": "ok" if is_ready else "no Redis", "sockets": str(len(here.guests))}
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(body)})


async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    """The server begins with the process, so that its first socket finds everything connected."""
    while True:
        event = await receive()
        if event["type"] == "lifespan.startup":
            server()
            collector.settle()
            await send({"type": "lifespan.startup.complete"})
        elif event["type"] == "lifespan.shutdown":
            await server().close()
            await send({"type": "lifespan.shutdown.complete"})
            return
