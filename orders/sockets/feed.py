"""This process's one subscription to Redis pub/sub.

Built on the client's connection and not on its PubSub object: that reconnects by itself and says nothing,
and here a reconnection means that messages were missed.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import redis
import redis.asyncio

log = logging.getLogger(__name__)

RETRY_S: Final = 0.25
PING_S: Final = 5.0
SILENCE_S_MAX: Final = 20.0


class Feed:
    """Subscribes to topics and hands on their messages. All on one event loop.

    `on_message(topic, data)` gets each message; `on_restored()` is called when the connection was lost and all
    topics are subscribed again: whatever was published in between is missing.
    """

    def __init__(
        self, url: str, *, on_message: Callable[[str, bytes], None], on_restored: Callable[[], None]
    ) -> None:  # fmt: skip
        self._url = url
        self._on_message = on_message
        self._on_restored = on_restored
        self._connection: Any = None
        # For each topic that somebody wants: set when its messages are heard, or when nobody wants it any more.
        self._wanted: dict[str, asyncio.Event] = {}
        # How often this connection has asked for a topic without an answer: only the last answer counts, since a
        # topic that was left and wanted again is heard only from then on.
        self._unanswered: Counter[str] = Counter()
        self._heard_at = 0.0
        self._sends: asyncio.Queue[tuple[str, ...]] = asyncio.Queue()
        self.is_connected = False

    async def run(self) -> None:
        """Keep the subscription up until cancelled."""
        is_first = True
        while True:
            pool = redis.asyncio.ConnectionPool.from_url(self._url, socket_connect_timeout=2)
            connection = pool.make_connection()
            sender: asyncio.Task[None] | None = None
            try:
                await connection.connect()
                self._heard_at = time.monotonic()
                self._sends = asyncio.Queue()
                for confirmed in self._wanted.values():
                    confirmed.clear()
                self._unanswered = Counter(self._wanted.keys())
                if self._wanted:
                    self._sends.put_nowait(("SUBSCRIBE", *self._wanted))
                sender = asyncio.create_task(self._send_all(connection))
                if not is_first:
                    restored = asyncio.create_task(self._tell_restored())
                    restored.add_done_callback(_log_failure)
                is_first = False
                self.is_connected = True
                await self._receive_all(connection, sender)
            except (redis.RedisError, OSError) as error:
                log.warning("no Redis: %s", error)
            finally:
                self.is_connected = False
                if sender is not None:
                    sender.cancel()
                await connection.disconnect(nowait=True)
            await asyncio.sleep(RETRY_S)

    async def _tell_restored(self) -> None:
        await asyncio.gather(*(confirmed.wait() for confirmed in list(self._wanted.values())))
        self._on_restored()

    async def _send_all(self, connection: Any) -> None:
        """Write what was asked for, and a ping now and then; a connection that stays silent is dead."""
        while True:
            try:
                command = await asyncio.wait_for(self._sends.get(), PING_S)
            except TimeoutError:
                if time.monotonic() - self._heard_at > SILENCE_S_MAX:
                    await connection.disconnect(nowait=True)
                    raise redis.ConnectionError("silence") from None
                command = ("PING",)
            await connection.send_command(*command)

    async def _receive_all(self, connection: Any, sender: "asyncio.Task[None]") -> None:
        while True:
            if sender.done():
                sender.result()
            # One wait for the first, then whatever has come with it.
            answer = await connection.read_response(push_request=False)
            self._heard_at = time.monotonic()
            kind = answer[0]
            if kind == b"message":
                self._on_message(answer[1].decode(), answer[2])
            elif kind == b"subscribe":
                self._on_subscribed(answer[1].decode())

    def _on_subscribed(self, topic: str) -> None:
        self._unanswered[topic] -= 1
        if self._unanswered[topic] > 0:
            return
        del self._unanswered[topic]
        confirmed = self._wanted.get(topic)
        if confirmed is not None:
            confirmed.set()

    async def subscribe(self, topic: str) -> bool:
        """Return True once every later message of the topic will be heard; False if it was unsubscribed meanwhile."""
        confirmed = self._wanted.get(topic)
        if confirmed is None:
            confirmed = self._wanted[topic] = asyncio.Event()
            self._unanswered[topic] += 1
            self._sends.put_nowait(("SUBSCRIBE", topic))
        await confirmed.wait()
        return self._wanted.get(topic) is confirmed

    def unsubscribe(self, topic: str) -> None:
        """Stop hearing the topic. Whoever still waits to hear it is told, and must not wait for ever."""
        confirmed = self._wanted.pop(topic, None)
        if confirmed is not None:
            confirmed.set()
            self._sends.put_nowait(("UNSUBSCRIBE", topic))


def _log_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("a task failed", exc_info=task.exception())
