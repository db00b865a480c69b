"""When takers come: a Hawkes process, where each arrival makes the next ones likelier for a while. Pure."""

import math
from random import Random


class Arrivals:
    """Times between arrivals. On average `per_s` / (1 - `branching`) arrive a second.

    Each arrival raises the rate by `branching` times `decay_per_s`, and the rise fades with `decay_per_s`, so it has
    `branching` (below 1) children on average.
    """

    def __init__(self, random: Random, *, per_s: float, branching: float, decay_per_s: float) -> None:
        if not 0 <= branching < 1:
            raise ValueError("with a branching of 1 or more, arrivals never end")
        self._random = random
        self._base = per_s
        self._jump = branching * decay_per_s
        self._decay = decay_per_s
        self._excited = 0.0

    def next_s(self) -> float:
        """Seconds until the next arrival, by Ogata's thinning: the rate only falls in between, so it bounds itself."""
        waited = 0.0
        while True:
            bound = self._base + self._excited
            step = self._random.expovariate(bound)
            waited += step
            self._excited *= math.exp(-self._decay * step)
            if self._random.random() * bound <= self._base + self._excited:
                self._excited += self._jump
                return waited
