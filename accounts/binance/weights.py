"""Weights: every request of this dialect costs its address some, of so many a minute.

Beyond the limit: 429, and for those that go on regardless 418, a ban that doubles each time. Counted in each web
process, as /api/v1 counts its requests (accounts/limits.py); orders are counted for the whole exchange.
"""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from accounts import network
from accounts.binance.errors import Refusal

WINDOW_S: Final = 60
HEADER: Final = "X-MBX-USED-WEIGHT-1M"
# After so many refused requests in one window the address is banned.
REFUSED_MAX: Final = 100
BAN_S_FIRST: Final = 120
BAN_S_MAX: Final = 3 * 24 * 3600
ADDRESSES_MAX: Final = 50_000


@dataclass(slots=True)
class _Address:
    window: int = 0
    used: int = 0
    refused: int = 0
    bans: int = 0
    banned_until_s: float = 0.0


# Those heard of last at the end: when there are too many, whoever has been quiet longest is forgotten.
_addresses: OrderedDict[str, _Address] = OrderedDict()
_lock = threading.Lock()


def limit() -> int:
    """The weight an address may use in a minute."""
    return int(settings.BINANCE_WEIGHT_PER_MINUTE)


def take(address: str, weight: int) -> int:
    """Count a request; the weight used in this minute, it included (of IPv6, by the /64).

    Raises Refusal -1003 with 429 or 418.
    """
    now, party = time.time(), network.party(address)
    window = int(now) // WINDOW_S
    most = limit()
    with _lock:
        at = _addresses.get(party)
        if at is None:
            at = _addresses[party] = _Address()
            if len(_addresses) > ADDRESSES_MAX:
                _addresses.popitem(last=False)
        _addresses.move_to_end(party)
        if at.banned_until_s > now:
            raise _banned(at.banned_until_s, now)
        if at.window != window:
            at.window, at.used, at.refused = window, 0, 0
        if at.used + weight <= most:
            at.used += weight
            return at.used
        at.refused += 1
        if at.refused > REFUSED_MAX:
            at.banned_until_s = now + min(BAN_S_MAX, BAN_S_FIRST * 2**at.bans)
            at.bans = min(at.bans + 1, 12)
            raise _banned(at.banned_until_s, now)
        used = at.used
    raise Refusal(
        -1003,
        f"Too much request weight used; current limit is {most} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
        429,
        headers={HEADER: str(used), "Retry-After": str(max(1, int((window + 1) * WINDOW_S - now) + 1))},
    )


def _banned(until_s: float, now: float) -> Refusal:
    return Refusal(
        -1003,
        f"Way too much request weight used; IP banned until {int(until_s * 1000)}. "
        "Please use WebSocket Streams for live updates to avoid bans.",
        418,
        headers={"Retry-After": str(int(until_s - now) + 1)},
    )


def forget() -> None:
    """Start counting anew in this process."""
    with _lock:
        _addresses.clear()
