"""Random commands for tangles: a few accounts, a few prices, small orders, and most of them tied to others by lists.

What this reaches and the other generators seldom do: pairs whose both legs are in the queue, working legs that fill
each other, own icebergs met again and again, queues that wait out a halt and are cut into meanwhile.
"""

from collections.abc import Callable, Sequence
from typing import Any

from matching.engine import commands as c
from tests.engine.generate import SECOND_US, START_US, Generator, Step, market_rules, opening
from tests.engine.reference_state import Market


class TangleGenerator(Generator):
    """Three accounts in three markets whose prices are so low that a tick is a per cent, in the third a third."""

    def weights(self) -> Sequence[tuple[Callable[[], list[Any]], int]]:
        return (
            (self.place, 46), (self.order_list, 30), (self.amend, 6), (self.cancel, 4),
            (self.replace, 4), (self.tick, 4), (self.cancel_all, 1), (self.deadman, 1), (self.state, 3),
            (self.market, 1),
        )  # fmt: skip

    def account(self) -> int:
        return self.choice.one_of((1, 2, 3))

    def market_id(self) -> int:
        return self.choice.one_of((1, 2, 1, 2, 3))

    def size(self) -> int:
        return self.choice.one_of((1, 2, 3, 4, 2, 1, 6))

    def price(self, market: Market, side: int) -> int:
        away = self.choice.one_of((1, 0, -1, 2, -1, 1, 3, 0, -2, 4, -4))
        pull = (market.last < market.reference_price) - (market.last > market.reference_price)
        return max(1, market.last + pull + (-away if side == c.BUY else away))

    def expires_us(self) -> int:
        return self.time_us + self.choice.integer(1, 9) * self.choice.one_of((1, SECOND_US))

    def reopen(self) -> list[Any]:
        closed = [m.id for m in self.engine.markets.values() if m.state != "open"]
        if closed and self.chance(50):
            return c.state(market=self.choice.one_of(closed), state="open")
        return tangle_rules(self.choice.one_of((1, 2, 3)))

    def market(self) -> list[Any]:
        changes: dict[str, Any] = self.choice.one_of(
            ({"max_orders": 4}, {"max_lots": 3}, {"min_lots": 2}, {"band_ppm": 20_000}, {"min_notional": 300})
        )
        return tangle_rules(self.choice.one_of((1, 2, 3)), **changes)


def tangle_rules(market: int, **changes: Any) -> list[Any]:
    """Market 2 halts for a moment whenever its price moves by three ticks; market 3 is at the lowest prices."""
    rules = {
        "max_orders": 30, "band_ppm": 300_000, "min_notional": 0, "min_lots": 1, "breaker_ppm": 25_000 * (market == 2),
        "reference_price": 100, "halt_us": SECOND_US // 2, "reopen_us": SECOND_US // 4,
    }  # fmt: skip
    if market == 3:
        rules |= {"reference_price": 3, "band_ppm": 2_000_000}
    return market_rules(market, **(rules | changes))


def tangle_opening() -> list[Step]:
    """The usual opening with other markets and more money."""
    steps = [step for step in opening() if step[0][0] != "market"]
    riches = [
        c.deposit(source=50 + account, index=asset, account=account, asset=asset, amount=10**25)
        for account in (1, 2, 3)
        for asset in (1, 2, 3)
    ]
    return steps + [(step, START_US) for step in (*map(tangle_rules, (1, 2, 3)), *riches)]
