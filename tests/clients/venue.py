"""What somebody writes to point ccxt's `binance` here, and what tests read from it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import ccxt
import ccxt.pro

from tests.patience import PATIENCE_S

TIMEOUT_MS = round(PATIENCE_S * 1_000)


def settings(base_url: str, socket_url: str, key: str = "", secret: str = "") -> dict[str, Any]:
    """Arguments of ccxt.binance and ccxt.pro.binance: addresses like http://host:8000 and ws://host:8001."""
    return {
        "apiKey": key,
        "secret": secret,
        # Spot only: without these ccxt also asks hosts for futures, options and margin.
        "options": {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "fetchMargins": False,
        },
        "urls": {
            "api": {
                "public": f"{base_url}/api/v3",
                "private": f"{base_url}/api/v3",
                "sapi": f"{base_url}/sapi/v1",
                # ccxt tells spot from futures by "/stream" in the address.
                "ws": {"spot": f"{socket_url}/stream/ws", "ws-api": {"spot": f"{socket_url}/ws-api/v3"}},
            }
        },
    }


def of_stack(stack: Any, account: dict[str, Any] | None = None) -> dict[str, Any]:
    """The same for a running exchange of tests and one of its accounts."""
    sockets = stack.socket_url.removesuffix("/ws/v1")
    return settings(stack.base_url, sockets, *((account["key"], account["secret"]) if account else ()))


def rest(stack: Any, account: dict[str, Any] | None = None) -> Any:
    """ccxt's blocking client with its markets loaded."""
    client = ccxt.binance(of_stack(stack, account) | {"timeout": TIMEOUT_MS})
    client.load_markets()
    return client


@asynccontextmanager
async def pro(stack: Any, account: dict[str, Any] | None = None) -> AsyncIterator[Any]:
    """ccxt.pro's client with its markets loaded; closed at the end."""
    client = ccxt.pro.binance(of_stack(stack, account) | {"timeout": TIMEOUT_MS})
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()


def with_pro(stack: Any, account: dict[str, Any], run: Callable[[Any], Awaitable[None]]) -> None:
    """Run a coroutine of one client of ccxt.pro in an event loop of its own."""

    async def whole() -> None:
        async with pro(stack, account) as client:
            await run(client)

    asyncio.run(whole())


def eventually(condition: Callable[[], Any], what: str) -> Any:
    """Ask until the answer is true, and give it."""
    end = time.monotonic() + PATIENCE_S
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.05)


async def watched(watch: Callable[[], Awaitable[Any]], condition: Callable[[Any], Any], what: str) -> Any:
    """Watch until what comes meets the condition, and give what met it."""
    seen = None
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                seen = await watch()
                if condition(seen):
                    return seen
    except TimeoutError:
        raise AssertionError(f"waited for {what}; last seen: {seen}") from None


@asynccontextmanager
async def watching(watch: Callable[[], Awaitable[Any]]) -> AsyncIterator["Watch"]:
    """Watch all the time in the background, as programs do; ends with the block, raising what went wrong."""
    one = Watch(watch)
    task = asyncio.create_task(one.follow())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


class Watch:
    """What a watching task saw last. A client's answers are its caches: later news change them in place."""

    def __init__(self, watch: Callable[[], Awaitable[Any]]) -> None:
        self._watch = watch
        self._news = asyncio.Event()
        self.seen: Any = None

    async def follow(self) -> None:
        """Watch for ever."""
        while True:
            self.seen = await self._watch()
            self._news.set()

    async def until(self, condition: Callable[[Any], Any], what: object) -> Any:
        """What is seen, once it meets the condition."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while self.seen is None or not condition(self.seen):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"waited for {what}; last seen: {self.seen}") from None
        return self.seen
