"""The ASGI applications of /ws, /stream and /ws-api/v3.

Anybody may listen to markets from anywhere, and orders need a key: no cookie counts, so no Origin matters here.
"""

from urllib.parse import parse_qs

from orders.binance.sockets.api_socket import ApiSocket
from orders.binance.sockets.market_socket import MarketSocket
from orders.sockets.app import Receive, Scope, Send, converse


async def raw(scope: Scope, receive: Receive, send: Send) -> None:
    """/ws, /ws/<stream>[/<stream>…], and /stream/ws[/<number>], where ccxt connects: payloads as they are."""
    await receive()
    _, _, streams = scope["path"].partition("/ws")
    named = [part for part in streams.split("/") if part and not part.isdigit()]
    await _serve(scope, receive, send, named, is_combined=False)


async def combined(scope: Scope, receive: Receive, send: Send) -> None:
    """/stream[?streams=a/b]: each payload with its stream's name."""
    await receive()
    asked = parse_qs(scope["query_string"].decode("latin-1")).get("streams", [""])[0]
    await _serve(scope, receive, send, [part for part in asked.split("/") if part], is_combined=True)


async def api(scope: Scope, receive: Receive, send: Send) -> None:
    """/ws-api/v3"""
    await receive()
    await converse(scope, receive, send, lambda server, outbox, ip: ApiSocket(server, outbox, ip=ip))


async def _serve(scope: Scope, receive: Receive, send: Send, named: list[str], *, is_combined: bool) -> None:
    await converse(
        scope,
        receive,
        send,
        lambda server, outbox, _: MarketSocket(server, outbox, is_combined=is_combined, first=named),
    )
