"""The leader's clock. Time in the journal never falls, so one wrong stamp would make all later time stand still."""

from time import monotonic_ns, time_ns
from typing import Final

QUERY: Final = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"


class ClockWrong(Exception):
    """Nothing may be stamped with this clock."""


def wall_us() -> int:
    """The machine's time, unchecked."""
    return time_ns() // 1000


def certainly_off_us(*, before_us: int, there_us: int, after_us: int) -> int:
    """By how much this clock is surely ahead (negative: behind) of one that said `there_us` in between.

    However long the question was under way: a busy machine makes the answer vague, never wrong.
    """
    return max(0, before_us - there_us) or min(0, after_us - there_us)


class SteadyClock:
    """The wall clock, as long as it advances as the monotonic one does. Threads may share it."""

    def __init__(self, *, off_us_max: int) -> None:
        self.off_us_max = off_us_max
        self._agreed_us = (0, 0)
        self.agree()

    def agree(self) -> None:
        """The wall clock is right now: what passes is counted from here."""
        self._agreed_us = wall_us(), monotonic_ns() // 1000

    def now_us(self) -> int:
        """Microseconds since the epoch. Raises ClockWrong when the wall clock has jumped since it was right."""
        wall_then, steady_then = self._agreed_us
        now = wall_us()
        jump = (now - wall_then) - (monotonic_ns() // 1000 - steady_then)
        if abs(jump) > self.off_us_max:
            raise ClockWrong(f"this clock jumped {abs(jump) / 1e6:.1f} s {'ahead' if jump > 0 else 'back'}")
        return now
