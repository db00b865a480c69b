"""The sender: whole Celery messages, one client for many of them, and a new connection after a lost one."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings
from kombu.transport.redis import Channel

from matching.sender import Sender


@pytest.fixture
def sender() -> Iterator[Sender]:
    made = Sender()
    yield made
    made.close()


def sent(client: redis.Redis) -> list[Any]:
    """What lies in the queue, oldest first: the arguments of each task, with its name."""
    found = []
    for text in reversed(client.lrange(settings.MATCHING_QUEUE, 0, -1)):
        message = json.loads(text)
        arguments, _, _ = json.loads(base64.b64decode(message["body"]))
        found.append([message["headers"]["task"], *arguments])
    return found


def test_messages_are_tasks_and_keep_their_order(sender: Sender, redis_client: redis.Redis) -> None:
    for number in (1, 2, 3):
        sender.send("session", number, 0, '[["tick",0]]')
    assert sent(redis_client) == [
        ["matching.apply_batch", "session", number, 0, '[["tick",0]]'] for number in (1, 2, 3)
    ]  # fmt: skip


def test_many_messages_need_one_client(
    sender: Sender, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender.send("session", 1, 0, "[]")
    made = []
    create = Channel._create_client
    monkeypatch.setattr(Channel, "_create_client", lambda *args, **kw: made.append(1) or create(*args, **kw))
    for number in range(2, 12):
        sender.send("session", number, 0, "[]")
    assert len(sent(redis_client)) == 11
    assert made == []


def test_a_lost_connection_is_replaced(sender: Sender, redis_client: redis.Redis) -> None:
    sender.send("session", 1, 0, "[]")
    for client in redis_client.client_list():
        if int(client["id"]) != redis_client.client_id():
            redis_client.client_kill_filter(_id=client["id"])
    for attempt in range(3):
        sender.send("session", 2, attempt, "[]")
    assert ["matching.apply_batch", "session", 2, 2, "[]"] in sent(redis_client)
