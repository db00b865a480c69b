"""Random commands for the engines: mostly acceptable, often just wrong, now and then absurd.

The generator asks a Choice for every decision, so a seeded random number generator and hypothesis drive the same
code. It looks at a reference engine's state to name orders that exist, prices that cross and amounts that an
account can just afford; without that nearly every random command would be refused for the same few reasons.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from matching.engine import commands as c
from tests.engine.reference import ReferenceEngine
from tests.engine.reference_state import DAY_US, MAX_AMOUNT, MAX_PRICE, Market, Order

T = TypeVar("T")
Step = tuple[list[Any], int]

START_US = 1_700_000_000_000_000
SECOND_US = 1_000_000
EXTREMES = (
    -(2**200), -(2**63), -1, 0, 1, 2**31, MAX_PRICE, MAX_PRICE + 1, 2**63 - 1, 2**63, 2**64, MAX_AMOUNT,
    MAX_AMOUNT + 1, 2**200,
)  # fmt: skip
ASSETS = ((1, "BTC", 8), (2, "USDT", 6), (3, "ETH", 18))


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


def market_rules(market: int, **changes: Any) -> list[Any]:
    """The `market` command of market 1, 2 or 3 with its usual rules, or with `changes`."""
    rules: dict[str, Any] = {
        "market": market, "symbol": f"M{market}", "base": 1, "quote": 2, "lot_atoms": 1000, "unit": 7,
        "min_lots": 1, "max_lots": 200, "min_notional": 7007, "band_ppm": 100_000, "breaker_ppm": 8_000,
        "breaker_window_us": 10 * SECOND_US, "halt_us": 3 * SECOND_US, "reopen_us": 2 * SECOND_US, "max_orders": 8,
        "reference_price": 1000, "fees": [[1000, 2000], [0, 70_000]],
    }  # fmt: skip
    if market == 2:
        rules |= {"base": 3, "lot_atoms": 10**15, "unit": 1, "min_lots": 2, "breaker_ppm": 0, "band_ppm": 400_000}
        rules |= {"max_orders": 25, "reference_price": 500, "fees": [[0, 0]], "min_notional": 0}
    if market == 3:
        rules |= {"base": 3, "quote": 1, "lot_atoms": 3, "unit": 10**6, "halt_us": 0, "breaker_ppm": 60_000}
        rules |= {"reference_price": 60, "band_ppm": 300_000, "fees": [[0, 500_000], [1_000_000, 0], [999_999, 1]]}
    return c.market(**(rules | changes))


def opening() -> list[Step]:
    """Assets, markets and money: two rich accounts, a middling one, a poor one.

    Each deposit has a source of its own, so that shrinking may leave any of them out.
    """
    steps = [c.engine(version=1)]
    steps += [c.asset(asset=i, code=code, scale=scale) for i, code, scale in ASSETS]
    steps += [market_rules(market) for market in (1, 2, 3)]
    source = 0
    for account, share in ((1, 1000), (2, 1000), (3, 60), (4, 6)):
        for asset, amount in ((1, 10**9), (2, 50_000), (3, 10**16)):
            source += 1
            steps.append(c.deposit(source=source, index=1, account=account, asset=asset, amount=amount * share))
    return [(step, START_US) for step in steps]


class Generator:
    """Gives (command, time) pairs that suit the state of `engine`, which the caller drives with them."""

    def __init__(self, choice: Choice, engine: ReferenceEngine) -> None:
        self.choice, self.engine = choice, engine
        self.names = 0
        self.kinds = [kind for kind, weight in self.weights() for _ in range(weight)]

    def weights(self) -> Sequence[tuple[Callable[[], list[Any]], int]]:
        return (
            (self.place, 60), (self.amend, 14), (self.cancel, 4), (self.replace, 9), (self.tick, 2),
            (self.cancel_all, 1), (self.deadman, 1), (self.deposit, 4), (self.hold, 2), (self.end_withdrawal, 3),
            (self.transfer, 3), (self.state, 2), (self.market, 2), (self.tier, 1), (self.asset, 1), (self.version, 1),
        )  # fmt: skip

    def step(self) -> Step:
        self.time_us = self.next_time()
        command = self.reopen() if self.chance(5) else self.choice.one_of(self.kinds)()
        if self.chance(2):
            command = self.spoil(command)
        if self.chance(2):
            command[1] = self.time_us + self.choice.one_of((-1, 0, 1, 5))
        return command, self.time_us

    # Small decisions

    def chance(self, percent: int) -> bool:
        return self.choice.integer(0, 99) >= 100 - percent

    def next_time(self) -> int:
        roll, now = self.choice.integer(0, 99), max(self.engine.time_us, START_US)
        due = self.engine.next_due
        if roll < 70:
            return now + self.choice.integer(0, 3)
        ends = [m.window[0][0] + m.breaker_window_us for m in self.engine.markets.values() if m.window]
        if roll < 72 and ends and max(ends) > now:
            return max(now, max(ends) + self.choice.one_of((0, 1)))
        if roll < 98 or due is None or due < now:
            return now + self.choice.integer(0, SECOND_US // 4)
        if roll == 99 and self.chance(8):
            return now + self.choice.one_of((5 * SECOND_US, DAY_US - 1, DAY_US, 3 * DAY_US))
        return max(now, min(due, now + 2 * DAY_US) + self.choice.integer(-1, 1))

    def spoil(self, command: list[Any]) -> list[Any]:
        """Put something extreme into one field."""
        at = self.choice.integer(1, len(command) - 1)
        if isinstance(command[at], int):
            command[at] = self.choice.one_of(EXTREMES)
        elif isinstance(command[at], str):
            command[at] = self.choice.one_of(("", "nothing", "open", "x" * 64))
        else:
            command[at] = self.choice.one_of(([], [[-1, 0]], [[0, MAX_AMOUNT]], [[0, 0], [1_000_000, 1_000_000]]))
        return command

    def account(self) -> int:
        if self.chance(1):
            return self.choice.one_of((0, -1, 2**64))
        return self.choice.one_of((1, 2, 3, 1, 2, 4, 1, 2, 3, 5))

    def market_id(self) -> int:
        return self.choice.one_of((1, 2, 1, 3, 1, 4)) if self.chance(4) else self.choice.one_of((1, 2, 1, 3))

    def some_order(self) -> Order | None:
        """An open order; a waiting one only now and then, for it can't be amended."""
        orders = [o for o in self.engine.orders if o.where == "book"]
        if not orders or self.chance(15):
            orders = self.engine.orders
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
            if order.id == name["order"] or (order.client_id == name["client_id"] and order.account == name["account"]):
                return order
        return None

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

    # Orders

    def order(self) -> dict[str, Any]:
        """Fields of a new order, by the rules more often than not."""
        market_id = self.market_id()
        opened = [m.id for m in self.engine.markets.values() if m.state == "open"]
        if opened and not self.chance(15):
            market_id = self.choice.one_of(opened)
        market = self.engine.markets.get(market_id) or self.engine.markets[1]
        side = self.choice.one_of((c.BUY, c.SELL))
        price, size = self.price(market, side), self.size()
        order: dict[str, Any] = {"account": self.account(), "market": market_id, "side": side}
        kind = self.choice.integer(0, 99)
        if kind < 72:
            tif = self.choice.one_of((c.GTC, c.GTC, c.IOC, c.GTC, c.GTC, c.FOK, c.GTC, c.GTD))
            order |= {"price": price, "size": size, "tif": tif}
            order["post_only"] = int(tif in (c.GTC, c.GTD) and self.chance(30 if market.state == "open" else 80))
        elif kind < 84:
            order |= {"type": c.MARKET, "tif": c.IOC, "size": size}
            if self.chance(50):
                quote = MAX_AMOUNT + 1 if self.chance(4) else price * size * market.unit + self.choice.integer(0, 9)
                order |= {"size": 0, "quote": quote}
            if self.chance(40):
                order["account"] = self.choice.one_of((4, 5))
        else:
            away = self.choice.one_of((1, 2, 3, 5, 1, 2, 0))
            stop = max(0, market.last + (away if side == c.BUY else -away))
            order |= {"stop": stop, "size": size}
            if self.chance(60):
                order |= {"price": max(0, stop + self.choice.integer(-3, 3))}
                order |= {"tif": self.choice.one_of((c.GTC, c.IOC, c.FOK, c.GTD))}
            else:
                order |= {"type": c.MARKET, "tif": c.IOC}
                if self.chance(30):
                    order |= {"size": 0, "quote": stop * size * market.unit}
        makers = self.engine.book(market, 1 - side)
        if makers and self.chance(15):
            order["account"] = makers[0].account
        if order.get("tif") == c.GTD:
            order["expires_us"] = self.time_us + self.choice.integer(0, 9) * self.choice.one_of(
                (1, SECOND_US, 9 * SECOND_US)
            )
        order["stp"] = self.choice.one_of((0, 1, 2, 3, 4))
        if self.chance(4):
            order[self.choice.one_of(("post_only", "tif", "type", "stp", "side"))] = self.choice.integer(0, 5)
        return order | self.client_id()

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
        return c.amend(**named, price=price, size=size)

    def cancel(self) -> list[Any]:
        return c.cancel(**self.name_order())

    def cancel_all(self) -> list[Any]:
        return c.cancel_all(
            account=self.account(), market=self.choice.one_of((0, 1, 2, 3, 9)), side=self.choice.one_of((-1, 0, 1, 2))
        )

    def deadman(self) -> list[Any]:
        return c.deadman(
            account=self.account(), timeout_us=self.choice.one_of((0, 0, 5, 60, 3600, 0, DAY_US)) * SECOND_US
        )

    # Money

    def amount(self, account: int, asset: int) -> int:
        """What the account has, or one more, or a part."""
        available = self.engine.available(account, asset)
        return self.choice.one_of((available // 10, available // 100, 1, available // 3, available, available + 1, 0))

    def deposit(self) -> list[Any]:
        source = self.choice.one_of((1, 2))
        index = self.engine.sources.get(source, 0) + self.choice.one_of((1, 1, 1, 1, 0, 2))
        asset = self.choice.one_of((1, 2, 3, 1, 2, 3, 9))
        amount = self.choice.one_of((1, 4 * 10**8, 10**9, 10**10) if asset != 3 else (10**10, 10**17, 10**19))
        if self.chance(5):
            there = sum(total for (_, what), total in self.engine.totals.items() if what == asset)
            amount = MAX_AMOUNT - there + 1
        return c.deposit(source=source, index=index, account=self.account(), asset=asset, amount=amount)

    def hold(self) -> list[Any]:
        account, asset = self.account(), self.choice.one_of((1, 2, 3))
        withdrawal = len(self.engine.withdrawals) + self.choice.one_of((1, 1, 1, 0))
        return c.hold(withdrawal=withdrawal, account=account, asset=asset, amount=self.amount(account, asset))

    def end_withdrawal(self) -> list[Any]:
        withdrawal = self.choice.one_of((*list(self.engine.withdrawals)[-4:], len(self.engine.withdrawals) + 1))
        return self.choice.one_of((c.release, c.complete))(withdrawal=withdrawal)

    def transfer(self) -> list[Any]:
        source, asset = self.choice.one_of((0, 1, 2, 3, 4, 5)), self.choice.one_of((1, 2, 3))
        transfer = len(self.engine.transfers) + self.choice.one_of((1, 1, 1, 0))
        amount = self.amount(source, asset)
        return c.transfer(transfer=transfer, source=source, to=self.account(), asset=asset, amount=amount)

    # Rules

    def tick(self) -> list[Any]:
        return c.tick()

    def reopen(self) -> list[Any]:
        """Undo what lames a market: a state other than open, or rules changed before."""
        closed = [m.id for m in self.engine.markets.values() if m.state != "open"]
        if closed and self.chance(80):
            return c.state(market=self.choice.one_of(closed), state="open")
        return market_rules(self.choice.one_of((1, 2, 3)))

    def state(self) -> list[Any]:
        state = self.choice.one_of((*c.STATES, "open", "open", "open", "closed"))
        return c.state(market=self.market_id(), state=state)

    def market(self) -> list[Any]:
        """Rules as they were, or with one changed for a while."""
        changes: dict[str, Any] = self.choice.one_of(
            (
                {}, {}, {"max_lots": 15}, {"min_lots": 3}, {"band_ppm": 2_000}, {"breaker_ppm": 1_000},
                {"breaker_ppm": 3_000, "halt_us": SECOND_US, "reopen_us": 0}, {"breaker_window_us": 0},
                {"max_orders": 2},
                {"fees": [[500, 900]]}, {"min_notional": 50_000}, {"unit": 8}, {"base": 2}, {"base": 9}, {"fees": []},
                {"symbol": "other"}, {"max_orders": 100, "max_lots": 2**60, "band_ppm": 2_000_000},
            )
        )  # fmt: skip
        return market_rules(self.choice.one_of((1, 2, 3)), **changes)

    def tier(self) -> list[Any]:
        return c.tier(account=self.account(), tier=self.choice.one_of((0, 1, 2, 1000, 1001)))

    def asset(self) -> list[Any]:
        asset, code, scale = self.choice.one_of((*ASSETS, (4, "NEW", 0), (1, "BTC", 7), (5, "BIG", 31)))
        return c.asset(asset=asset, code=code, scale=scale)

    def version(self) -> list[Any]:
        return c.engine(version=self.choice.one_of((1, 2, 0)))


def history(seed: int | str, length: int) -> list[Step]:
    """The opening and `length` random steps after it."""
    engine = ReferenceEngine()
    steps = opening()
    for command, time_us in steps:
        engine.apply(command, time_us)
    generator = Generator(SeededChoice(seed), engine)
    for _ in range(length):
        steps.append(generator.step())
        engine.apply(*steps[-1])
    return steps
