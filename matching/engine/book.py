"""One side of a market's book: price levels, each a queue of orders.

Prices stand in a heap that is cleaned lazily. A level that runs empty keeps its place in the heap, so that the most
frequent pattern, a quote that is canceled and placed anew at the same price, does not touch the heap at all; whoever
needs the best price drops empty levels from the top. Bids are keyed by their negated price: the best key is always
the smallest.

The queue of a level is a chain through the orders themselves (`prev`, `next`). An order leaves from anywhere in O(1);
a dict keyed by order id could not be used as a queue, because finding the first key of a dict whose front was deleted
is linear in what was deleted.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Final

from matching.engine.state import Order

# Worse than every key; it ends the heap, so that heap[0] always exists.
WORST: Final = 2**62

VACANT_SPARE: Final = 64


class Level:
    """The orders at one price, oldest first; `lots` is their sum. `head` is None when the level is empty."""

    __slots__ = ("head", "lots", "price", "tail")

    price: int
    lots: int
    head: Order | None
    tail: Order | None

    def __iter__(self) -> Iterator[Order]:
        order = self.head
        while order is not None:
            yield order
            order = order.next


class Side:
    """The bids (`sign` -1) or asks (`sign` 1) of a market. `vacant` counts levels without orders."""

    __slots__ = ("heap", "levels", "sign", "vacant")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.heap: list[int] = [WORST]
        self.levels: dict[int, Level] = {}
        self.vacant = 0

    def best(self) -> Level | None:
        """The best level that has orders."""
        heap, levels = self.heap, self.levels
        while (key := heap[0]) != WORST:
            level = levels[key]
            if level.head is not None:
                return level
            heappop(heap)
            del levels[key]
            self.vacant -= 1
        return None

    def add(self, order: Order) -> None:
        """Put an order at the end of the queue of its price."""
        price = order.price
        # Not price * sign: for asks this is the same object, and so one integer less for each level.
        key = price if self.sign > 0 else -price
        level = self.levels.get(key)
        order.next = None
        if level is None:
            order.prev = None
            order.level = self.levels[key] = level = Level()
            level.price = price
            level.head = level.tail = order
            level.lots = order.remaining
            heappush(self.heap, key)
            return
        tail = level.tail
        order.prev = tail
        if tail is None:
            level.head = order
            self.vacant -= 1
        else:
            tail.next = order
        level.tail = order
        level.lots += order.remaining
        order.level = level

    def remove(self, order: Order) -> None:
        """Take an order out of its level."""
        level = order.level
        assert level is not None
        before, after = order.prev, order.next
        if before is None:
            level.head = after
        else:
            before.next = after
        if after is None:
            level.tail = before
        else:
            after.prev = before
        level.lots -= order.remaining
        if level.head is None:
            self.vacant += 1
            if self.vacant > VACANT_SPARE and self.vacant * 2 > len(self.heap):
                self._drop_vacant()

    def _drop_vacant(self) -> None:
        # Costs what the removals since the last time paid for: at least half of the levels have run empty since.
        for key in [key for key, level in self.levels.items() if level.head is None]:
            del self.levels[key]
        self.heap[:] = [*self.levels, WORST]
        heapify(self.heap)
        self.vacant = 0

    def sorted_levels(self) -> list[Level]:
        """The levels that have orders, best price first."""
        return [level for _, level in sorted(self.levels.items()) if level.head is not None]

    def depth(self, limit: int | None = None) -> list[tuple[int, int]]:
        """(price, lots) by level, best first, at most `limit` levels."""
        return [(level.price, level.lots) for level in self.sorted_levels()[:limit]]

    def acceptable(self, worst_key: int) -> Iterator[Level]:
        """The levels up to `worst_key`, in no particular order, some of them empty.

        Walks the heap from its top and never looks below a key that is too bad, so it costs what it yields.
        """
        heap, levels = self.heap, self.levels
        size = len(heap)
        pending = [0]
        while pending:
            index = pending.pop()
            key = heap[index]
            if key <= worst_key and key != WORST:
                yield levels[key]
                index += index + 1
                if index < size:
                    pending.append(index)
                if index + 1 < size:
                    pending.append(index + 1)
