"""Bounds of one socket, all in one place; docs/sockets.md names them."""

from typing import Final

FRAME_BYTES_MAX: Final = 256 * 1024  # a longer frame is refused while it is read, with close code 1009
OUTBOX_MESSAGES_MAX: Final = 4_096
OUTBOX_BYTES_MAX: Final = 16 * 1024 * 1024
SUBSCRIPTIONS_MAX: Final = 200
IN_FLIGHT_COMMANDS_MAX: Final = 1_000
ID_LENGTH_MAX: Final = 64
ID_MAX: Final = 2**53
# Whatever is no order entry: subscriptions, auth, pings, and order entry of nobody.
REQUESTS_PER_S: Final = 20
REQUESTS_BURST: Final = 400
# After so many frames in a row that are no request, or refusals of those that come too fast, we stop listening.
NONSENSE_MAX: Final = 100
CONNECTIONS_MAX: Final = 5_000
# A socket that neither hears a channel nor says whose it is gets closed after this.
IDLE_S: Final = 60.0
# A connection has become a WebSocket by then; plain HTTP here (health) takes a moment.
HANDSHAKE_S: Final = 10.0
# What the kernel holds of our unsent bytes for one socket, in its own count, is twice this.
SEND_BUFFER_BYTES: Final = 128 * 1024
# A client that reads nothing, not even our goodbye, is cut off after this.
GOODBYE_S: Final = 3.0
DEADLINE_US: Final = 5_000_000
RECENT_TRADES: Final = 50

# Close codes, 4000 and up by RFC 6455's leave for applications.
CLOSE_SIGNED_OUT: Final = 4001
CLOSE_SLOW: Final = 4008
CLOSE_NONSENSE: Final = 4009
CLOSE_IDLE: Final = 4010
CLOSE_TRY_LATER: Final = 1013
