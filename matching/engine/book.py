"""One side of a market's book: price levels, each a queue of orders.

A level that runs empty goes at once; its key stays in the heap until it comes to the top, or until new levels find
too many such dead keys there. A price that comes back meanwhile stands in the heap twice, which does no harm. Bids are
keyed by their negated price: the best key is always the smallest.

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

DEAD_SPARE: Final = 64


class Level:
    """The orders at one price, oldest first; `lots` is their sum."""

    __slots__ = ("head", "lots", "price", "tail")

    price: int
    lots: int
    head: Order
    tail: Order

    def __iter__(self) -> Iterator[Order]:
        order: Order | None = self.head
        while order is not None:
            yield order
            order = order.next


class Side:
    """The bids (`sign` -1) or asks (`sign` 1) of a market.

    Every key of `levels` is in `heap`; `heap_max` is the length at which the heap is looked through for dead ones.
    `hidden` are the lots of icebergs that nobody sees, by key; levels and their totals do not count them.
    """

    __slots__ = ("heap", "heap_max", "hidden", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.heap: list[int] = [WORST]
        self.heap_max = DEAD_SPARE
        self.levels: dict[int, Level] = {}
        self.hidden: dict[int, int] = {}

    def best(self) -> Level | None:
        """The best level."""
        heap, levels = self.heap, self.levels
        while (key := heap[0]) != WORST:
            if key in levels:
                return levels[key]
            heappop(heap)
        return None

    def add(self, order: Order) -> None:
        """Put an order at the end of the queue of its price."""
        price = order.price
        # Not price * sign: for asks this is the same object, and so one integer less for each level.
        key = price if self.sign > 0 else -price
        level = self.levels.get(key)
        order.next = None
        if level is None:
            self.open_level(key, order)
            return
        order.prev = tail = level.tail
        tail.next = level.tail = order
        level.lots += order.remaining
        order.level = level

    def open_level(self, key: int, order: Order) -> None:
        """Put an order where nobody stands."""
        order.prev = None
        order.level = self.levels[key] = level = Level()
        level.price = order.price
        level.head = level.tail = order
        level.lots = order.remaining
        heap = self.heap
        heappush(heap, key)
        if len(heap) > self.heap_max:
            self._drop_dead()

    def remove(self, order: Order) -> None:
        """Take an order out of its level."""
        level = order.level
        assert level is not None
        before, after = order.prev, order.next
        if before is not None:
            before.next = after
            if after is not None:
                after.prev = before
            else:
                level.tail = before
        elif after is not None:
            level.head = after
            after.prev = None
        else:
            del self.levels[order.price * self.sign]
            return
        level.lots -= order.remaining

    def _drop_dead(self) -> None:
        # Costs what the keys pushed since the last time paid for: at least as many as there are levels.
        self.heap[:] = [*self.levels, WORST]
        heapify(self.heap)
        self.heap_max = 2 * len(self.heap) + DEAD_SPARE

    def sorted_levels(self) -> list[Level]:
        """The levels, best price first."""
        return [level for _, level in sorted(self.levels.items())]

    def depth(self, limit: int | None = None) -> list[tuple[int, int]]:
        """(price, lots) by level, best first, at most `limit` levels."""
        return [(level.price, level.lots) for level in self.sorted_levels()[:limit]]

    def best_first(self, worst_key: int) -> Iterator[Level]:
        """The levels up to `worst_key`, best price first.

        Walks the heap from its top and never looks below a key that is too bad, so it costs little more than what it
        yields, and the dead keys among them.
        """
        heap, levels = self.heap, self.levels
        size = len(heap)
        pending = [(heap[0], 0)]
        before = None
        while pending:
            key, index = heappop(pending)
            if key > worst_key or key == WORST:
                return
            if key in levels and key != before:
                before = key
                yield levels[key]
            for below in range(2 * index + 1, min(2 * index + 3, size)):
                heappush(pending, (heap[below], below))
