"""Trailing orders of one side that are active: each has an extreme price since it became so, and a stop that follows.

Orders that became active earlier have seen at least as much, so their extremes never are behind those of later ones.
Orders of one extreme form a group; the groups stand in a stack, the newest on top. A price beyond the extremes on top
merges these groups into one (the smaller into the larger), so nobody is touched one by one at every price. In a group
the smallest trail triggers first; a heap over all groups finds the next of all.
"""

from heapq import heapify, heappop, heappush

from matching.engine.state import TRAILS, WaitingOrder
from matching.money import PPM

SPARE = 64


class Group:
    """Orders of one extreme (0: merged into another), as a heap of (trail, id, order); ended ones stay for a while."""

    __slots__ = ("extreme", "heap")

    def __init__(self, extreme: int) -> None:
        self.extreme = extreme
        self.heap: list[tuple[int, int, WaitingOrder]] = []


class Trails:
    """Active trailing buys (side 0) or sells (side 1); `live` counts them, `entries` with those that have ended.

    `tops` is a heap of (key, serial, group). A group has at least one entry there whose key is not behind that of its
    first order; others may be wrong, which is noticed when they come up.
    """

    __slots__ = ("entries", "groups", "live", "serial", "side", "tops")

    def __init__(self, side: int) -> None:
        self.side = side
        self.groups: list[Group] = []
        self.tops: list[tuple[int, int, Group]] = []
        self.serial = self.entries = self.live = 0

    def add(self, order: WaitingOrder, extreme: int) -> None:
        """An order becomes active at a price that all others have seen."""
        if not self.live:
            # Those who ended may not have seen the latest prices.
            self.groups, self.tops, self.entries = [], [], 0
        groups = self.groups
        if not groups or groups[-1].extreme != extreme:
            groups.append(Group(extreme))
        group = groups[-1]
        heappush(group.heap, (order.trail, order.id, order))
        self.entries += 1
        self.live += 1
        if group.heap[0][2] is order:
            self._note(group)

    def see(self, price: int) -> None:
        """Take a price into the extremes."""
        groups, merged = self.groups, None
        while groups and (groups[-1].extreme <= price if self.side else groups[-1].extreme >= price):
            group = groups.pop()
            if merged is None:
                merged = group
                continue
            if len(group.heap) > len(merged.heap):
                merged, group = group, merged
            for entry in group.heap:
                heappush(merged.heap, entry)
            group.extreme = 0
            group.heap.clear()
        if merged is not None:
            merged.extreme = price
            groups.append(merged)
            self._note(merged)

    def reached(self, price: int) -> list[WaitingOrder]:
        """Take out the orders whose stop a trade at `price` reaches, in no order; their `stop` says where it was."""
        found: list[WaitingOrder] = []
        reach = -price if self.side else price
        while self.tops and self.tops[0][0] <= reach:
            group = heappop(self.tops)[2]
            heap = group.heap
            while heap and (heap[0][2].phase != TRAILS or self._key(group) <= reach):
                trail, _, order = heappop(heap)
                self.entries -= 1
                if order.phase == TRAILS:
                    order.stop = self.stop(group.extreme, trail)
                    found.append(order)
            self._note(group)
        self.live -= len(found)
        return found

    def forget(self) -> None:
        """One of the orders has ended."""
        self.live -= 1
        if self.entries <= 2 * self.live + SPARE:
            return
        for group in self.groups:
            group.heap[:] = [entry for entry in group.heap if entry[2].phase == TRAILS]
            heapify(group.heap)
        self.groups = [group for group in self.groups if group.heap]
        self.entries = self.live
        self._renew_tops()

    def stop(self, extreme: int, trail: int) -> int:
        """Where an order with this extreme and trail triggers, in ticks."""
        if self.side:
            return extreme * (PPM - trail) // PPM
        return -(-extreme * (PPM + trail) // PPM)

    def active(self) -> list[tuple[int, WaitingOrder]]:
        """(extreme, order) of all, the oldest extremes first, so that adding them in this order makes the same."""
        return [
            (group.extreme, order) for group in self.groups for _, _, order in group.heap if order.phase == TRAILS
        ]  # fmt: skip

    def _key(self, group: Group) -> int:
        stop = self.stop(group.extreme, group.heap[0][0])
        return -stop if self.side else stop

    def _note(self, group: Group) -> None:
        if not group.heap:
            return
        if len(self.tops) > 2 * len(self.groups) + SPARE:
            self._renew_tops()
        self.serial += 1
        heappush(self.tops, (self._key(group), self.serial, group))

    def _renew_tops(self) -> None:
        groups = [group for group in self.groups if group.heap]
        self.tops = [(self._key(group), at, group) for at, group in enumerate(groups)]
        self.serial = len(groups)
        heapify(self.tops)
