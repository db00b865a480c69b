"""uvicorn's protocols with some things more.

The application can cut a connection that reads nothing; ASGI has no word for that, and a close frame waits behind
whatever the client does not read. A client that broke the protocol (a frame beyond the limit, say) is heard out for a
moment: closing with its bytes unread would reset the connection and lose our close frame, which says why. And whoever
connects has to become a WebSocket soon: nobody holds a connection by saying nothing.
"""

import socket
from typing import Any, Final

from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from orders.sockets.app import ABORT
from orders.sockets.limits import HANDSHAKE_S, SEND_BUFFER_BYTES

LINGER_S: Final = 2.0


class HandshakeProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # uvicorn picks the class when it is loaded
    """A connection is given to a WebSocket within HANDSHAKE_S, or closed."""

    def connection_made(self, transport: Any) -> None:
        """A client came."""
        super().connection_made(transport)
        self.loop.call_later(HANDSHAKE_S, self._end_unless_upgraded, transport)

    def _end_unless_upgraded(self, transport: Any) -> None:
        if transport.get_protocol() is self:
            transport.close()


class SocketProtocol(WebSocketsSansIOProtocol):
    """Gives the scope's extensions an abort; lingers after a broken protocol."""

    is_discarding = False

    def connection_made(self, transport: Any) -> None:
        """A client came. The kernel shall not keep megabytes for one that does not read: then we hear of it sooner."""
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        super().connection_made(transport)

    def handle_connect(self, event: Any) -> None:
        """The handshake was read. The application's task begins after this."""
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][ABORT] = self.transport.abort

    def data_received(self, data: bytes) -> None:
        """Bytes of the client."""
        if not self.is_discarding:
            super().data_received(data)

    def handle_parser_exception(self) -> None:
        """Say why, tell the application, and read on without listening until the client hangs up."""
        close = self.conn.close_sent
        assert close is not None
        self.queue.put_nowait({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = self.is_discarding = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        # uvicorn leaves the connection to this timer instead of closing it when the application returns.
        self.close_timer = self.loop.call_later(LINGER_S, self.transport.close)
