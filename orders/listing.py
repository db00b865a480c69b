"""The markets as writes need them: number and scale by symbol, kept in this process.

Only what never changes about a market is kept, so an entry cannot go stale; the matcher judges rules and state.
"""

import logging
import threading
import time
from dataclasses import dataclass

from accounts.problems import Problem
from matching import borrowing
from orders.models import Market
from orders.scales import InexactScale, MarketScale

log = logging.getLogger(__name__)

# A symbol nobody knows asks the database again after this time at the earliest.
RELOAD_S = 1.0


@dataclass(frozen=True, slots=True)
class Listed:
    """A market's identity and numbers."""

    id: int
    symbol: str
    base_code: str
    quote_code: str
    scale: MarketScale


_by_symbol: dict[str, Listed] = {}
_by_id: dict[int, Listed] = {}
_lock = threading.Lock()
_loaded_at = 0.0


def by_symbol(symbol: str) -> Listed:
    """Raises Problem unknown_market."""
    market = _by_symbol.get(symbol)
    if market is None:
        _reload()
        market = _by_symbol.get(symbol)
        if market is None:
            raise Problem("unknown_market", f"no market {symbol}")
    return market


def by_id(market_id: int) -> Listed:
    """A market that something stored or executed names. Raises Problem unavailable: the read model lacks it yet."""
    market = _by_id.get(market_id)
    if market is None:
        _reload()
        market = _by_id.get(market_id)
        if market is None:
            raise Problem("unavailable", f"market {market_id} is not known here yet")
    return market


def all_markets() -> list[Listed]:
    """Every market, by id; one that was just listed may be missing for a second."""
    if time.monotonic() - _loaded_at >= RELOAD_S:
        _reload()
    return [_by_id[market_id] for market_id in sorted(_by_id)]


def forget() -> None:
    """Read all markets anew at the next question."""
    global _loaded_at  # noqa: PLW0603  the process's one list
    with _lock:
        _by_symbol.clear()
        _by_id.clear()
        _loaded_at = 0.0


def _reload() -> None:
    global _loaded_at  # noqa: PLW0603  the process's one list
    if time.monotonic() - _loaded_at < RELOAD_S:
        return
    # Whoever reads them needs a connection: those who wait behind it must not have them all.
    borrowing.give_back()
    with _lock:
        if time.monotonic() - _loaded_at < RELOAD_S:
            return
        for row in Market.objects.all():
            try:
                market = Listed(row.pk, row.symbol, row.base_code, row.quote_code, MarketScale(row))
            except InexactScale as error:
                # The engine refuses such markets; one in an old journal must not take all others with it.
                log.error("market %s is left out: %s", row.symbol, error)
                continue
            _by_symbol[row.symbol] = market
            _by_id[row.pk] = market
        _loaded_at = time.monotonic()
