"""Fixtures for every test."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import redis
from django.conf import settings
from django.db import connection
from django.urls import get_resolver

from accounts import gate, outcome
from matching import gateway
from tests import emptying
from tests.matching import harness
from tests.stack import stack  # noqa: F401  the fixture

emptying.install()
# A slow machine is not a failure; what failed is printed so that it can be had again.
hypothesis.settings.register_profile(
    "patient", hypothesis.settings.default, deadline=None, print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)  # fmt: skip
hypothesis.settings.load_profile("patient")

# Groups of tests that share an exchange or contracts, longest first: the others fill up what is left of the workers'
# time.
GROUPS = ("chain", "stack", "api", "signed", "binance", "clients", "gas")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups go first; the directories have marked theirs by now."""

    def place(item: pytest.Item) -> int:
        mark = item.get_closest_marker("xdist_group")
        return GROUPS.index(mark.args[0]) if mark else len(GROUPS)

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def _views() -> None:
    """All views are loaded before the first test: that takes seconds, and a signature is good for five of them."""
    assert get_resolver().url_patterns


@pytest.fixture(autouse=True)
def _unanswered() -> None:
    """Tests call services in one thread, one after the other: what one noted of its outcome is not the next one's."""
    outcome.begin()


@pytest.fixture
def redis_client() -> Iterator[redis.Redis]:
    """A flushed Redis, the worker's own, that remembers the signatures of all times."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushall()
    client.set(gate.SINCE, 0)
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
