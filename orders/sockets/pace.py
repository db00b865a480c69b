"""How fast a client may ask."""


class Pace:
    """So many requests a second, and `burst` at once after a pause."""

    __slots__ = ("_at_s", "_burst", "_left", "_per_s")

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s, self._burst = per_s, burst
        self._left: float = burst
        self._at_s = 0.0

    def allows(self, now_s: float) -> bool:
        """Whether one more may come at this time of a clock that never goes back."""
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True
