"""What the sockets of a process share: the hub, the gateway's replies, threads for the database, and who is here."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol, TypeVar

from django.db import connections

from accounts import gate, outcome
from accounts.auth import Caller
from matching import gateway
from orders import listing
from orders.sockets import identity
from orders.sockets.guests import Guests
from orders.sockets.hub import Hub
from orders.sockets.limits import CLOSE_SIGNED_OUT
from orders.sockets.outbox import Outbox
from orders.sockets.replies import Replies

log = logging.getLogger(__name__)

T = TypeVar("T")
THREADS: Final = 4
# Reads have threads of their own: however many wait for them, orders, sign-ins and revocations go on.
READERS: Final = 2
# How often keys and sessions are looked at again; a revoked key is also told at once.
CHECK_S: Final = 10.0
IDLE_CHECK_S: Final = 5.0


class Conversation(Protocol):
    """One socket: of /ws/v1 or of a dialect. `callers` are those it speaks for, each with its browser session or "".

    One that `is_idle` for long, hearing nothing and speaking for nobody, is closed.
    """

    outbox: Outbox

    @property
    def is_idle(self) -> bool: ...

    def callers(self) -> list[tuple[Caller, str]]: ...

    async def read(self, receive: Callable[[], Awaitable[dict[str, Any]]]) -> None: ...

    def leave(self) -> None: ...


class Server:
    """One per event loop, made by the first use."""

    def __init__(self) -> None:
        self.hub = Hub(self._on_revoked)
        self.replies = Replies(asyncio.get_running_loop())
        self.guests = Guests()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sockets-database")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sockets-reads")
        self.hub.start()
        self.hub.spawn(self._warm_up())
        self.hub.spawn(self._check_callers())
        self.hub.spawn(self._check_idle())

    @staticmethod
    def now_ms() -> int:
        """The time."""
        return time.time_ns() // 1_000_000

    def in_thread(self, work: Callable[[], T]) -> Awaitable[T]:
        """Do what needs the database, in one of a few threads."""
        return asyncio.get_running_loop().run_in_executor(self._threads, _with_database, work)

    def in_reader(self, work: Callable[[], T]) -> Awaitable[T]:
        """Read from the database what nobody but the client waits for, in one of even fewer threads."""
        return asyncio.get_running_loop().run_in_executor(self._readers, _with_database, work)

    async def close(self) -> None:
        """End everything of this process's sockets."""
        await self.hub.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._readers.shutdown(wait=False, cancel_futures=True)

    async def _warm_up(self) -> None:
        """Know the markets and the matcher's queue before the first order asks."""
        gateway.prepare()
        for step in (listing.all_markets, gate.begin_remembering):
            try:
                await self.in_thread(step)
            except Exception:
                log.warning("not warm yet", exc_info=True)

    def _on_revoked(self, key: str) -> None:
        for connection in self.guests:
            if any(caller.key == key for caller, _ in connection.callers()):
                self._sign_out(connection)

    async def _check_callers(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            known = [(one, *known) for one in self.guests for known in one.callers()]
            if not known:
                continue
            try:
                gone = await self.in_thread(lambda known=known: _gone(known))  # type: ignore[misc]
            except Exception:
                log.warning("callers not checked", exc_info=True)
                continue
            for connection in gone:
                self._sign_out(connection)

    async def _check_idle(self) -> None:
        while True:
            await asyncio.sleep(IDLE_CHECK_S)
            self.guests.close_idle(time.monotonic())

    @staticmethod
    def _sign_out(connection: Conversation) -> None:
        connection.outbox.close(CLOSE_SIGNED_OUT, "signed_out: the key was revoked or the session is over", flush=False)


def _gone(known: list[tuple[Conversation, Caller, str]]) -> list[Conversation]:
    return [connection for connection, caller, session in known if not identity.is_still(caller, session)]


def _with_database(work: Callable[[], Any]) -> Any:
    outcome.begin()  # threads are used again, and what they note with them
    try:
        return work()
    finally:
        # Back to the pool: an idle thread holds no connection.
        connections.close_all()
