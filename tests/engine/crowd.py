"""Random commands for deep books: hundreds of orders at hundreds of prices, then most of them leave."""

from collections.abc import Callable, Sequence
from typing import Any

from matching.engine import commands as c
from tests.engine.generate import SECOND_US, START_US, Generator, Step, market_rules, opening
from tests.engine.reference_state import Market


class CrowdGenerator(Generator):
    """Few rules, rich accounts, deep books of many prices, then waves that clear them: what small books never show."""

    clearing = False

    def weights(self) -> Sequence[tuple[Callable[[], list[Any]], int]]:
        return ((self.place, 74), (self.amend, 9), (self.cancel, 8), (self.replace, 8), (self.tick, 1))

    def step(self) -> Step:
        """Orders gather up to six hundred, then they leave by cancels, sweeps and a crash until few are left."""
        self.time_us = self.engine.time_us + self.choice.integer(0, SECOND_US)
        many = len(self.engine.orders)
        self.clearing = many > 20 if self.clearing else many > 600
        if not self.clearing:
            return super().step()
        if not self.chance(2):
            order = self.choice.one_of(self.engine.orders)
            return c.cancel(account=order.account, order=order.id), self.time_us
        sweep = c.cancel_all(account=self.account(), market=self.choice.one_of((1, 2)), side=self.choice.one_of((0, 1)))
        crash = c.place(account=1, market=1, side=self.choice.one_of((0, 1)), type=c.MARKET, tif=c.IOC, size=900)
        return self.choice.one_of((sweep, crash)), self.time_us

    def account(self) -> int:
        return self.choice.integer(1, 4)

    def reopen(self) -> list[Any]:
        return crowd_rules(self.choice.one_of((1, 2)))

    def order(self) -> dict[str, Any]:
        """Two thirds plain orders and stops far from the last price, the rest as ever."""
        if self.chance(33):
            return super().order()
        market, side = self.engine.markets[self.choice.one_of((1, 2))], self.choice.one_of((c.BUY, c.SELL))
        price = self.price(market, side)
        order = {"account": self.account(), "market": market.id, "side": side, "size": self.size(), "price": price}
        if self.chance(40):
            order["stop"] = market.last + abs(market.last - price) * (1 if side == c.BUY else -1)
            order["price"] = order["stop"]
        if self.chance(50):
            order |= {"tif": c.GTD, "expires_us": self.time_us + self.choice.integer(1, 9_000 * SECOND_US)}
        return order | {"stp": self.choice.one_of((0, 1, 2, 3, 4))} | self.client_id()

    def size(self) -> int:
        return self.choice.integer(2, 9)

    def price(self, market: Market, side: int) -> int:
        away = self.choice.integer(-1, 150)
        return max(1, market.last + (-away if side == c.BUY else away))


def crowd_rules(market: int) -> list[Any]:
    return market_rules(market, max_orders=10_000, breaker_ppm=0, band_ppm=300_000, max_lots=1_000, min_notional=0)


def crowd_opening() -> list[Step]:
    riches = [
        c.deposit(source=50 + account, index=asset, account=account, asset=asset, amount=10**25)
        for account in range(1, 5)
        for asset in (1, 2, 3)
    ]
    return opening() + [(step, START_US) for step in (*riches, crowd_rules(1), crowd_rules(2))]
