"""An L2 book folded from events: lots by price, what changed since the last message, a checksum.

Pure. docs/protocol.md section 3 says which event adds and takes what.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final
from zlib import crc32

from sortedcontainers import SortedDict

CHECKSUM_LEVELS: Final = 10

Level = list[str]  # [price, size] as decimal strings


class BookError(AssertionError):
    """A level would go below zero: the events and the book don't belong together."""


class Book:
    """Price levels of one market, side 0 bids and side 1 asks; prices in ticks, sizes in lots.

    `last` is the sequence of the last published message (0 before the first).
    """

    __slots__ = ("_price_text", "_size_text", "_touched", "last", "sides")

    def __init__(self, price_text: Callable[[int], str], size_text: Callable[[int], str]) -> None:
        # Ticks to lots; bids are keyed by the negated price so that both sides iterate best first.
        self.sides: tuple[SortedDict, SortedDict] = (SortedDict(), SortedDict())
        self.last = 0
        # For each side the levels changed since the last message, with the lots they had then.
        self._touched: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._price_text = price_text
        self._size_text = size_text

    def add(self, side: int, price: int, lots: int) -> None:
        """Change a level by `lots`, which may be negative. Raises BookError below zero."""
        key = price if side else -price
        levels = self.sides[side]
        before = levels.get(key, 0)
        self._touched[side].setdefault(key, before)
        after = before + lots
        if after > 0:
            levels[key] = after
        elif after == 0:
            levels.pop(key, None)
        else:
            raise BookError(f"{after} lots at {price} on side {side}")

    def take_changes(self) -> tuple[list[Level], list[Level]] | None:
        """Levels that differ from the last message, best first, size "0" for one that is gone; None if none do."""
        if not self._touched[0] and not self._touched[1]:
            return None
        bids, asks = self._changes(0), self._changes(1)
        return (bids, asks) if bids or asks else None

    def _changes(self, side: int) -> list[Level]:
        touched, levels = self._touched[side], self.sides[side]
        if not touched:
            return []
        changed = [key for key, before in touched.items() if levels.get(key, 0) != before]
        touched.clear()
        changed.sort()
        return [[self._price_text(abs(key)), self._text_of(levels.get(key, 0))] for key in changed]

    def _text_of(self, lots: int) -> str:
        return self._size_text(lots) if lots else "0"

    def levels(self, side: int, limit: int | None = None) -> list[Level]:
        """Levels of a side, best first, as decimal strings."""
        items = self.sides[side].items() if limit is None else islice(self.sides[side].items(), limit)
        return [[self._price_text(abs(key)), self._size_text(lots)] for key, lots in items]

    def depth(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """(price, lots) of both sides, best first, as the engine's `depth` gives them."""
        return (
            [(-key, lots) for key, lots in self.sides[0].items()],
            [(key, lots) for key, lots in self.sides[1].items()],
        )

    def best(self, side: int) -> Level | None:
        """The best level of a side."""
        levels = self.levels(side, 1)
        return levels[0] if levels else None

    def checksum(self) -> int:
        """What docs/sockets.md calls the checksum of the book."""
        return checksum(self.levels(0, CHECKSUM_LEVELS), self.levels(1, CHECKSUM_LEVELS))


def checksum(bids: Iterable[Level], asks: Iterable[Level]) -> int:
    """CRC32 of "price:size,…|price:size,…": the ten best bids, a bar, the ten best asks, each best first."""
    best = (",".join(f"{price}:{size}" for price, size in islice(side, CHECKSUM_LEVELS)) for side in (bids, asks))
    return crc32("|".join(best).encode())
