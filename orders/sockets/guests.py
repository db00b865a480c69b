"""Who is connected to this process: how many in all and from each address, and since when somebody does nothing."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.conf import settings

from orders.sockets.limits import CLOSE_IDLE, CONNECTIONS_MAX, IDLE_S

if TYPE_CHECKING:
    from orders.sockets.server import Conversation


class Handshakes:
    """Connections of a process that may become sockets, by party: no more of each than it may have sockets.

    The party "" is everybody behind our own proxies, who are counted together and only by CONNECTIONS_MAX.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._total = 0

    def begin(self, party: str) -> bool:
        """A connection was made; False if it is one too many, and not counted."""
        if self._total >= CONNECTIONS_MAX or (party and self._counts[party] >= settings.SOCKETS_PER_ADDRESS):
            return False
        self._counts[party] += 1
        self._total += 1
        return True

    def end(self, party: str) -> None:
        """It has become a socket, or is over."""
        self._total -= 1
        self._counts[party] -= 1
        if not self._counts[party]:
            del self._counts[party]


class Guests:
    """The sockets of a process. A party is whom an address stands for (accounts.network.party)."""

    def __init__(self) -> None:
        # The party of each socket.
        self._parties: dict[Conversation, str] = {}
        self._counts: Counter[str] = Counter()
        self._idle_since: dict[Conversation, float] = {}

    def __len__(self) -> int:
        return len(self._parties)

    def __iter__(self) -> "Iterator[Conversation]":
        return iter(list(self._parties))

    def may_enter(self, party: str) -> bool:
        """Whether one more socket of this party is not too much."""
        return len(self._parties) < CONNECTIONS_MAX and self._counts[party] < settings.SOCKETS_PER_ADDRESS

    def add(self, conversation: "Conversation", party: str) -> None:
        """A socket was accepted."""
        self._parties[conversation] = party
        self._counts[party] += 1

    def remove(self, conversation: "Conversation") -> None:
        """A socket is over."""
        party = self._parties.pop(conversation)
        self._idle_since.pop(conversation, None)
        self._counts[party] -= 1
        if not self._counts[party]:
            del self._counts[party]

    def close_idle(self, now_s: float) -> None:
        """Close those that were idle for IDLE_S; `now_s` is of a clock that never falls."""
        for conversation in self:
            if not conversation.is_idle:
                self._idle_since.pop(conversation, None)
            elif now_s - self._idle_since.setdefault(conversation, now_s) >= IDLE_S:
                conversation.outbox.close(CLOSE_IDLE, "idle: subscribe or authenticate")
