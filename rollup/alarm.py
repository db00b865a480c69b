"""The state manager's alarm: why it does not go on. /health/ready and the metrics show it until it is well again."""

import logging
from typing import cast

import redis

from accounts import redis_client

logger = logging.getLogger(__name__)

KEY = "rollup:alarm"


def raise_alarm(reason: str) -> None:
    """Say it. The log has said it already, so a Redis that is away loses nothing that counts."""
    try:
        redis_client.get().set(KEY, reason)
    except redis.RedisError as error:
        logger.warning("the alarm is not kept: %s", error)


def clear() -> None:
    """All is well."""
    try:
        redis_client.get().delete(KEY)
    except redis.RedisError as error:
        logger.warning("the alarm is not cleared: %s", error)


def reason() -> str:
    """Why the state manager stopped; empty when it did not. Raises redis.RedisError."""
    text = cast("bytes | None", redis_client.get().get(KEY))
    return text.decode() if text else ""
