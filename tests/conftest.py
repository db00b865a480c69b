"""Fixtures for every test."""

from collections.abc import Iterator

import pytest
import redis
from django.conf import settings
from django.db import connection

from tests.stack import stack  # noqa: F401  the fixture


@pytest.fixture
def redis_client() -> Iterator[redis.Redis]:
    """A flushed Redis, the worker's own."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def database_url(transactional_db: None) -> str:
    """URL of this worker's test database, for processes that a test starts."""
    name = connection.settings_dict["NAME"]
    base, _, query = settings.DATABASE_URL.partition("?")
    return f"{base.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
