"""A market maker: keeps a ladder of post-only orders around the fair price in every market, over the socket.

It holds no plan in memory: each round compares the orders it should have with those that the exchange says it has.
So a restart, a lost reply or a fill needs no special care. A dead-man switch takes the ladder away should it die.
"""

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Final

from orders.demo.desk import Desk, Rules

ROUND_S: Final = 1.2
DEAD_MAN_MS: Final = 30_000
DEAD_MAN_EVERY_S: Final = 8.0
SIDES: Final = (("buy", -1), ("sell", 1))


@dataclass(frozen=True, slots=True)
class Style:
    """How a maker quotes: the first level's distance from the fair price, each next one's, and sizes in USDT or so."""

    levels: int
    first: float
    growth: float
    worth: float
    # A level may be off by this part of its distance before it is moved.
    slack: float = 0.35


STYLES: Final = {
    "maker-1": Style(levels=7, first=0.0001, growth=1.6, worth=2_500),
    "maker-2": Style(levels=10, first=0.0003, growth=1.65, worth=9_000),
}


@dataclass(frozen=True, slots=True)
class Quote:
    """One order that should stand in the book."""

    side: str
    price: Decimal
    size: Decimal
    slack: Decimal


class Maker:
    """Runs one ladder in each market."""

    def __init__(self, desk: Desk, style: Style) -> None:
        self._desk = desk
        self._style = style

    async def run(self) -> None:
        """Quote until canceled."""
        await asyncio.gather(
            self._desk.every(DEAD_MAN_EVERY_S, self._hold_switch),
            *(self._desk.every(ROUND_S, partial(self._round, rules)) for rules in self._desk.markets.values()),
        )

    async def _hold_switch(self) -> None:
        await self._desk.attempt(self._desk.stream.ask("order.dead_man", params={"timeout_ms": DEAD_MAN_MS}))

    async def _round(self, rules: Rules) -> None:
        """Move what is off, in one batch of cancels and one of new orders."""
        if not self._desk.is_open(rules.symbol):
            return
        cancels, quotes = compare(self.ladder(rules), self._desk.mine(rules.symbol))
        stream = self._desk.stream
        calls = []
        if cancels:
            names = [{"order_id": order_id} for order_id in cancels]
            calls.append(self._desk.attempt(stream.ask("order.cancel_batch", params={"orders": names})))
        if quotes:
            orders = [_order(rules, quote) for quote in quotes]
            calls.append(self._desk.attempt(stream.ask("order.batch", params={"orders": orders})))
        # Both are on their way before the first is answered, and the exchange keeps their order.
        await asyncio.gather(*calls)

    def ladder(self, rules: Rules) -> list[Quote]:
        """The orders that should stand, from the best on."""
        fair = self._desk.fair(rules.symbol)
        # ETH-BTC counts in bitcoin: sizes are meant in dollars, roughly.
        dollars = self._desk.fair("BTC-USDT") if rules.quote == "BTC" else 1.0
        quotes = []
        for level in range(self._style.levels):
            distance = self._style.first * self._style.growth**level
            worth = self._style.worth * (1 + level / 2) * self._desk.random.uniform(0.6, 1.4)
            for side, sign in SIDES:
                price = rules.price(fair * (1 + sign * distance))
                size = rules.size(worth / dollars / fair)
                slack = max(rules.tick, Decimal(repr(fair * distance * self._style.slack)))
                quotes.append(Quote(side, price + (rules.tick if sign > 0 else 0), size, slack))
        return quotes


def compare(wanted: list[Quote], have: list[dict[str, Any]]) -> tuple[list[int], list[Quote]]:
    """Ids of orders to cancel, and quotes to place: an order near enough and not eaten up serves its quote."""
    free = {order["id"]: order for order in have}
    missing = []
    for quote in wanted:
        serving = next((order["id"] for order in free.values() if _serves(order, quote)), None)
        if serving is None:
            missing.append(quote)
        else:
            del free[serving]
    return list(free), missing


def _serves(order: dict[str, Any], quote: Quote) -> bool:
    return (
        order["side"] == quote.side
        and abs(Decimal(order["price"]) - quote.price) <= quote.slack
        and Decimal(order["remaining_size"]) * 3 >= quote.size
    )


def _order(rules: Rules, quote: Quote) -> dict[str, Any]:
    return {
        "market": rules.symbol, "side": quote.side, "price": str(quote.price), "size": str(quote.size),
        "post_only": True, "stp": "cancel_oldest",
    }  # fmt: skip
