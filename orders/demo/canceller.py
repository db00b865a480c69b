"""Somebody who cannot decide: places, amends and cancels orders of every kind, over REST."""

import asyncio
from typing import Any, Final

from orders.demo.desk import Desk, Rules

EVERY_S: Final = 0.8
OPEN_MAX: Final = 25
LIFE_S: Final = 12.0
WORTH: Final = (200.0, 4_000.0)  # dollars, roughly


class Canceller:
    """Keeps a few orders alive for a few seconds each."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lives: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Dither until canceled."""
        # Orders of an earlier life would stay for ever.
        await self._desk.attempt(self._desk.rest.call("DELETE", "/orders"))
        await self._desk.every(EVERY_S, self._round)

    async def _round(self) -> None:
        rules = self._desk.random.choice(list(self._desk.markets.values()))
        if not self._desk.is_open(rules.symbol):
            return
        if len(self._desk.orders) >= OPEN_MAX:
            await self._desk.attempt(self._desk.rest.call("DELETE", f"/orders?market={rules.symbol}"))
            return
        placed = await self._desk.attempt(self._desk.rest.call("POST", "/orders", self.order(rules)))
        if placed is not None and placed["status"] in {"open", "waiting"}:
            task = asyncio.create_task(self._live(rules, placed))
            self._lives.add(task)
            task.add_done_callback(self._lives.discard)

    def order(self, rules: Rules) -> dict[str, Any]:
        """Mostly a limit order in the book, sometimes a stop."""
        random = self._desk.random
        fair = self._desk.fair(rules.symbol)
        side, sign = random.choice((("buy", -1), ("sell", 1)))
        dollars = self._desk.fair("BTC-USDT") if rules.quote == "BTC" else 1.0
        size = rules.size(random.uniform(*WORTH) / dollars / fair)
        order: dict[str, Any] = {"market": rules.symbol, "side": side, "size": str(size), "stp": "decrement"}
        if random.random() < 0.12:
            stop = rules.price(fair * (1 - sign * random.uniform(0.002, 0.01)))
            return order | {"type": "market", "stop_price": str(stop)}
        return order | {"price": str(rules.price(fair * (1 + sign * random.uniform(0.0002, 0.004))))}

    async def _live(self, rules: Rules, order: dict[str, Any]) -> None:
        """An order's life: perhaps a change of mind about its price, then its end."""
        random = self._desk.random
        await asyncio.sleep(random.expovariate(1 / LIFE_S))
        path = f"/orders/{order['id']}"
        if order["status"] == "open" and random.random() < 0.4 and order["id"] in self._desk.orders:
            moved = rules.price(float(order["price"]) * random.uniform(0.9995, 1.0005))
            await self._desk.attempt(self._desk.rest.call("PATCH", path, {"price": str(moved)}))
            await asyncio.sleep(random.expovariate(1 / LIFE_S))
        if order["id"] in self._desk.orders:
            await self._desk.attempt(self._desk.rest.call("DELETE", path))
