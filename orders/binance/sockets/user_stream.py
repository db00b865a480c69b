"""The events of one account on one socket, as market data made them."""

import logging
from collections.abc import Callable
from typing import Final

from accounts.auth import Caller
from orders.binance.sockets.stream import now_ms
from orders.marketdata import names
from orders.marketdata.frames import USER_EVENTS
from orders.sockets.hub import Hub
from orders.sockets.topics import Subscription

log = logging.getLogger(__name__)

UNKNOWN: Final = -1


class UserStream:
    """Wraps each event with the subscription's id. `on_begin` is called when every later event will be heard.

    Events cannot be asked for again. When some were lost (Redis was away, and the account changed meanwhile), the
    stream says that it has ended and calls `on_end`: the client subscribes anew and reads its orders.
    """

    def __init__(
        self, id: int, caller: Caller, push: Callable[[list[str]], None], *, is_signed: bool,
        on_begin: Callable[[], None], on_end: Callable[[], None],
    ) -> None:  # fmt: skip
        self.id = id
        self.caller = caller
        # By a signature of its own, and not by the socket's session.
        self.is_signed = is_signed
        self._push, self._on_begin, self._on_end = push, on_begin, on_end
        self._position = UNKNOWN
        self._subscription: Subscription | None = None

    def open(self, hub: Hub) -> None:
        """Begin to listen."""
        self._subscription = hub.join(self, names.account_topic(self.caller.account_id), USER_EVENTS)

    def close(self, hub: Hub) -> None:
        """Hear no more."""
        if self._subscription is not None:
            hub.leave(self._subscription)

    def push(self, text: str) -> None:
        """A message of the account's topic: `=position` of a snapshot, or a position and the events up to it."""
        head, _, events = text.partition("\n")
        if not head.startswith("="):
            self._position = int(head)
            self._push([self._wrapped(event) for event in events.split("\n")])
        elif self._position == UNKNOWN:
            self._position = int(head[1:])
            self._on_begin()
        elif self._position != int(head[1:]):
            log.warning("events of account %d were lost", self.caller.account_id)
            self.end()

    def end(self) -> None:
        """Say that no more will come."""
        self._push([self._wrapped(f'{{"e":"eventStreamTerminated","E":{now_ms()}}}')])
        self._on_end()

    def _wrapped(self, event: str) -> str:
        return f'{{"subscriptionId":{self.id},"event":{event}}}'
