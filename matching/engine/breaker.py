"""The circuit breaker of a market: whether a taker's trades went too far from the last window's low or high.

The trades of one taker go one way in price at one time, so the first and the last of them decide for all. Of earlier
trades only those can be the window's low or high that no later one undercuts or exceeds; two queues keep just these,
so that a trade costs O(1) on average. Before the queues are asked, bounds that may be too tight (an old low that has
left the window) but never too wide clear nearly every trade; so the trades that the queues have yet to hear of are
only noted, and told to them together.
"""

from collections import deque

from matching.engine.state import NEVER
from matching.money import PPM

NOTES = 64

Trade = tuple[int, int]  # time_us, price in ticks


class Breaker:
    """`bottom`, `top` and `at` are of the latest taker's trades; `lows` rise and `highs` fall in price before it.

    `notes` are of takers between them and the latest one: (time, bottom, top).
    `low` and `high` are the lowest and the highest price since the queues were last asked; a trade above `ceiling`
    or below `floor` would breach if both still are in the window.
    """

    __slots__ = ("at", "bottom", "ceiling", "floor", "high", "highs", "low", "lows", "notes", "ppm", "top", "window_us")

    def __init__(self, ppm: int, window_us: int) -> None:
        self.ppm = ppm
        self.window_us = window_us
        self.lows: deque[Trade] = deque()
        self.highs: deque[Trade] = deque()
        self.notes: list[tuple[int, int, int]] = []
        self.clear()

    def clear(self) -> None:
        """Empty the window."""
        self.lows.clear()
        self.highs.clear()
        self.notes.clear()
        self.at = 0
        self.bottom = self.low = self.ceiling = NEVER
        self.top = self.high = self.floor = 0

    def is_breached(self, now: int, first: int, last: int) -> bool:
        """Note a taker's trades, of which the first and the last price are given; True if one of them breached."""
        if first == last == self.bottom == self.top:
            # Nothing moved since a trade that did not breach, and the window only lost trades.
            self.at = now
            return False
        # The first trade belongs to the window when the last is looked at, but not the other way round.
        if first < self.low or first > self.high:
            self._reach(first)
        bottom, top = (first, last) if first < last else (last, first)
        if (top > self.ceiling or bottom < self.floor) and self._breaches_window(now, first, bottom, top):
            return True
        self.notes.append((self.at, self.bottom, self.top))
        self.bottom, self.top, self.at = bottom, top, now
        if len(self.notes) >= NOTES:
            self.tell()
        if last < self.low or last > self.high:
            self._reach(last)
        return False

    def _breaches_window(self, now: int, first: int, bottom: int, top: int) -> bool:
        self.tighten(now - self.window_us)
        self._reach(first)
        return top > self.ceiling or bottom < self.floor

    def tighten(self, oldest: int) -> None:
        """Make `low` and `high` those of the trades since `oldest`."""
        self.tell()
        lows, highs = live(self.lows, oldest), live(self.highs, oldest)
        self.low, self.ceiling, self.high, self.floor = NEVER, NEVER, 0, 0
        if self.at >= oldest and self.top:
            self._reach(self.bottom)
            self._reach(self.top)
        if lows:
            self._reach(lows[0][1])
        if highs:
            self._reach(highs[0][1])

    def _reach(self, price: int) -> None:
        if price < self.low:
            self.low = price
            self.ceiling = price + price * self.ppm // PPM
        if price > self.high:
            self.high = price
            self.floor = price - price * self.ppm // PPM

    def tell(self) -> None:
        """Let the queues hear of the trades that were noted."""
        lows, highs = self.lows, self.highs
        if not self.notes:
            return
        followers = [*self.notes[1:], (self.at, self.bottom, self.top)]
        for (at, bottom, top), (_, next_bottom, next_top) in zip(self.notes, followers, strict=True):
            # A taker's extreme may be the window's again when what follows it has left.
            if bottom < next_bottom:
                while lows and lows[-1][1] >= bottom:
                    lows.pop()
                lows.append((at, bottom))
            if top > next_top:
                while highs and highs[-1][1] <= top:
                    highs.pop()
                highs.append((at, top))
        self.notes.clear()
        live(lows, self.at - self.window_us)
        live(highs, self.at - self.window_us)


def live(queue: deque[Trade], oldest: int) -> deque[Trade]:
    """The queue without the trades before `oldest`."""
    while queue and queue[0][0] < oldest:
        queue.popleft()
    return queue
