"""Addresses of WebSockets."""

from django.urls import path, re_path

from accounts.signing import SOCKET_PATH
from orders.binance.sockets import app as binance
from orders.sockets.app import no_socket, socket

websocket_urlpatterns = [
    path(SOCKET_PATH.lstrip("/"), socket),  # type: ignore[arg-type]  # an ASGI application, as Channels wants it
    re_path(r"^ws(/\d+|/[^/]*[@!][^/]*)*/?$", binance.raw),  # type: ignore[arg-type]
    re_path(r"^stream/ws(/\d*)?$", binance.raw),  # type: ignore[arg-type]
    re_path(r"^stream/?$", binance.combined),  # type: ignore[arg-type]
    re_path(r"^ws-api/v3/?$", binance.api),  # type: ignore[arg-type]
    re_path("", no_socket),  # type: ignore[arg-type]
]
