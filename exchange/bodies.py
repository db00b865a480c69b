"""Bodies that come slowly must not take all threads of a web process: reads of others go on.

A thread that waits for a body cannot be called back. So of all threads only some may wait for bodies at one time, and
for bodies of one address fewer still; whoever finds no place for a moment is told 503. A proxy that takes whole
requests before it passes them on, as production has one, leaves nothing to do here.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from accounts import network

PATIENCE_S: Final = 0.25

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


class NoPlace(OSError):
    """Too many bodies are being read; Django makes UnreadablePostError of it."""


class _Waiter:
    """Who finds no place free: `granted` is unlocked by whoever gives it one."""

    __slots__ = ("granted", "party")

    def __init__(self, party: str) -> None:
        self.party = party
        self.granted = threading.Lock()
        self.granted.acquire()


class Places:
    """How many bodies may be read at one time, in all and of one address.

    A place goes from hand to hand: waking everybody who waits for each that is free would cost more than the reading.
    """

    def __init__(self, *, total: int, of_one: int) -> None:
        self._total, self._of_one = total, of_one
        self._taken = 0
        self._by_party: dict[str, int] = {}
        # A dict for its order: whoever has waited longest comes first.
        self._waiting: dict[_Waiter, None] = {}
        self._lock = threading.Lock()

    def take(self, party: str) -> None:
        """Raises NoPlace when there is none for PATIENCE_S."""
        with self._lock:
            if self._is_free(party):
                self._occupy(party)
                return
            waiter = _Waiter(party)
            self._waiting[waiter] = None
        if waiter.granted.acquire(timeout=PATIENCE_S):
            return
        with self._lock:
            # Whoever is not waiting any more was given a place in the last moment.
            if waiter not in self._waiting:
                return
            del self._waiting[waiter]
        raise NoPlace("too many bodies are being read")

    def give_back(self, party: str) -> None:
        """One is free again, for the first of those who may have it."""
        with self._lock:
            self._taken -= 1
            left = self._by_party[party] - 1
            if left:
                self._by_party[party] = left
            else:
                del self._by_party[party]
            for waiter in self._waiting:
                if self._is_free(waiter.party):
                    del self._waiting[waiter]
                    self._occupy(waiter.party)
                    waiter.granted.release()
                    return

    def _occupy(self, party: str) -> None:
        self._taken += 1
        self._by_party[party] = self._by_party.get(party, 0) + 1

    def _is_free(self, party: str) -> bool:
        return self._taken < self._total and self._by_party.get(party, 0) < self._of_one


class Body:
    """wsgi.input that takes a place for its first read and gives it back when all was read, or at the end."""

    def __init__(self, body: Any, length: int, places: Places, party: str) -> None:
        self._body, self._left = body, length
        self._places, self._party = places, party
        self._has_place = False

    def read(self, *size: int) -> bytes:
        """As the server's."""
        return self._follow(lambda: self._body.read(*size))

    def readline(self, *size: int) -> bytes:
        """As the server's."""
        return self._follow(lambda: self._body.readline(*size))

    def end(self) -> None:
        """The request is answered."""
        if self._has_place:
            self._has_place = False
            self._places.give_back(self._party)

    def _follow(self, read: Callable[[], bytes]) -> bytes:
        if not self._has_place and self._left > 0:
            self._places.take(self._party)
            self._has_place = True
        data = read()
        self._left -= len(data)
        if self._left <= 0 or not data:
            self.end()
        return data


def guard(application: Application, *, threads: int) -> Application:
    """The application of a process with so many threads, of which a quarter never waits for bodies."""
    places = Places(total=max(1, threads * 3 // 4), of_one=max(1, threads // 2))

    def guarded(environ: Environ, start_response: Any) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or "0"
        if length == "0" or not length.isdecimal():
            return application(environ, start_response)
        address = network.client_ip(environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", ""))
        body = Body(environ["wsgi.input"], int(length), places, network.party(address))
        environ["wsgi.input"] = body
        try:
            return application(environ, start_response)
        finally:
            body.end()

    return guarded
