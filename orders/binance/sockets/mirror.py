"""The book of a market as this process has heard of it, for all streams that show it. Pure but for the hub's types.

When the hub had to take a new snapshot, the mirror says what differs: its followers see one more change, and no hole.
"""

import logging
from decimal import Decimal
from itertools import islice
from typing import Any, Protocol

import orjson
from sortedcontainers import SortedDict

log = logging.getLogger(__name__)

Level = list[str]
NOWHERE = -1


class Follower(Protocol):
    """Who wants to know of changes. Sizes are absolute, "0" for a level that is gone."""

    def begin(self, position: int) -> None:
        """The book is known for the first time, as of this update id."""

    def change(self, last: int, bids: list[Level], asks: list[Level]) -> None:
        """These levels changed up to the update id `last`."""


class Mirror:
    """Listens to the `book` topic of one market; `position` is the last update id that is in it."""

    def __init__(self) -> None:
        self.position = NOWHERE
        # Bids are keyed by the negated price, so that both sides iterate best first.
        self._sides: tuple[SortedDict, SortedDict] = (SortedDict(), SortedDict())
        self._followers: dict[Follower, None] = {}

    def add(self, follower: Follower) -> None:
        """Tell a follower of every change from now on."""
        self._followers[follower] = None
        if self.position != NOWHERE:
            follower.begin(self.position)

    def remove(self, follower: Follower) -> bool:
        """The reverse; True if nobody is left."""
        self._followers.pop(follower, None)
        return not self._followers

    def push(self, text: str) -> None:
        """A message of the `book` topic. Whatever goes wrong here must not end the hub's task."""
        try:
            message = orjson.loads(text)
            if message["type"] == "snapshot":
                self._restart(message)
            else:
                self._apply(message["last"], message["bids"], message["asks"])
        except Exception:
            log.exception("a book was not followed")

    def top(self, side: int, count: int) -> list[Level]:
        """The best levels of side 0 (bids) or 1 (asks), best first."""
        return list(islice(self._sides[side].values(), count))

    def _apply(self, last: int, bids: list[Level], asks: list[Level]) -> None:
        for side, levels in ((0, bids), (1, asks)):
            book = self._sides[side]
            for level in levels:
                key = _key(side, level[0])
                if level[1] == "0":
                    book.pop(key, None)
                else:
                    book[key] = level
        self.position = last
        for follower in tuple(self._followers):
            follower.change(last, bids, asks)

    def _restart(self, snapshot: dict[str, Any]) -> None:
        bids, asks = self._differences(0, snapshot["bids"]), self._differences(1, snapshot["asks"])
        is_first, position = self.position == NOWHERE, snapshot["sequence"]
        if is_first:
            # Nobody is told of the levels one by one.
            followers, self._followers = self._followers, {}
            self._apply(position, bids, asks)
            self._followers = followers
            for follower in tuple(followers):
                follower.begin(position)
        elif position > self.position:
            self._apply(position, bids, asks)

    def _differences(self, side: int, levels: list[Level]) -> list[Level]:
        have = {level[0]: level[1] for level in self._sides[side].values()}
        changed = [level for level in levels if have.pop(level[0], None) != level[1]]
        return [*([price, "0"] for price in have), *changed]


def _key(side: int, price: str) -> Decimal:
    return Decimal(price) if side else -Decimal(price)
