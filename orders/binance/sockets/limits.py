"""Bounds of the dialect's sockets, beside those of orders.sockets.limits; docs/binance-sockets.md names them."""

from typing import Final

STREAMS_MAX: Final = 1_024
# Requests of a market socket: so many a second, and so many at once after a pause.
REQUESTS_PER_S: Final = 5
REQUESTS_BURST: Final = 10
ID_TEXT_MAX: Final = 36
# Empty candles that are sent one after the other when a market wakes up; older ones are left out.
EMPTY_CANDLES_MAX: Final = 60
# A candle is closed so long after its end, because its last trades may still be on their way.
CANDLE_GRACE_S: Final = 1.0

CLOSE_POLICY: Final = 1008
