"""What the demo markets are "worth": a rough, endless price that every trader computes for itself.

A sum of smooth noises with periods from seconds to days, each as strong as the square root of its period, looks
like a random walk but is a function of seed and time alone. So traders agree without talking to each other, a
restart goes on where the price is by then, and it never runs away for good. Pure.
"""

import math
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

PERIODS_S: Final = tuple(4 * 2**n for n in range(16))  # 4 s … 1.5 days
# A standard deviation of about 0.13 % a minute: a lively crypto market.
ROUGHNESS: Final = 0.00013
BASES: Final[Mapping[str, float]] = {"BTC-USDT": 60_000.0, "ETH-USDT": 3_000.0}
# Priced by the two others, so that there is nothing to gain by going round.
CROSSES: Final[Mapping[str, tuple[str, str]]] = {"ETH-BTC": ("ETH-USDT", "BTC-USDT")}


def fair_price(symbol: str, *, seed: int, time_s: float) -> float:
    """The price of a market at a time (seconds since the epoch). A float: it is an opinion, not money."""
    if symbol in CROSSES:
        one, other = CROSSES[symbol]
        return fair_price(one, seed=seed, time_s=time_s) / fair_price(other, seed=seed, time_s=time_s)
    drift = sum(
        ROUGHNESS * math.sqrt(period) * _noise(f"{seed}/{symbol}/{period}", time_s / period) for period in PERIODS_S
    )
    return BASES[symbol] * math.exp(drift)


def _noise(name: str, at: float) -> float:
    """Smooth noise between -1 and 1 with a new value at every whole `at`."""
    before = math.floor(at)
    part = at - before
    weight = (1 - math.cos(math.pi * part)) / 2
    return _value(name, before) * (1 - weight) + _value(name, before + 1) * weight


def _value(name: str, at: int) -> float:
    digest = blake2b(f"{name}/{at}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**63 - 1
