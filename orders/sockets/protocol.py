"""uvicorn's protocols with some things more.

The application can cut a connection that reads nothing; ASGI has no word for that, and a close frame waits behind
whatever the client does not read. A client that broke the protocol (a frame beyond the limit, say) is heard out for a
moment: closing with its bytes unread would reset the connection and lose our close frame, which says why. And whoever
connects has to become a WebSocket soon, and only so many of one address may be about to: nobody holds connections by
saying nothing.
"""

import socket
from typing import Any, Final

from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from accounts import network
from orders.sockets.app import ABORT
from orders.sockets.guests import Handshakes
from orders.sockets.limits import HANDSHAKE_S, SEND_BUFFER_BYTES

LINGER_S: Final = 2.0
_BODY: Final = b'{"code":"too_many_connections"}'
TOO_MANY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
    b"connection: close\r\n\r\n%b" % (len(_BODY), _BODY)
)
handshakes: Final = Handshakes()


class HandshakeProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # uvicorn picks the class when it is loaded
    """A connection is given to a WebSocket within HANDSHAKE_S, or closed."""

    # Whom it is counted for while it is neither a WebSocket nor closed.
    party: str | None = None

    def connection_made(self, transport: Any) -> None:
        """A client came."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        # All clients of a proxy come from it; who they are is known when their headers are read.
        party = "" if network.is_trusted_proxy(address) else network.party(address)
        if not handshakes.begin(party):
            transport.write(TOO_MANY)
            transport.close()
            return
        self.party = party
        self.loop.call_later(HANDSHAKE_S, self._end_unless_upgraded, transport)

    def handle_websocket_upgrade(self, *event: Any) -> None:
        """The handshake has come: a WebSocket is counted by the application."""
        self._end_handshake()
        super().handle_websocket_upgrade(*event)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        self._end_handshake()
        super().connection_lost(exc)

    def _end_handshake(self) -> None:
        if self.party is not None:
            handshakes.end(self.party)
            self.party = None

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
