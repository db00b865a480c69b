"""Fixtures for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.db import connection

from accounts import outcome
from matching import gateway
from tests import emptying
from tests.matching import harness
from tests.stack import stack  # noqa: F401  the fixture

emptying.install()


@pytest.fixture(autouse=True)
def _unanswered() -> None:
    """Tests call services in one thread, one after the other: what one noted of its outcome is not the next one's."""
    outcome.begin()


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


@pytest.fixture
def bare_matcher(database_url: str, redis_client: redis.Redis, tmp_path: Path) -> Iterator[harness.MatcherProcess]:
    """A real leading matcher on this worker's database and Redis, with an empty exchange."""
    process = harness.MatcherProcess(database_url=database_url, snapshots=tmp_path / "snapshots").start()
    gateway.close()
    harness.deposits.reset()
    try:
        yield process.wait_leading()
    finally:
        gateway.close()
        process.kill()


@pytest.fixture
def matcher(bare_matcher: harness.MatcherProcess) -> harness.MatcherProcess:
    """The same with the default assets and markets. Fund accounts by tests.matching.harness.fund."""
    harness.seed_markets()
    return bare_matcher
