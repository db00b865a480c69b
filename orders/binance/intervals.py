"""The dialect's candle intervals: when each begins and ends, and of which stored ones it is made. Milliseconds, UTC.

Candles of seven intervals are kept; the others are put together from the longest kept one that divides them.
"""

from datetime import UTC, datetime
from typing import Final

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
# Months have no one length.
MONTH: Final = "1M"
LENGTHS: Final = {
    "1m": MINUTE, "3m": 3 * MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "30m": 30 * MINUTE, "1h": HOUR,
    "2h": 2 * HOUR, "4h": 4 * HOUR, "6h": 6 * HOUR, "8h": 8 * HOUR, "12h": 12 * HOUR, "1d": DAY, "3d": 3 * DAY,
    "1w": WEEK,
}  # fmt: skip
NAMES: Final = (*LENGTHS, MONTH)
# Those that are not kept, and what they are made of.
MADE_OF: Final = {
    "3m": "1m", "30m": "15m", "2h": "1h", "6h": "1h", "8h": "4h", "12h": "4h", "3d": "1d", MONTH: "1d"
}  # fmt: skip
# The epoch was a Thursday; weeks begin on Monday.
MONDAY: Final = 4 * DAY
EPOCH_YEAR: Final = 1970


def stored(interval: str) -> str:
    """The kept interval that this one is made of."""
    return MADE_OF.get(interval, interval)


def opened(time_ms: int, interval: str) -> int:
    """When the interval that holds the time began."""
    if interval == MONTH:
        return _month_start(_month_of(time_ms))
    return time_ms - (time_ms - (MONDAY if interval == "1w" else 0)) % LENGTHS[interval]


def moved(open_ms: int, interval: str, count: int) -> int:
    """The beginning of the interval `count` after (below 0: before) the one that begins at `open_ms`."""
    if interval == MONTH:
        return _month_start(max(0, _month_of(open_ms) + count))
    return open_ms + count * LENGTHS[interval]


def _month_of(time_ms: int) -> int:
    """Months since January 1970."""
    at = datetime.fromtimestamp(time_ms // 1_000, UTC)
    return (at.year - EPOCH_YEAR) * 12 + at.month - 1


def _month_start(month: int) -> int:
    year, month_before = divmod(month, 12)
    return int(datetime(EPOCH_YEAR + year, month_before + 1, 1, tzinfo=UTC).timestamp()) * 1_000
