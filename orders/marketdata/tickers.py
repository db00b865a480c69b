"""Pushes tickers through the Channels layer, from a process that has no event loop of its own."""

import asyncio
import logging
import threading

from channels.layers import get_channel_layer

from orders.marketdata import names

log = logging.getLogger(__name__)


class TickerPush:
    """An event loop in a thread, on which the layer keeps its connection."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tickers", daemon=True)
        self._thread.start()
        # The latest unsent ticker of each market; touched by the loop's thread only.
        self._waiting: dict[str, tuple[str, bytes]] = {}
        self._is_sending = False

    def __call__(self, tickers: list[tuple[str, bytes]]) -> None:
        """Send tickers to everybody. Does not wait; while a send is stuck, later tickers replace earlier ones."""
        self._loop.call_soon_threadsafe(self._take, tickers)

    def _take(self, tickers: list[tuple[str, bytes]]) -> None:
        self._waiting.update({ticker[0]: ticker for ticker in tickers})
        if not self._is_sending:
            self._is_sending = True
            self._task = self._loop.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while self._waiting:
                message = {"type": "tickers", "tickers": [list(ticker) for ticker in self._waiting.values()]}
                self._waiting.clear()
                await get_channel_layer().group_send(names.TICKERS_GROUP, message)
        except Exception as error:
            log.warning("a ticker was not sent: %s", error)
        finally:
            self._is_sending = False

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=2)
