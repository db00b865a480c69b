"""What every demo trader has: the markets' rules, its own orders and balances as the exchange tells them, its calls."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from decimal import ROUND_FLOOR, Decimal
from random import Random
from typing import Any, Final

from orders.demo.client import Refused, Rest, Stream
from orders.demo.fair import fair_price

log = logging.getLogger(__name__)

# How far from the last trade a quote may lie, relatively.
STRAY: Final = 0.05
OPEN_STATUSES: Final = frozenset({"open", "partially_filled", "waiting"})
# Reasons not worth a line in the log: the market moved, or somebody was faster.
EXPECTED: Final = frozenset(
    {"unknown_order", "post_only_would_cross", "insufficient_balance", "stop_would_trigger", "price_band",
     "market_halted", "market_post_only", "market_cancel_only", "overloaded", "unreachable", "rate_limited",
     "unknown_outcome", "unavailable", "deadline_passed", "signature_stale"}
)  # fmt: skip


class Rules:
    """A market's steps, from GET /markets."""

    def __init__(self, market: dict[str, Any]) -> None:
        self.symbol: str = market["symbol"]
        self.base: str = market["base"]
        self.quote: str = market["quote"]
        self.tick = Decimal(market["tick_size"])
        self.lot = Decimal(market["lot_size"])
        self.min_notional = Decimal(market["min_notional"])

    def price(self, value: float) -> Decimal:
        """The tick at or below an opinion of a price, one tick at least."""
        return max(self.tick, floor_to(Decimal(repr(value)), self.tick))

    def size(self, value: float) -> Decimal:
        """The lot at or below a wish for a size, one lot at least."""
        return max(self.lot, floor_to(Decimal(repr(value)), self.lot))


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The multiple of `step` at or below `value`."""
    return (value / step).to_integral_value(ROUND_FLOOR) * step


class Desk:
    """One trader's view of the exchange. `run` keeps it fresh; call everything else once it is `ready`."""

    def __init__(self, *, rest: Rest, stream: Stream, seed: int, name: str) -> None:
        self.rest = rest
        self.stream = stream
        self.name = name
        self.random = Random(f"{seed}/{name}")  # noqa: S311  demo data, no secret
        self.markets: dict[str, Rules] = {}
        self.orders: dict[int, dict[str, Any]] = {}
        self.balances: dict[str, Decimal] = {}
        self.tickers: dict[str, dict[str, Any]] = {}
        self._seed = seed
        stream.listen("orders", self._take_orders)
        stream.listen("balances", self._take_balances)
        stream.listen("ticker", self._take_ticker)

    async def prepare(self) -> None:
        """Learn the markets and wait for the first connection."""
        while not self.markets:
            found = await self.attempt(self.rest.call("GET", "/markets"))
            self.markets = {market["symbol"]: Rules(market) for market in (found or {}).get("markets", ())}
            await asyncio.sleep(0 if self.markets else 1)
        await self.stream.ready.wait()

    def fair(self, symbol: str) -> float:
        """What this trader thinks that a market is worth now, but not too far from the last trade.

        After a long pause the opinion may have left the market's price band, where no order is taken.
        """
        opinion = fair_price(symbol, seed=self._seed, time_s=time.time())
        last = self.tickers.get(symbol, {}).get("last")
        return opinion if last is None else min(max(opinion, float(last) * (1 - STRAY)), float(last) * (1 + STRAY))

    def is_open(self, symbol: str) -> bool:
        """Whether the market takes all kinds of orders, as far as known."""
        return self.tickers.get(symbol, {}).get("state", "open") == "open"

    def mine(self, symbol: str) -> list[dict[str, Any]]:
        """Open orders in a market."""
        return [order for order in self.orders.values() if order["market"] == symbol]

    async def attempt(self, call: Awaitable[dict[str, Any]]) -> dict[str, Any] | None:
        """The answer, or None when it was refused; waits if the exchange asked for that."""
        try:
            return await call
        except Refused as refused:
            if refused.code not in EXPECTED:
                log.warning("%s: %s", self.name, refused)
            if refused.wait_s:
                await asyncio.sleep(refused.wait_s * self.random.uniform(1, 2))
            return None

    async def every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` again and again, about every `seconds`, while connected."""
        while True:
            await self.stream.ready.wait()
            await work()
            await asyncio.sleep(seconds * self.random.uniform(0.7, 1.3))

    def _take_orders(self, message: dict[str, Any]) -> None:
        if message["type"] == "snapshot":
            self.orders.clear()
        for order in message["orders"]:
            if order["status"] in OPEN_STATUSES:
                self.orders[order["id"]] = order
            else:
                self.orders.pop(order["id"], None)

    def _take_balances(self, message: dict[str, Any]) -> None:
        for balance in message["balances"]:
            self.balances[balance["asset"]] = Decimal(balance["available"])

    def _take_ticker(self, message: dict[str, Any]) -> None:
        ticker = message["ticker"]
        self.tickers[ticker["market"]] = ticker
