"""Random commands for the engines: mostly acceptable, often just wrong, now and then absurd.

The generator asks a Choice for every decision, so a seeded random number generator and hypothesis drive the same
code. It looks at a reference engine's state to name orders that exist, prices that cross and amounts that an
account can just afford; without that nearly every random command would be refused for the same few reasons.
"""

from collections.abc import Callable, Sequence
from typing import Any

from matching.engine import ENGINE_VERSION
from matching.engine import commands as c
from tests.engine.generate_lists import ListDecisions
from tests.engine.generate_orders import DAY_US, EXTREMES, SECOND_US, START_US, Choice, SeededChoice
from tests.engine.reference import ReferenceEngine
from tests.engine.reference_state import MAX_AMOUNT

__all__ = ["SECOND_US", "START_US", "Generator", "SeededChoice", "Step", "market_rules", "opening"]

Step = tuple[list[Any], int]

ASSETS = ((1, "BTC", 8), (2, "USDT", 6), (3, "ETH", 18))


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
        rules |= {"base": 3, "quote": 1, "lot_atoms": 5, "unit": 10**6, "halt_us": 0, "breaker_ppm": 60_000}
        rules |= {"reference_price": 60, "band_ppm": 300_000, "fees": [[0, 500_000], [1_000_000, 0], [999_999, 1]]}
    return c.market(**(rules | changes))


def opening() -> list[Step]:
    """Assets, markets and money: two rich accounts, a middling one, a poor one.

    Each deposit has a source of its own, so that shrinking may leave any of them out.
    """
    steps = [c.engine(version=ENGINE_VERSION)]
    steps += [c.asset(asset=i, code=code, scale=scale) for i, code, scale in ASSETS]
    steps += [market_rules(market) for market in (1, 2, 3)]
    source = 0
    for account, share in ((1, 1000), (2, 1000), (3, 60), (4, 6)):
        for asset, amount in ((1, 10**9), (2, 50_000), (3, 10**16)):
            source += 1
            steps.append(c.deposit(source=source, index=1, account=account, asset=asset, amount=amount * share))
    return [(step, START_US) for step in steps]


class Generator(ListDecisions):
    """Gives (command, time) pairs that suit the state of `engine`, which the caller drives with them."""

    def __init__(self, choice: Choice, engine: ReferenceEngine) -> None:
        super().__init__(choice, engine)
        self.kinds = [kind for kind, weight in self.weights() for _ in range(weight)]

    def weights(self) -> Sequence[tuple[Callable[[], list[Any]], int]]:
        return (
            (self.place, 60), (self.order_list, 12), (self.amend, 14), (self.cancel, 4),
            (self.replace, 9), (self.tick, 2), (self.key, 1),
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
        if command[0] == "list" and command[5]:
            leg = self.choice.one_of(command[5])
            leg[self.choice.integer(0, len(leg) - 2)] = self.choice.one_of(EXTREMES)
            return command
        at = self.choice.integer(1, len(command) - 1)
        if isinstance(command[at], int):
            command[at] = self.choice.one_of(EXTREMES)
        elif isinstance(command[at], str):
            command[at] = self.choice.one_of(("", "nothing", "open", "x" * 64))
        else:
            command[at] = self.choice.one_of(([], [[-1, 0]], [[0, MAX_AMOUNT]], [[0, 0], [1_000_000, 1_000_000]]))
        return command

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

    def key(self) -> list[Any]:
        """Refused: there is money already."""
        index = self.engine.sources.get(3, 0) + 1
        return c.key(source=3, index=index, account=self.account(), l2=1, custody=c.SELF_CUSTODY, x=1, y=2)

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
                {"symbol": "other"}, {"symbol": "M1\0"}, {"lot_atoms": 30},
                {"max_orders": 100, "max_lots": 2**60, "band_ppm": 2_000_000},
            )
        )  # fmt: skip
        return market_rules(self.choice.one_of((1, 2, 3)), **changes)

    def tier(self) -> list[Any]:
        return c.tier(account=self.account(), tier=self.choice.one_of((0, 1, 2, 1000, 1001)))

    def asset(self) -> list[Any]:
        asset, code, scale = self.choice.one_of((*ASSETS, (4, "NEW", 0), (6, "new", 0), (1, "BTC", 7), (5, "BIG", 31)))
        return c.asset(asset=asset, code=code, scale=scale)

    def version(self) -> list[Any]:
        return c.engine(version=self.choice.one_of((1, 2, 3, 0)))
