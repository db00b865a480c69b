"""The circuit breaker of a market: whether a taker's trades went too far from the last window's low or high.

Of a window's trades only those can become its low or high that no later trade undercuts or exceeds; two queues keep
just these, so a trade costs O(1) on average. The trades of one taker go one way in price at one time: looking at the
first and the last of them decides for all.
"""

from collections import deque

from matching.money import PPM


class Breaker:
    """`lows` rise and `highs` fall in price, both rise in time: (time_us, price in ticks)."""

    __slots__ = ("highs", "lows", "ppm", "window_us")

    def __init__(self, ppm: int, window_us: int) -> None:
        self.ppm = ppm
        self.window_us = window_us
        self.lows: deque[tuple[int, int]] = deque()
        self.highs: deque[tuple[int, int]] = deque()

    def is_breached(self, now: int, first: int, last: int) -> bool:
        """Note a taker's trades, of which the first and the last price are given; True if one of them breached."""
        lows, highs = self.lows, self.highs
        oldest = now - self.window_us
        while lows and lows[0][0] < oldest:
            lows.popleft()
        while highs and highs[0][0] < oldest:
            highs.popleft()
        # The farthest that a trade stood above the window's low as of that trade, and below its high: the first
        # trade belongs to the window when the last is looked at, but not the other way round.
        low = min(lows[0][1], first) if lows else first
        high = max(highs[0][1], first) if highs else first
        bottom, top = (first, last) if first <= last else (last, first)
        while lows and lows[-1][1] >= bottom:
            lows.pop()
        lows.append((now, bottom))
        while highs and highs[-1][1] <= top:
            highs.pop()
        highs.append((now, top))
        return (top - low) * PPM > self.ppm * low or (high - bottom) * PPM > self.ppm * high

    def clear(self) -> None:
        """Empty the window."""
        self.lows.clear()
        self.highs.clear()
