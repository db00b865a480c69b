"""The process's one subscription to Redis: who leaves early leaves nobody else without messages."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import redis
import redis.asyncio
from django.conf import settings

from orders.marketdata import names
from orders.sockets.feed import Feed
from orders.sockets.hub import Hub
from tests.patience import PATIENCE_S

TOPIC = names.book_topic("BTC-USDT")


class Heard:
    """What a feed brought, and how often it was restored."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self.restored = asyncio.Event()

    async def next(self) -> tuple[str, bytes]:
        return await asyncio.wait_for(self.messages.get(), PATIENCE_S)


@asynccontextmanager
async def feeding() -> AsyncIterator[tuple[Feed, Heard]]:
    heard = Heard()
    feed = Feed(
        settings.REDIS_URL,
        on_message=lambda topic, data: heard.messages.put_nowait((topic, data)),
        on_restored=heard.restored.set,
    )
    task = asyncio.create_task(feed.run())
    try:
        assert await asyncio.wait_for(feed.subscribe("ready"), PATIENCE_S)
        yield feed, heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_who_waits_for_a_topic_that_everybody_left_is_told(redis_client: redis.Redis) -> None:
    async def scenario() -> None:
        async with feeding() as (feed, heard):
            waiting = asyncio.create_task(feed.subscribe("t"))
            await asyncio.sleep(0)  # it has asked Redis, which has not answered yet
            feed.unsubscribe("t")
            assert not await asyncio.wait_for(waiting, PATIENCE_S)
            assert await asyncio.wait_for(feed.subscribe("t"), PATIENCE_S)
            redis_client.publish("t", "again")
            assert await heard.next() == ("t", b"again")

    asyncio.run(scenario())


def test_who_comes_back_hears_everything_from_then_on(redis_client: redis.Redis) -> None:
    """The answer to the subscription of before says nothing about the one after it."""

    async def scenario() -> None:
        async with feeding() as (feed, heard):
            for number in range(200):
                before = asyncio.create_task(feed.subscribe("t"))
                await asyncio.sleep(0)
                feed.unsubscribe("t")
                assert await asyncio.wait_for(feed.subscribe("t"), PATIENCE_S)
                redis_client.publish("t", str(number))
                assert await heard.next() == ("t", str(number).encode())
                assert not await before
                feed.unsubscribe("t")

    asyncio.run(scenario())


def test_a_lost_connection_is_told_though_somebody_leaves_meanwhile(redis_client: redis.Redis) -> None:
    async def scenario() -> None:
        async with feeding() as (feed, heard):
            assert await asyncio.wait_for(feed.subscribe("stays"), PATIENCE_S)
            assert await asyncio.wait_for(feed.subscribe("leaves"), PATIENCE_S)
            redis_client.client_kill_filter(_type="pubsub")
            while feed.is_connected:
                await asyncio.sleep(0)
            while not feed.is_connected:
                await asyncio.sleep(0)
            # Connected again, and Redis has not said yet that the topics are subscribed.
            feed.unsubscribe("leaves")
            await asyncio.wait_for(heard.restored.wait(), PATIENCE_S)
            redis_client.publish("stays", "here")
            assert await heard.next() == ("stays", b"here")

    asyncio.run(scenario())


class Listener:
    """Remembers its frames."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[str] = asyncio.Queue()

    def push(self, text: str) -> None:
        self.frames.put_nowait(text)


def test_a_listener_who_leaves_at_once_takes_the_book_from_nobody(redis_client: redis.Redis) -> None:
    body = orjson.dumps({"market": "BTC-USDT", "sequence": 7, "bids": [], "asks": []})
    redis_client.set(names.book("BTC-USDT"), body)

    async def scenario() -> None:
        hub = Hub(lambda key: None)
        hub.start()
        try:
            hasty, patient = Listener(), Listener()
            subscription = hub.join(hasty, TOPIC)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            hub.leave(subscription)
            await asyncio.sleep(0.2)
            hub.join(patient, TOPIC)
            assert '"sequence":7' in await asyncio.wait_for(patient.frames.get(), PATIENCE_S)
        finally:
            await hub.close()

    asyncio.run(scenario())
