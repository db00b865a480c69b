"""What waits to be sent on one socket: bounded, and closing for good when the client is too slow."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from orders.sockets.limits import CLOSE_SLOW, GOODBYE_S, OUTBOX_BYTES_MAX, OUTBOX_MESSAGES_MAX

log = logging.getLogger(__name__)


class Outbox:
    """A queue and the task that empties it. `push` never waits; `abort` cuts the connection without a word."""

    def __init__(self, send: Callable[[dict[str, Any]], Awaitable[None]], abort: Callable[[], None]) -> None:
        self._send = send
        self._abort = abort
        self._texts: deque[Sequence[str]] = deque()
        self._size = 0
        self._wake = asyncio.Event()
        self._goodbye: tuple[int, str] | None = None
        self._cut: asyncio.TimerHandle | None = None

    @property
    def is_closing(self) -> bool:
        """Whether nothing more will be sent."""
        return self._goodbye is not None

    def push(self, text: str) -> None:
        """Send a frame, in order. Too much unsent closes the socket: a reader that slow needs a new snapshot anyway."""
        self.push_all((text,))

    def push_all(self, texts: Sequence[str]) -> None:
        """Send frames that came together; they count as one message, so that one event cannot fill the queue."""
        if self._goodbye is not None:
            return
        self._texts.append(texts)
        self._size += sum(map(len, texts))
        if len(self._texts) > OUTBOX_MESSAGES_MAX or (self._size > OUTBOX_BYTES_MAX and len(self._texts) > 1):
            self.close(CLOSE_SLOW, "slow_consumer: resync after reconnecting", flush=False)
        else:
            self._wake.set()

    def close(self, code: int, reason: str, *, flush: bool = True) -> None:
        """Say goodbye, after what waits or at once; a client that reads not even that is cut off."""
        if self._goodbye is not None:
            return
        self._goodbye = (code, reason)
        if not flush:
            self._texts.clear()
        self._cut = asyncio.get_running_loop().call_later(GOODBYE_S, self._abort)
        self._wake.set()

    async def run(self) -> None:
        """Send until the goodbye is said or the client is gone."""
        texts = self._texts
        try:
            while True:
                while texts:
                    together = texts.popleft()
                    self._size -= sum(map(len, together))
                    for text in together:
                        await self._send({"type": "websocket.send", "text": text})
                if self._goodbye is not None:
                    code, reason = self._goodbye
                    await self._send({"type": "websocket.close", "code": code, "reason": reason})
                    return
                self._wake.clear()
                await self._wake.wait()
        except (OSError, RuntimeError):
            # The client is gone (RuntimeError: the server closed it for silence); the reader hears of it too.
            return

    def end(self) -> None:
        """The socket is over."""
        if self._cut is not None:
            self._cut.cancel()
