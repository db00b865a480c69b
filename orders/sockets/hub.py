"""The hub of a sockets process: its Redis subscription, its snapshots, its tickers from Channels, its order replies.

Everything here runs on one event loop, and nothing here touches the database.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import orjson
import redis.asyncio
from channels.layers import get_channel_layer
from django.conf import settings

from accounts import keys
from orders.marketdata import frames, names
from orders.marketdata.frames import NO_CHAIN
from orders.sockets.feed import Feed
from orders.sockets.limits import RECENT_TRADES
from orders.sockets.topics import Listener, Subscription, Topics

log = logging.getLogger(__name__)

LEASE_S: Final = 60
RENEW_S: Final = 10.0
ASK_AGAIN_S: Final = 1.0
SYMBOLS_S: Final = 1.0
ACCOUNT_PREFIX: Final = names.account_topic(0)[:-1]
TICKER_PREFIX: Final = "ticker:"
ALL_TICKERS: Final = TICKER_PREFIX + "*"


class Hub:
    """One per process; `start` before the first socket, `close` at the end. `on_revoked` gets revoked API keys."""

    def __init__(self, on_revoked: Callable[[str], None]) -> None:
        self._on_revoked = on_revoked
        self._redis = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2)
        self._feed = Feed(settings.REDIS_URL, on_message=self._on_message, on_restored=self._restart)
        self._topics = Topics(self._need_snapshot)
        self._tickers: dict[str, bytes] = {}
        self._symbols: frozenset[str] = frozenset()
        self._symbols_at = 0.0
        self._refreshing: asyncio.Task[None] | None = None
        self._fetching: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        """Connect and listen; needs the running event loop."""
        self.spawn(self._feed.run())
        for topic in (names.RESET, keys.REVOKED_CHANNEL):
            self.spawn(self._feed.subscribe(topic))
        self.spawn(self._receive_tickers())
        self.spawn(self._renew_leases())

    @property
    def is_ready(self) -> bool:
        """Whether market data can reach this process."""
        return self._feed.is_connected

    async def close(self) -> None:
        """End all tasks."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.aclose()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Run a task that the hub keeps alive and whose failure is logged."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def _on_done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a task failed", exc_info=task.exception())

    # --- subscribing

    def knows_market(self, symbol: str) -> bool:
        """Whether market data has this symbol, as far as this process has heard."""
        return symbol in self._symbols

    def markets(self) -> frozenset[str]:
        """The symbols of all markets, as far as this process has heard."""
        return self._symbols

    async def refresh_markets(self) -> None:
        """Hear of new markets, at most once a second."""
        if time.monotonic() - self._symbols_at > SYMBOLS_S:
            self._symbols_at = time.monotonic()
            self._refreshing = asyncio.create_task(self._load_markets())
        if self._refreshing is not None:
            await asyncio.shield(self._refreshing)

    async def _load_markets(self) -> None:
        try:
            members: Any = await self._redis.smembers(names.MARKETS)
            self._symbols = frozenset(member.decode() for member in members)
        except (redis.RedisError, OSError) as error:
            log.warning("markets not read: %s", error)

    def join(self, listener: Listener, topic: str, frame: int = 0) -> Subscription:
        """Subscribe; the snapshot and what follows come to `listener` by themselves."""
        subscription = Subscription(listener, topic, frame)
        self._topics.add(subscription)
        self._need_snapshot(topic)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Unsubscribe."""
        if self._topics.remove(subscription):
            self._feed.unsubscribe(subscription.topic)

    # --- messages

    def _on_message(self, topic: str, data: bytes) -> None:
        if topic == names.RESET:
            self._restart()
            return
        if topic == keys.REVOKED_CHANNEL:
            self._on_revoked(data.decode())
            return
        envelope = frames.unseal(data)
        if envelope.prev == NO_CHAIN and topic.startswith(ACCOUNT_PREFIX):
            texts = [frame.decode() for frame in envelope.frames]
            for subscription in self._topics.waiting(topic):
                # In order with the updates, so nothing that came before it still matters, but to who wants each event.
                if subscription.frame == frames.USER_EVENTS:
                    subscription.catch_up()
                subscription.restart()
                subscription.begin(envelope.last, texts[subscription.frame])
            return
        self._topics.dispatch(topic, envelope)

    def _restart(self) -> None:
        self._symbols_at = 0.0
        self._tickers.clear()
        self._topics.restart()

    # --- snapshots

    def _need_snapshot(self, topic: str) -> None:
        if topic in self._fetching:
            if topic.startswith(ACCOUNT_PREFIX):
                # It sleeps until it would ask again; the newcomer shall not wait for that.
                self.spawn(self._ask_for(_account_of(topic)))
        else:
            task = self._fetching[topic] = self.spawn(self._fetch(topic))
            task.add_done_callback(lambda _: self._fetched(topic))

    def _fetched(self, topic: str) -> None:
        del self._fetching[topic]
        if self._topics.waiting(topic):
            self._need_snapshot(topic)

    async def _fetch(self, topic: str) -> None:
        """Serve everybody who waits for this topic's snapshot, until nobody does."""
        if topic.startswith(TICKER_PREFIX):
            await self._begin_tickers(topic)
            return
        while waiting := self._topics.waiting(topic):
            # Again each time: everybody may have left meanwhile, which ends the subscription, and come back.
            if not await self._feed.subscribe(topic):
                continue
            try:
                if topic.startswith(ACCOUNT_PREFIX):
                    await self._ask_for(_account_of(topic))
                    await asyncio.sleep(ASK_AGAIN_S)
                    continue
                position, snapshot, tail = await self._read_snapshot(topic)
            except (redis.RedisError, OSError, LookupError) as error:
                log.warning("no snapshot of %s yet: %s", topic, error)
                await asyncio.sleep(ASK_AGAIN_S)
                continue
            is_whole = [one.begin(position, snapshot, tail) for one in waiting if one.waiting is not None]
            if not all(is_whole):
                # The store is a moment behind the messages: look again.
                await asyncio.sleep(0.02)

    async def _read_snapshot(self, topic: str) -> tuple[int, str, Sequence[tuple[int, int, str]]]:
        """(position, frame, what came since) of a public topic. Raises LookupError when nothing is stored."""
        _, symbol, channel, *rest = topic.split(":")
        if channel == "book":
            return await self._read_book(symbol)
        if channel == "trades":
            trades: Any = await self._redis.lrange(names.trades(symbol), 0, RECENT_TRADES - 1)
            position = orjson.loads(trades[0])["id"] if trades else 0
            return position, frames.trades_message(symbol, "snapshot", reversed(trades)).decode(), ()
        stored: Any = await self._redis.get(names.candle(symbol, rest[0]))
        if stored is None:
            return 0, frames.candles_message(symbol, rest[0], "snapshot", ()).decode(), ()
        envelope = frames.unseal(stored)
        return envelope.last, envelope.frames[0].decode(), ()

    async def _read_book(self, symbol: str) -> tuple[int, str, Sequence[tuple[int, int, str]]]:
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.get(names.book(symbol))
            pipeline.lrange(names.book_tail(symbol), 0, -1)
            body, tail = await pipeline.execute()
        if body is None:
            raise LookupError(f"no book of {symbol}")
        updates = [(one.prev, one.last, one.frames[0].decode()) for one in map(frames.unseal, tail)]
        return orjson.loads(body)["sequence"], frames.book_snapshot(body).decode(), updates

    async def _ask_for(self, account: int) -> None:
        """Have market data publish the account's snapshot, and its changes from then on."""
        if not await self._feed.subscribe(names.account_topic(account)):
            return
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.zadd(names.WATCHED, {str(account): time.time() + LEASE_S})
                pipeline.sadd(names.REQUESTS, account)
                await pipeline.execute()
        except (redis.RedisError, OSError) as error:
            log.warning("no snapshot of account %d yet: %s", account, error)

    async def _renew_leases(self) -> None:
        """Say that somebody still listens to these accounts."""
        while True:
            await asyncio.sleep(RENEW_S)
            until = time.time() + LEASE_S
            accounts = {
                topic.removeprefix(ACCOUNT_PREFIX): until
                for topic in self._topics.names()
                if topic.startswith(ACCOUNT_PREFIX)
            }
            if accounts:
                try:
                    await self._redis.zadd(names.WATCHED, accounts)
                except (redis.RedisError, OSError) as error:
                    log.warning("leases not renewed: %s", error)

    # --- tickers, through Channels

    async def _receive_tickers(self) -> None:
        """One channel of the layer for the whole process; sockets never get one of their own."""
        layer = get_channel_layer()
        while True:
            try:
                channel = await layer.new_channel()
                await layer.group_add(names.TICKERS_GROUP, channel)
                while True:
                    message = await layer.receive(channel)
                    for symbol, body in message["tickers"]:
                        self._on_ticker(symbol, body)
            except Exception as error:  # the layer raises what its Redis client does; this must not end
                log.warning("no tickers: %s", error)
                await asyncio.sleep(ASK_AGAIN_S)

    def _on_ticker(self, symbol: str, body: bytes) -> None:
        self._tickers[symbol] = body
        # Position 0: tickers of several markets share a subscription, and Channels keeps their order.
        envelope = frames.Envelope(NO_CHAIN, 0, [frames.ticker_message(symbol, "update", body)])
        self._topics.dispatch(TICKER_PREFIX + symbol, envelope)
        self._topics.dispatch(ALL_TICKERS, envelope)

    async def _begin_tickers(self, topic: str) -> None:
        await self._load_tickers()
        wanted = self._tickers if topic == ALL_TICKERS else [topic.removeprefix(TICKER_PREFIX)]
        for subscription in self._topics.waiting(topic):
            # Whatever came meanwhile is in self._tickers.
            subscription.restart()
            subscription.begin(0, "")
            for symbol in sorted(wanted):
                if symbol in self._tickers:
                    text = frames.ticker_message(symbol, "snapshot", self._tickers[symbol]).decode()
                    subscription.hear(NO_CHAIN, 0, text)

    async def _load_tickers(self) -> None:
        """The tickers of markets that had no push since this process began."""
        try:
            await self.refresh_markets()
            missing = [symbol for symbol in self._symbols if symbol not in self._tickers]
            if missing:
                stored: Any = await self._redis.mget([names.ticker(symbol) for symbol in missing])
                for symbol, body in zip(missing, stored, strict=True):
                    if body is not None and symbol not in self._tickers:
                        self._tickers[symbol] = body
        except (redis.RedisError, OSError) as error:
            log.warning("no stored tickers: %s", error)


def _account_of(topic: str) -> int:
    return int(topic.removeprefix(ACCOUNT_PREFIX))
