"""Names of market streams: what follows `/ws/` and what SUBSCRIBE takes. Pure."""

import re
from typing import Final, NamedTuple

from orders.binance import intervals

DEPTH_LEVELS: Final = frozenset({"5", "10", "20"})
PERIODS_MS: Final = {"": 1_000, "@100ms": 100, "@1000ms": 1_000}
SECOND_MS: Final = 1_000
NAME_LENGTH_MAX: Final = 64

_OF_SYMBOL: Final = re.compile(r"([a-z0-9]{2,32})@([A-Za-z]+)(_?[0-9A-Za-z]*)(@100ms|@1000ms|)", re.ASCII)
_OF_ALL: Final = re.compile(r"!(miniTicker|ticker)@arr", re.ASCII)
# Streams that have no detail and no choice of period; the period in ms, 0 for at once.
_PLAIN: Final = {"trade": 0, "aggTrade": 0, "bookTicker": 0, "miniTicker": SECOND_MS, "ticker": SECOND_MS,
                 "avgPrice": SECOND_MS}  # fmt: skip


class InvalidStream(ValueError):
    """No stream has this name."""


class StreamName(NamedTuple):
    """A stream's name taken apart: `symbol` in small letters, empty for all markets.

    `detail` is the interval of a kline and the levels of a partial depth ("" for the deltas). There is at most one
    message in `period_ms`.
    """

    text: str
    kind: str
    symbol: str
    detail: str
    period_ms: int


def read_name(text: str) -> StreamName:
    """Raises InvalidStream."""
    if len(text) > NAME_LENGTH_MAX:
        raise InvalidStream(text[:NAME_LENGTH_MAX])
    of_all = _OF_ALL.fullmatch(text)
    if of_all is not None:
        return StreamName(text, of_all[1], "", "", SECOND_MS)
    match = _OF_SYMBOL.fullmatch(text)
    if match is None:
        raise InvalidStream(text)
    symbol, kind, detail, period = match.groups()
    if kind == "depth" and (not detail or detail in DEPTH_LEVELS):
        return StreamName(text, kind, symbol, detail, PERIODS_MS[period])
    if kind == "kline" and not period and detail.removeprefix("_") in intervals.NAMES and detail.startswith("_"):
        return StreamName(text, kind, symbol, detail[1:], 0)
    if kind in _PLAIN and not detail and not period:
        return StreamName(text, kind, symbol, "", _PLAIN[kind])
    raise InvalidStream(text)
