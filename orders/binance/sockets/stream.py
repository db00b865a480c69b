"""One market stream of this process: encoded once, sent to every socket that hears it."""

import asyncio
import logging
import time
from functools import lru_cache
from typing import Any, Final, Protocol

import orjson

from orders.binance.shapes import fixed
from orders.sockets.hub import Hub
from orders.sockets.topics import Subscription

log = logging.getLogger(__name__)


class Hearer(Protocol):
    """A socket. Combined ones get the stream's name around each payload."""

    is_combined: bool

    def push(self, text: str) -> None:
        """Send a frame; never waits."""


# Amounts are padded as REST of this dialect pads them: clients compare the texts.
text_of: Final = lru_cache(maxsize=50_000)(fixed)


def now_ms() -> int:
    """The event time of what is sent now."""
    return time.time_ns() // 1_000_000


class Stream:
    """`open` begins to listen to the hub, `close` ends it. `take` gets the hub's messages."""

    # Whether a payload says all there is: then who comes later gets the last one at once.
    is_whole = False

    def __init__(self, name: str, period_ms: int) -> None:
        self.name = name
        self._period_s = period_ms / 1_000
        self._hearers: dict[Hearer, None] = {}
        self._subscriptions: list[Subscription] = []
        self._timer: asyncio.TimerHandle | None = None
        self._not_before = 0.0
        self._last = ""

    def open(self, hub: Hub) -> None:
        """Begin."""
        raise NotImplementedError

    def close(self, hub: Hub) -> None:
        """End: nobody hears it any more."""
        for subscription in self._subscriptions:
            hub.leave(subscription)
        if self._timer is not None:
            self._timer.cancel()

    def push(self, text: str) -> None:
        """A message of the hub. Whatever goes wrong here must not end the hub's task, on which everybody depends."""
        try:
            self.take(text)
        except Exception:
            log.exception("stream %s failed", self.name)

    def take(self, text: str) -> None:
        """A message of a topic that `open` joined."""
        raise NotImplementedError

    def add(self, hearer: Hearer) -> None:
        """Let a socket hear the stream."""
        self._hearers[hearer] = None
        if self.is_whole and self._last:
            hearer.push(self._combined(self._last) if hearer.is_combined else self._last)

    def remove(self, hearer: Hearer) -> bool:
        """The reverse; True if nobody is left."""
        self._hearers.pop(hearer, None)
        return not self._hearers

    def send(self, payload: Any) -> None:
        """Encode a payload and give it to everybody."""
        text = orjson.dumps(payload).decode()
        self._last = text if self.is_whole else ""
        combined = ""
        for hearer in tuple(self._hearers):
            if not hearer.is_combined:
                hearer.push(text)
                continue
            combined = combined or self._combined(text)
            hearer.push(combined)

    def _combined(self, text: str) -> str:
        return f'{{"stream":"{self.name}","data":{text}}}'

    def touch(self) -> None:
        """Something is new: `emit` at once, or when the period since the last time is over."""
        if self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        wait_s = self._not_before - loop.time()
        if wait_s > 0:
            self._timer = loop.call_later(wait_s, self._fire)
        else:
            self._fire()

    def _fire(self) -> None:
        self._timer = None
        self._not_before = asyncio.get_running_loop().time() + self._period_s
        self.emit()

    def emit(self) -> None:
        """Send what is new since the last time."""
        raise NotImplementedError
