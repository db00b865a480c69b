"""Rate limits: fixed windows, per tier, from settings.RATE_LIMITS.

Orders (every write counts, a batch once per item) are counted in Redis for the whole exchange, in the same
round trip as the replay check (accounts/gate.py). Other requests are counted in each process, which costs no
round trip: with N web processes a client may get up to N times their limit. They protect the processes, and
each process protects itself.
"""

import math
import threading
import time
from typing import NamedTuple

from django.conf import settings

from accounts.problems import Problem

COUNTERS_MAX = 50_000


class Limit(NamedTuple):
    """So many units in a window of so many seconds."""

    units: int
    window_s: int


class Allowance(NamedTuple):
    """Where a caller stands after a request."""

    limit: int
    remaining: int
    reset_s: int
    # Orders of the account in this window and today (UTC), of a write that places some.
    placed_in_window: int = 0
    placed_today: int = 0

    def headers(self) -> dict[str, str]:
        """The RateLimit headers."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_s),
        }


def limit_of(tier: str, what: str) -> Limit:
    """The tier's limit on "orders" or "requests"; an unknown tier is the standard one."""
    tiers = settings.RATE_LIMITS
    return Limit(*tiers.get(tier, tiers["standard"])[what])


def refuse(allowance: Allowance) -> Problem:
    """The 429 of a caller who used up a limit."""
    headers = {**allowance.headers(), "Retry-After": str(max(1, allowance.reset_s))}
    return Problem("rate_limited", f"at most {allowance.limit} in the window", headers=headers)


_counters: dict[tuple[str, int], int] = {}
_lock = threading.Lock()


def take(name: str, limit: Limit, units: int = 1) -> Allowance:
    """Count `units` for `name` in this process. Raises Problem rate_limited; a refused request isn't counted."""
    now = time.time()
    window = int(now) // limit.window_s
    reset_s = max(1, math.ceil((window + 1) * limit.window_s - now))
    counter = (name, window)
    with _lock:
        used = _counters.get(counter, 0) + units
        if used > limit.units:
            raise refuse(Allowance(limit.units, max(0, limit.units - used + units), reset_s))
        if len(_counters) >= COUNTERS_MAX:
            _counters.clear()
        _counters[counter] = used
    return Allowance(limit.units, limit.units - used, reset_s)


def forget() -> None:
    """Start counting anew in this process."""
    with _lock:
        _counters.clear()
