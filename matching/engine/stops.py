"""Stop orders of a market: waiting for their price, then triggered and waiting for their turn."""

from collections import deque
from heapq import heapify, heappop, heappush

from matching.engine.state import StopOrder

DEAD_SPARE = 64

StopEntry = tuple[int, int, StopOrder]


class Stops:
    """Buys by rising and sells by falling stop price, then by id; `queue` holds the triggered ones in their order.

    An order that ended keeps a dead entry (its `stop` is 0), dropped when met, or with all others once they are the
    majority. `waiting` counts the live orders outside the queue.
    """

    __slots__ = ("buys", "queue", "sells", "waiting")

    def __init__(self) -> None:
        self.buys: list[StopEntry] = []
        self.sells: list[StopEntry] = []
        self.queue: deque[StopOrder] = deque()
        self.waiting = 0

    def add(self, order: StopOrder) -> None:
        """Put an order aside until its stop price trades."""
        order.triggered = False
        self.waiting += 1
        if order.side:
            heappush(self.sells, (-order.stop, order.id, order))
        else:
            heappush(self.buys, (order.stop, order.id, order))

    def forget(self, order: StopOrder) -> None:
        """An order ended while it waited."""
        order.stop = 0
        if not order.triggered:
            self.waiting -= 1
            if len(self.buys) + len(self.sells) > 2 * self.waiting + DEAD_SPARE:
                for heap in (self.buys, self.sells):
                    heap[:] = [entry for entry in heap if entry[2].stop]
                    heapify(heap)

    def trigger(self, price: int) -> None:
        """A trade at `price`: move the buys at or below it and then the sells at or above it to the queue."""
        for heap, reach in ((self.buys, price), (self.sells, -price)):
            while heap and heap[0][0] <= reach:
                order = heappop(heap)[2]
                if order.stop:
                    order.triggered = True
                    self.waiting -= 1
                    self.queue.append(order)

    def next_triggered(self) -> StopOrder | None:
        """Take the next live order off the queue."""
        queue = self.queue
        while queue:
            order = queue.popleft()
            if order.stop:
                return order
        return None

    def live(self, side: int) -> list[StopOrder]:
        """The waiting orders of one side in the order in which they would trigger."""
        heap = self.sells if side else self.buys
        return [order for _, _, order in sorted(heap, key=lambda entry: entry[:2]) if order.stop]
