"""Who listens to what: one topic per Redis channel, one subscription per socket and channel.

A subscription begins with a snapshot and follows the chain of positions from there (docs/sockets.md). While it
waits for its snapshot it keeps what comes; when the chain breaks it waits for a snapshot again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from orders.marketdata.frames import NO_CHAIN, Envelope


class Listener(Protocol):
    """Where messages go."""

    def push(self, text: str) -> None:
        """Send a frame; never waits."""


@dataclass(slots=True, eq=False)
class Subscription:
    """One channel of one socket. `frame` says which frame of an envelope is its own."""

    listener: Listener
    topic: str
    frame: int = 0
    position: int = 0
    # Messages that came while the snapshot was on its way; None once it is live.
    waiting: list[tuple[int, int, str]] | None = field(default_factory=list)
    # Whether it has had a snapshot, so that `position` is where its listener is.
    has_begun: bool = False

    def hear(self, prev: int, last: int, text: str) -> bool:
        """Take one message; False if it does not follow on the last one and a new snapshot is needed."""
        if self.waiting is not None:
            self.waiting.append((prev, last, text))
            return True
        if prev != NO_CHAIN:
            if last <= self.position:
                return True
            if prev != self.position:
                self.waiting = [(prev, last, text)]
                return False
        elif last < self.position:
            return True
        self.position = last
        if text:
            self.listener.push(text)
        return True

    def begin(self, position: int, snapshot: str, tail: Sequence[tuple[int, int, str]] = ()) -> bool:
        """Send the snapshot and what came since; False if there is a hole between them."""
        waiting, self.waiting = self.waiting or [], None
        self.position = position
        self.has_begun = True
        if snapshot:
            self.listener.push(snapshot)
        for message in (*tail, *waiting):
            self.hear(*message)
        return self.waiting is None

    def catch_up(self) -> None:
        """Hear what came while it waited and follows on what it has had; for listeners to whom a snapshot says less."""
        if not self.has_begun:
            return
        waiting, self.waiting = self.waiting or [], None
        for message in waiting:
            if not self.hear(*message):
                return

    def restart(self) -> None:
        """Wait for a new snapshot."""
        self.waiting = []


class Topics:
    """The subscriptions of this process, by topic. `need_snapshot(topic)` is called when one must be fetched."""

    def __init__(self, need_snapshot: Callable[[str], None]) -> None:
        # A dict for its order: whoever came first hears first.
        self._by_topic: dict[str, dict[Subscription, None]] = {}
        self._need_snapshot = need_snapshot

    def add(self, subscription: Subscription) -> bool:
        """Let a subscription hear its topic; True if it is the topic's first."""
        listeners = self._by_topic.setdefault(subscription.topic, {})
        listeners[subscription] = None
        return len(listeners) == 1

    def remove(self, subscription: Subscription) -> bool:
        """The reverse; True if nobody is left."""
        listeners = self._by_topic.get(subscription.topic)
        if listeners is None:
            return False
        listeners.pop(subscription, None)
        if listeners:
            return False
        del self._by_topic[subscription.topic]
        return True

    def names(self) -> list[str]:
        """All topics that somebody listens to."""
        return list(self._by_topic)

    def waiting(self, topic: str) -> list[Subscription]:
        """The topic's subscriptions that wait for a snapshot."""
        return [one for one in self._by_topic.get(topic, ()) if one.waiting is not None]

    def dispatch(self, topic: str, envelope: Envelope) -> None:
        """Hand one message to everybody who listens."""
        texts = [frame.decode() for frame in envelope.frames]
        is_broken = False
        for subscription in tuple(self._by_topic.get(topic, ())):
            if not subscription.hear(envelope.prev, envelope.last, texts[subscription.frame]):
                is_broken = True
        if is_broken:
            self._need_snapshot(topic)

    def restart(self) -> None:
        """Messages were lost: everybody starts with a new snapshot."""
        for topic, listeners in self._by_topic.items():
            for subscription in listeners:
                subscription.restart()
            self._need_snapshot(topic)
