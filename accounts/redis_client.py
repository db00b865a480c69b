"""One Redis client per process, for replay checks and revocations."""

import os
import threading

import redis
from django.conf import settings

_client: redis.Redis | None = None
_owner: tuple[int, str] | None = None
_lock = threading.Lock()


def get() -> redis.Redis:
    """The process's client (its pool is shared by threads); a fork or another URL gets a new one."""
    global _client, _owner  # noqa: PLW0603  the one place that holds the process's client
    owner = (os.getpid(), settings.REDIS_URL)
    if _client is None or _owner != owner:
        with _lock:
            if _client is None or _owner != owner:
                _client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
                _owner = owner
    return _client
