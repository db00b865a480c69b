"""From the gateway's thread to the event loop: one wake-up for all replies of a batch."""

import asyncio
from collections import deque
from collections.abc import Callable

from matching.gateway import Outcome

Landed = Callable[[Outcome], None]


class Replies:
    """`post` is called in any thread; what was posted is handled on the loop, in order."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._posted: deque[tuple[Landed, Outcome]] = deque()
        self._is_scheduled = False

    def post(self, landed: Landed, outcome: Outcome) -> None:
        """Have `landed(outcome)` called on the loop."""
        self._posted.append((landed, outcome))
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon_threadsafe(self._handle)

    def _handle(self) -> None:
        # First the flag: whoever posts from now on schedules anew, and at worst this runs once for nothing.
        self._is_scheduled = False
        while self._posted:
            landed, outcome = self._posted.popleft()
            landed(outcome)
