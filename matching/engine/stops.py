"""Conditional orders of a market: waiting for their price, then triggered and waiting for their turn."""

from collections import deque
from collections.abc import Iterable
from heapq import heapify, heappop, heappush

from matching.engine.commands import BUY, SELL
from matching.engine.state import DUE, GONE, PENDING, QUEUED, TRAILS, WAITS, WaitingOrder
from matching.engine.trailing import Trails

DEAD_SPARE = 64


def is_reached(side: int, trigger: int, stop: int, price: int) -> bool:
    """Whether `price` has reached a stop: a stop buy and a take-profit sell wait for a rise, the others for a fall."""
    return price >= stop if side == trigger else price <= stop


class Stops:
    """Who waits in a market, and `queue`: whose turn is next, triggered orders and legs that are not pending any more.

    `heaps` holds fixed stops by trigger and side, `dormant` by side == trigger the trailing orders that are not
    active yet, each as (stop in the direction of time, id, order). An order that ended, or went on, keeps a dead entry,
    dropped when met, or with all others once they are the majority. `waiting` counts the live orders outside the queue.
    """

    __slots__ = ("dormant", "heaps", "queue", "trails", "waiting")

    def __init__(self) -> None:
        self.heaps: tuple[Heap, Heap, Heap, Heap] = ([], [], [], [])
        self.dormant: tuple[Heap, Heap] = ([], [])
        self.trails = (Trails(BUY), Trails(SELL))
        self.queue: deque[WaitingOrder] = deque()
        self.waiting = 0

    def add(self, order: WaitingOrder, last: int) -> None:
        """Put an order aside until its price trades; a trailing one without a stop is active from `last` on."""
        if order.trail and not order.stop:
            self.trail(order, last)
        else:
            self.wait(order)

    def wait(self, order: WaitingOrder) -> None:
        """Put an order with a stop aside."""
        order.phase = WAITS
        self.waiting += 1
        rises = order.side == order.trigger
        heap = self.dormant[rises] if order.trail else self.heaps[2 * order.trigger + order.side]
        heappush(heap, (order.stop if rises else -order.stop, order.id, order))

    def trail(self, order: WaitingOrder, extreme: int) -> None:
        """A trailing order is active from a price on that all active ones have seen."""
        order.phase = TRAILS
        self.waiting += 1
        self.trails[order.side].add(order, extreme)

    def pend(self, order: WaitingOrder) -> None:
        """Put a leg aside that waits for another one."""
        order.phase = PENDING
        self.waiting += 1

    def forget(self, order: WaitingOrder) -> None:
        """An order ended while it waited."""
        phase, order.phase = order.phase, GONE
        if phase in (QUEUED, DUE):
            return
        self.waiting -= 1
        if phase == TRAILS:
            self.trails[order.side].forget()
        elif phase == WAITS:
            heaps = (*self.heaps, *self.dormant)
            if sum(map(len, heaps)) > 2 * self.waiting + DEAD_SPARE:
                for heap in heaps:
                    heap[:] = [entry for entry in heap if entry[2].phase == WAITS]
                    heapify(heap)

    def is_due(self, orders: Iterable[WaitingOrder]) -> None:
        """Pending legs are to go on; the first of them stands for all."""
        first = None
        for order in orders:
            order.phase = DUE
            self.waiting -= 1
            first = first or order
        if first is not None:
            self.queue.append(first)

    def trigger(self, price: int) -> None:
        """A trade at `price` (docs/protocol.md, section 7): who is triggered moves to the queue."""
        buy_stops, sell_stops, buy_profits, sell_profits = self.heaps
        buy_trails, sell_trails = self.trails
        if buy_trails.live or sell_trails.live:
            buy_trails.see(price)
            sell_trails.see(price)
            buys, sells = buy_trails.reached(price), sell_trails.reached(price)
            self._enqueue(sorted([*reached(buy_stops, price), *buys], key=lambda order: (order.stop, order.id)))
            self._enqueue(sorted([*reached(sell_stops, -price), *sells], key=lambda order: (-order.stop, order.id)))
        else:
            self._enqueue(reached(buy_stops, price))
            self._enqueue(reached(sell_stops, -price))
        self._enqueue(reached(sell_profits, price))
        self._enqueue(reached(buy_profits, -price))
        for order in (*reached(self.dormant[True], price), *reached(self.dormant[False], -price)):
            self.waiting -= 1
            self.trail(order, price)

    def _enqueue(self, orders: Iterable[WaitingOrder]) -> None:
        for order in orders:
            order.phase = QUEUED
            self.waiting -= 1
            self.queue.append(order)

    def has_next(self) -> bool:
        """Whether a live order is in the queue; it stands in front then."""
        queue = self.queue
        while queue and queue[0].phase == GONE:
            queue.popleft()
        return bool(queue)

    def live(self) -> list[WaitingOrder]:
        """The orders that wait for a price, in no order."""
        entries = (entry for heap in (*self.heaps, *self.dormant) for entry in heap)
        waits = [order for _, _, order in entries if order.phase == WAITS]
        return waits + [order for trails in self.trails for _, order in trails.active()]


Heap = list[tuple[int, int, WaitingOrder]]


def reached(heap: Heap, reach: int) -> list[WaitingOrder]:
    """Take the orders off a heap whose key is at most `reach`, in its order."""
    found = []
    while heap and heap[0][0] <= reach:
        order = heappop(heap)[2]
        if order.phase == WAITS:
            found.append(order)
    return found
