"""Random orders for the engines: prices that cross, stops that trigger, icebergs, and names of orders that exist.

Every decision is a Choice's, so a seeded random number generator and hypothesis drive the same code.
"""

import random
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from matching.engine import commands as c
from tests.engine.reference import ReferenceEngine
from tests.engine.reference_state import DAY_US, MAX_AMOUNT, MAX_PRICE, Market, Order, rises

__all__ = ["DAY_US", "EXTREMES", "SECOND_US", "START_US", "Choice", "OrderDecisions", "SeededChoice"]

T = TypeVar("T")

START_US = 1_700_000_000_000_000
SECOND_US = 1_000_000
EXTREMES = (
    -(2**200), -(2**63), -1, 0, 1, 2**31, MAX_PRICE, MAX_PRICE + 1, 2**63 - 1, 2**63, 2**64, MAX_AMOUNT,
    MAX_AMOUNT + 1, 2**200,
)  # fmt: skip
# Some ticks at the prices of the three markets, and the bounds.
TRAILS = (1_000, 2_000, 3_000, 5_000, 1_000, 2_000, 10_000, 20_000, 40_000, 100, 99, 500_000, 500_001, -1)


class Choice(Protocol):
    """Where decisions come from; lower and earlier answers are the simpler ones."""

    def integer(self, low: int, high: int) -> int: ...

    def one_of(self, options: Sequence[T]) -> T: ...


class SeededChoice:
    """Decisions of a seeded generator: the same seed gives the same commands."""

    def __init__(self, seed: int | str) -> None:
        self.random = random.Random(seed)

    def integer(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def one_of(self, options: Sequence[T]) -> T:
        return options[self.random.randrange(len(options))]


class OrderDecisions:
    """Single orders that suit the state of `engine`, and what is done with them."""

    time_us = START_US

    def __init__(self, choice: Choice, engine: ReferenceEngine) -> None:
        self.choice, self.engine = choice, engine
        self.names = 0

    def chance(self, percent: int) -> bool:
        return self.choice.integer(0, 99) >= 100 - percent

    # Who, where, which

    def account(self) -> int:
        if self.chance(1):
            return self.choice.one_of((0, -1, 2**64))
        return self.choice.one_of((1, 2, 3, 1, 2, 4, 1, 2, 3, 5))

    def market_id(self) -> int:
        return self.choice.one_of((1, 2, 1, 3, 1, 4)) if self.chance(4) else self.choice.one_of((1, 2, 1, 3))

    def busy_market_id(self) -> int:
        """A market that is open, more often than not."""
        market_id = self.market_id()
        opened = [m.id for m in self.engine.markets.values() if m.state == "open"]
        if opened and not self.chance(15):
            market_id = self.choice.one_of(opened)
        return market_id

    def some_order(self) -> Order | None:
        """An open order; a waiting one only now and then, for it can't be amended, sometimes an iceberg or a leg."""
        orders = [o for o in self.engine.orders if o.where == "book"]
        if not orders or self.chance(15):
            orders = self.engine.orders
        if self.chance(15):
            orders = [o for o in self.engine.orders if o.hidden and o.where == "book"] or orders
        if self.chance(8):
            orders = [o for o in self.engine.orders if o.of_list] or orders
        return self.choice.one_of(orders) if orders else None

    def name_order(self) -> dict[str, Any]:
        """Account and order, by id or by client id; sometimes somebody else's, sometimes nobody's."""
        order = self.some_order()
        if order is None or self.chance(6):
            return {"account": self.account(), "order": self.choice.one_of((0, 1, 7, 10**6)), "client_id": "gone"}
        account = self.account() if self.chance(3) else order.account
        if order.client_id and self.chance(50):
            return {"account": account, "order": 0, "client_id": order.client_id}
        return {"account": account, "order": order.id, "client_id": ""}

    def named(self, name: dict[str, Any]) -> Order | None:
        for order in self.engine.orders:
            by_client_id = order.client_id == name["client_id"] != "" and order.account == name["account"]
            if order.id == name["order"] or by_client_id:
                return order
        return None

    def client_id(self) -> dict[str, Any]:
        if self.chance(60):
            return {}
        used = self.engine.closed + self.engine.orders
        if used and self.chance(20):
            old = self.choice.one_of(used)
            same = self.chance(50)
            return {
                "client_id": old.client_id,
                "fingerprint": old.fingerprint + (0 if same else 1),
                "account": old.account,
            }
        self.names += 1
        return {"client_id": f"c{self.names}", "fingerprint": self.names}

    # How much, for what

    def price(self, market: Market, side: int) -> int:
        """Around the last price: mostly a little on the passive side, often crossing, sometimes out of the band."""
        away = self.choice.one_of((1, 2, 0, -1, 3, -2, 4, 1, 2, -4, 6, 9, 5)) if not self.chance(3) else 150
        pull = (market.last < market.reference_price) - (market.last > market.reference_price)
        return max(0, market.last + pull + (-away if side == c.BUY else away))

    def size(self) -> int:
        return (
            self.choice.one_of((1, 2, 3, 5, 8, 2, 4, 10, 20, 1, 30))
            if not self.chance(2)
            else self.choice.one_of((200, 201, 15, 0))
        )

    def display(self) -> int:
        return self.choice.one_of((1, 2, 3, 1, 2, 5)) if not self.chance(4) else self.choice.one_of((0, -1, 40, 2**200))

    def expires_us(self) -> int:
        return self.time_us + self.choice.integer(0, 9) * self.choice.one_of((1, SECOND_US, 9 * SECOND_US))

    # Orders

    def order(self) -> dict[str, Any]:
        """Fields of a new order, by the rules more often than not."""
        market_id = self.busy_market_id()
        market = self.engine.markets.get(market_id) or self.engine.markets[1]
        side = self.choice.one_of((c.BUY, c.SELL))
        order = {"account": self.account(), "market": market_id, "side": side} | self.content(market, side)
        if order.get("type") == c.MARKET and self.chance(40):
            order["account"] = self.choice.one_of((4, 5))
        makers = self.engine.book(market, 1 - side)
        if makers and self.chance(15):
            order["account"] = makers[0].account
        return order | self.client_id()

    def content(self, market: Market, side: int) -> dict[str, Any]:
        """What an order is for, without who, where and its name."""
        price, size = self.price(market, side), self.size()
        kind = self.choice.integer(0, 99)
        if kind < 68:
            tif = self.choice.one_of((c.GTC, c.GTC, c.IOC, c.GTC, c.GTC, c.FOK, c.GTC, c.GTD))
            order: dict[str, Any] = {"price": price, "size": size, "tif": tif}
            order["post_only"] = int(tif in (c.GTC, c.GTD) and self.chance(30 if market.state == "open" else 80))
        elif kind < 80:
            order = {"type": c.MARKET, "tif": c.IOC, "size": size}
            if self.chance(50):
                quote = MAX_AMOUNT + 1 if self.chance(4) else price * size * market.unit + self.choice.integer(0, 9)
                order |= {"size": 0, "quote": quote}
        else:
            order = self.conditional(market, side, size)
        if order.get("tif") == c.GTD:
            order["expires_us"] = self.expires_us()
        if order.get("price") and order.get("tif", c.GTC) in (c.GTC, c.GTD) and self.chance(30):
            order["display"] = self.display()
            if self.chance(3):
                order["size"] = 10 * max(1, order["display"]) + self.choice.integer(0, 1)
        order["stp"] = self.choice.one_of((0, 1, 2, 3, 4))
        if self.chance(4):
            name = self.choice.one_of(("post_only", "tif", "type", "stp", "trigger", "trail", "display"))
            order[name] = self.choice.integer(0, 5)
        return order

    def conditional(self, market: Market, side: int, size: int) -> dict[str, Any]:
        """A stop, a take-profit or a trailing one, with a limit or at market."""
        trigger = self.choice.one_of((c.STOP, c.TAKE_PROFIT))
        away = self.choice.one_of((1, 2, 3, 5, 1, 2, 0))
        stop = max(0, market.last + (away if rises(side, trigger) else -away))
        order: dict[str, Any] = {"trigger": trigger, "stop": stop, "size": size}
        around = stop
        if self.chance(35):
            order["trail"] = self.choice.one_of(TRAILS)
            if self.chance(60):
                order["stop"], around = 0, market.last
        if self.chance(60):
            order |= {"price": max(0, around + self.choice.integer(-3, 3))}
            order |= {"tif": self.choice.one_of((c.GTC, c.IOC, c.FOK, c.GTD))}
        else:
            order |= {"type": c.MARKET, "tif": c.IOC}
            if self.chance(30):
                order |= {"size": 0, "quote": around * size * market.unit}
        return order

    def place(self) -> list[Any]:
        return c.place(**self.order())

    def replace(self) -> list[Any]:
        target = self.name_order()
        order = self.order()
        named = self.named(target)
        if named and not self.chance(5):
            order["market"] = named.market.id
            order["account"] = target["account"]
            if order.get("price") and not order.get("stop"):
                order["price"] = self.price(named.market, order["side"])
        return c.replace(target_order=target["order"], target_client_id=target["client_id"], **order)

    def amend(self) -> list[Any]:
        named = self.name_order()
        order = self.named(named)
        price = size = 0
        if order and not self.chance(30):
            price = self.price(order.market, order.side)
        if order and not self.chance(30):
            size = max(0, order.size + self.choice.integer(-4, 3))
            if order.display and self.chance(5):
                size = 10 * order.display + self.choice.integer(0, 1)
        return c.amend(**named, price=price, size=size, keep=int(self.chance(15)))

    def cancel(self) -> list[Any]:
        only = self.choice.one_of((c.ANY, c.UNFILLED, c.PARTLY_FILLED, c.ANY)) if self.chance(40) else c.ANY
        return c.cancel(**self.name_order(), only=only)

    def cancel_all(self) -> list[Any]:
        return c.cancel_all(
            account=self.account(), market=self.choice.one_of((0, 1, 2, 3, 9)), side=self.choice.one_of((-1, 0, 1, 2))
        )

    def deadman(self) -> list[Any]:
        return c.deadman(
            account=self.account(), timeout_us=self.choice.one_of((0, 0, 5, 60, 3600, 0, DAY_US)) * SECOND_US
        )
