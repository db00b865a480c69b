"""Drives the fast and the reference engine side by side and says where they differ."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from matching.engine import NEVER, Engine
from tests.engine.generate import Step
from tests.engine.reference import ReferenceEngine


class Disagreement(AssertionError):
    """The two engines differ after the same commands; the message names what differs."""


class Pair:
    """Both engines under one `apply`; each step compares events, balances, books, orders and what is due."""

    def __init__(self) -> None:
        self.fast = Engine()
        self.slow = ReferenceEngine()

    def apply(self, command: list[Any], time_us: int) -> list[tuple[Any, ...]]:
        slow = self.slow.apply(command, time_us)
        try:
            fast = self.fast.apply(command, time_us)
        except Exception as error:
            raise Disagreement(f"the engine raises {error!r}; the reference gives {slow}") from error
        if fast != slow and json.dumps(fast) != json.dumps(slow):
            raise Disagreement(f"events differ:\n  engine:    {fast}\n  reference: {slow}")
        self.compare()
        return slow

    def compare(self) -> None:
        fast, slow = self.fast, self.slow
        # NEVER is a number: an order that expires at that very moment looks like none.
        self.same("next_due", fast.next_due, NEVER if slow.next_due is None else slow.next_due)
        self.same("sequence", fast.sequence, slow.sequence)
        balances = slow.all_balances()
        for (account, asset), balance in balances.items():
            self.same(f"balance of account {account} in asset {asset}", tuple(fast.balance(account, asset)), balance)
        for account in fast.accounts():
            for asset, balance in fast.balances(account).items():
                expected = balances.get((account, asset), (0, 0))
                self.same(f"balances of account {account} in asset {asset}", tuple(balance), expected)
        self.same("markets", set(fast.markets), set(slow.markets))
        for market in slow.markets.values():
            bids, asks = fast.depth(market.id)
            self.same(
                f"depth of market {market.id}",
                ([tuple(x) for x in bids], [tuple(x) for x in asks]),
                slow.depth(market.id),
            )
            same = fast.markets[market.id]
            self.same(f"state of market {market.id}", (same.state, same.last), (market.state, market.last))
        for account in {account for account, _ in balances}:
            self.same(f"open orders of {account}", sorted(fast.open_orders(account)), slow.open_orders(account))

    @staticmethod
    def same(what: str, fast: Any, slow: Any) -> None:
        if fast != slow:
            raise Disagreement(f"{what}: engine {fast}, reference {slow}")


def disagreement(steps: Sequence[Step]) -> str | None:
    """What goes wrong when a fresh pair of engines takes these steps, if anything."""
    pair = Pair()
    try:
        for command, time_us in steps:
            pair.apply(command, time_us)
        pair.fast.validate()
    except Exception as error:  # whatever goes wrong is what we look for
        return f"{type(error).__name__}: {error}"
    return None


def shrink(steps: list[Step], fails: Callable[[list[Step]], object]) -> list[Step]:
    """The steps without those that the failure does not need (delta debugging, halving chunks)."""
    chunk = max(1, len(steps) // 2)
    while True:
        at, removed = 0, False
        while at < len(steps):
            fewer = steps[:at] + steps[at + chunk :]
            if fails(fewer):
                steps, removed = fewer, True
            else:
                at += chunk
        if chunk > 1:
            chunk //= 2
        elif not removed:
            return steps
