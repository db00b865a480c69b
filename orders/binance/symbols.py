"""Symbols as this dialect writes them: BTCUSDT is our BTC-USDT."""

from accounts.binance import errors
from accounts.binance.errors import refuse
from orders import listing
from orders.listing import Listed

_ours: dict[str, str] = {}


def name(symbol: str) -> str:
    """A market of ours as the dialect calls it."""
    return symbol.replace("-", "")


def listed(symbol: str) -> Listed:
    """The market behind a symbol; of two whose names fall together (AB-C, A-BC) the older one. Raises Refusal -1121."""
    ours = _ours.get(symbol)
    if ours is None:
        for market in listing.all_markets():
            _ours.setdefault(name(market.symbol), market.symbol)
        ours = _ours.get(symbol)
        if ours is None:
            raise refuse(errors.BAD_SYMBOL)
    return listing.by_symbol(ours)


def forget() -> None:
    """Learn the names anew."""
    _ours.clear()
