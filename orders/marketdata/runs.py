"""Aggregate trades: a run of trades of one taker order at one price, in one command. Pure.

Numbers of a run's trades follow on each other. Who traded is not shown, but that it was one order is: so a follower
of single trades could not tell the runs, and market data does.
"""

from collections.abc import Sequence
from typing import Any


class Run:
    """One aggregate trade: ticks and lots, the numbers of its first and last trade."""

    __slots__ = ("first", "key", "last", "lots", "price", "taker_side", "time_ms")

    def __init__(self, key: tuple[int, int, int], event: Sequence[Any], time_ms: int) -> None:
        self.key = key
        self.first = self.last = event[1]
        self.price, self.lots, self.taker_side = event[3], event[4], event[7]
        self.time_ms = time_ms


class Runs:
    """The runs of one market since they were last taken. A journal batch holds whole commands, so whole runs."""

    __slots__ = ("_runs",)

    def __init__(self) -> None:
        self._runs: list[Run] = []

    def add(self, event: Sequence[Any], sequence: int, time_ms: int) -> None:
        """A `trade` event."""
        key = (sequence, event[8], event[3])
        if self._runs and self._runs[-1].key == key:
            run = self._runs[-1]
            run.last = event[1]
            run.lots += event[4]
        else:
            self._runs.append(Run(key, event, time_ms))

    def take(self) -> list[Run]:
        """What was added since the last call."""
        runs, self._runs = self._runs, []
        return runs
