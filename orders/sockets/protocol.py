"""uvicorn's WebSocket protocol, with one thing more: the application can cut a connection that reads nothing.

ASGI has no word for that. A close frame waits behind whatever the client does not read.
"""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from orders.sockets.app import ABORT


class SocketProtocol(WebSocketsSansIOProtocol):
    """Gives the scope's extensions an abort."""

    def handle_connect(self, event: Any) -> None:
        """The handshake was read. The application's task begins after this."""
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][ABORT] = self.transport.abort
