"""The journal folded into the read models of trading. See matching.projection for how."""

from matching.projection import Clock, Part, Projection
from orders.projection.candles import Candles
from orders.projection.lists import Lists
from orders.projection.markets import Markets
from orders.projection.orders import Orders
from orders.projection.signed import SignedLeaves
from orders.projection.tickers import Tickers
from orders.projection.trades import Trades

NAME = "orders"


def make_projection(*, now_us: Clock | None = None) -> Projection:
    """The projection `orders`; `now_us` replaces the clock that ages the tickers."""
    candles = Candles()
    # Markets come first, since a ticker's row is made with its market's; candles before the tickers made of them.
    parts: list[Part] = [Markets(), Orders(), Lists(), SignedLeaves(), Trades(), candles, Tickers(candles)]
    return Projection(NAME, parts, now_us=now_us) if now_us else Projection(NAME, parts)
