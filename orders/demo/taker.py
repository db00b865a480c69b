"""A crowd of takers in one account: market orders in clusters, leaning towards the fair price, over REST."""

import asyncio
import math
from typing import Any, Final

from orders.demo.arrivals import Arrivals
from orders.demo.desk import Desk, Rules, floor_to

WEIGHTS: Final = {"BTC-USDT": 0.5, "ETH-USDT": 0.33, "ETH-BTC": 0.17}
WORTH_MEDIAN: Final = 450.0  # dollars, roughly
WORTH_SPREAD: Final = 1.1
WORTH_MAX: Final = 40_000.0
# How far (relatively) the price must be from fair to turn the crowd clearly.
LEAN: Final = 0.0006


class Taker:
    """Sends what arrives."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._arrivals = Arrivals(desk.random, per_s=0.9, branching=0.6, decay_per_s=0.8)

    async def run(self) -> None:
        """Trade until canceled."""
        while True:
            await asyncio.sleep(self._arrivals.next_s())
            await self._desk.stream.ready.wait()
            rules = self._choose()
            if self._desk.is_open(rules.symbol):
                await self._desk.attempt(self._desk.rest.call("POST", "/orders", self.order(rules)))

    def _choose(self) -> Rules:
        markets = list(self._desk.markets.values())
        return self._desk.random.choices(markets, [WEIGHTS.get(rules.symbol, 0.1) for rules in markets])[0]

    def order(self, rules: Rules) -> dict[str, Any]:
        """A market order by size or by amount, or now and then a limit order that takes what it can at once."""
        random = self._desk.random
        fair = self._desk.fair(rules.symbol)
        side = "buy" if random.random() < self._buying(rules.symbol, fair) else "sell"
        dollars = self._desk.fair("BTC-USDT") if rules.quote == "BTC" else 1.0
        worth = min(WORTH_MEDIAN * random.lognormvariate(0, WORTH_SPREAD), WORTH_MAX) / dollars
        worth = max(worth, float(rules.min_notional) * 2)
        order: dict[str, Any] = {"market": rules.symbol, "side": side}
        kind = random.random()
        if kind < 0.15:
            price = rules.price(fair * (1.001 if side == "buy" else 0.999))
            return order | {"type": "limit", "tif": "ioc", "price": str(price), "size": str(rules.size(worth / fair))}
        if kind < 0.4 and side == "buy":
            step = rules.tick * rules.lot
            return order | {"type": "market", "quote_amount": str(floor_to(rules.min_notional.from_float(worth), step))}
        return order | {"type": "market", "size": str(rules.size(worth / fair))}

    def _buying(self, symbol: str, fair: float) -> float:
        """Likelihood of a buy: above a half when the market is below the fair price."""
        ticker = self._desk.tickers.get(symbol, {})
        if not ticker.get("bid") or not ticker.get("ask"):
            return 0.5
        middle = (float(ticker["bid"]) + float(ticker["ask"])) / 2
        return 1 / (1 + math.exp(-(fair - middle) / (middle * LEAN)))
