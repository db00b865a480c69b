"""Rate limits: fixed windows, per tier, from settings.RATE_LIMITS.

Orders (every write counts, a batch once per item) are counted in Redis for the whole exchange, in the same
round trip as the replay check (accounts/gate.py). Other requests are counted in each process, which costs no
round trip: with N web processes a client may get up to N times their limit. They protect the processes, and
each process protects itself.
"""

import math
import threading
import time
from collections import OrderedDict
from typing import NamedTuple

from django.conf import settings

from accounts import network
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


# By name and window, those used last at the end: when there are too many, whoever has been quiet longest is forgotten.
_counters: OrderedDict[tuple[str, int], int] = OrderedDict()
_lock = threading.Lock()


def take(name: str, limit: Limit, units: int = 1) -> Allowance:
    """Count `units` for `name` in this process. Raises Problem rate_limited; a refused request isn't counted."""
    window, reset_s = _window(limit)
    with _lock:
        before = _counters.get((name, window), 0)
        used = before + units
        if used > limit.units:
            raise refuse(Allowance(limit.units, max(0, limit.units - before), reset_s))
        _keep((name, window), used)
    return Allowance(limit.units, limit.units - used, reset_s)


def take_public(address: str) -> Allowance:
    """Count a request of nobody in particular, by its address. Raises Problem rate_limited."""
    return take(f"address {network.party(address)}", limit_of("public", "requests"))


def require(name: str, limit: Limit) -> None:
    """Raises Problem rate_limited if `name` has used up its limit; counts nothing."""
    window, reset_s = _window(limit)
    if _counters.get((name, window), 0) >= limit.units:
        raise refuse(Allowance(limit.units, 0, reset_s))


def count(name: str, limit: Limit) -> None:
    """Count one for `name`, whatever its limit says."""
    window, _ = _window(limit)
    with _lock:
        _keep((name, window), _counters.get((name, window), 0) + 1)


def _window(limit: Limit) -> tuple[int, int]:
    """Which window it is, and in how many seconds it ends."""
    now = time.time()
    window = int(now) // limit.window_s
    return window, max(1, math.ceil((window + 1) * limit.window_s - now))


def _keep(counter: tuple[str, int], used: int) -> None:
    _counters[counter] = used
    _counters.move_to_end(counter)
    if len(_counters) > COUNTERS_MAX:
        _counters.popitem(last=False)


def forget() -> None:
    """Start counting anew in this process."""
    with _lock:
        _counters.clear()
