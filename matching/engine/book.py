"""One side of a market's book: price levels, each a queue of orders.

A level is its first order: `levels` leads from a key to it, and it knows the last one (`tail`). The queue is a chain
through the orders themselves (`prev`, `next`), so that an order leaves from anywhere in O(1), and a level costs no
object of its own. A dict keyed by order id could not be used as a queue, because finding the first key of a dict whose
front was deleted is linear in what was deleted.

A level that runs empty goes at once; its key stays in the heap until it comes to the top, or until new levels find
too many such dead keys there. A price that comes back meanwhile stands in the heap twice, which does no harm. Bids are
keyed by their negated price: the best key is always the smallest.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Final

from matching.engine.state import Order

# Worse than every key; it ends the heap, so that heap[0] always exists.
WORST: Final = 2**62

DEAD_SPARE: Final = 64


def queue_of(first: Order) -> Iterator[Order]:
    """The orders of a level, given its first one, oldest first."""
    order: Order | None = first
    while order is not None:
        yield order
        order = order.next


class Side:
    """The bids (`sign` -1) or asks (`sign` 1) of a market.

    `levels` has the first order at every price. Every key of it is in `heap`; `heap_max` is the length at which the
    heap is looked through for dead ones.
    """

    __slots__ = ("heap", "heap_max", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.heap: list[int] = [WORST]
        self.heap_max = DEAD_SPARE
        self.levels: dict[int, Order] = {}

    def best(self) -> Order | None:
        """The first order of the best level."""
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
        first = self.levels.get(key)
        order.next = None
        order.tail = order
        if first is None:
            order.prev = None
            self.open_level(key, order)
            return
        order.prev = tail = first.tail
        assert tail is not None
        tail.next = first.tail = order

    def open_level(self, key: int, order: Order) -> None:
        """Let an order be the only one at its price."""
        self.levels[key] = order
        heap = self.heap
        heappush(heap, key)
        if len(heap) > self.heap_max:
            self._drop_dead()

    def remove(self, order: Order) -> None:
        """Take an order out of its level."""
        before, after = order.prev, order.next
        if before is not None:
            before.next = after
            if after is not None:
                after.prev = before
            else:
                self.levels[order.price * self.sign].tail = before
        elif after is not None:
            after.prev = None
            after.tail = order.tail
            self.levels[order.price * self.sign] = after
        else:
            del self.levels[order.price * self.sign]
        order.tail = None

    def _drop_dead(self) -> None:
        # Costs what the keys pushed since the last time paid for: at least as many as there are levels.
        self.heap[:] = [*self.levels, WORST]
        heapify(self.heap)
        self.heap_max = 2 * len(self.heap) + DEAD_SPARE

    def sorted_levels(self) -> list[Order]:
        """The first orders of the levels, best price first."""
        return [first for _, first in sorted(self.levels.items())]

    def depth(self, limit: int | None = None) -> list[tuple[int, int]]:
        """(price, lots that show) by level, best first, at most `limit` levels. Looks at all orders of these levels."""
        return [
            (first.price, sum(order.remaining for order in queue_of(first))) for first in self.sorted_levels()[:limit]
        ]

    def best_first(self, worst_key: int) -> Iterator[Order]:
        """The first orders of the levels up to `worst_key`, best price first.

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
