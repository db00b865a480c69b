"""The real matcher is killed and stopped under the load of real gateways: nothing acknowledged is lost or repeated."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from matching.engine import commands
from matching.selectors import health
from tests.matching.harness import MatcherProcess, eventually, execute
from tests.matching.under_load import Load

pytestmark = pytest.mark.process


@pytest.fixture
def standby(matcher: MatcherProcess, database_url: str, tmp_path: Path) -> Iterator[MatcherProcess]:
    """A second matcher, which waits."""
    process = MatcherProcess(
        database_url=database_url, snapshots=tmp_path / "snapshots", log=tmp_path / "standby.log"
    ).start()
    try:
        yield process.wait_standby()
    finally:
        process.kill()


@pytest.fixture
def load(matcher: MatcherProcess, tmp_path: Path) -> Load:
    return Load(directory=tmp_path, environment=matcher.environment)


def test_sigkill_of_the_leader(matcher: MatcherProcess, standby: MatcherProcess, load: Load) -> None:
    with load:
        matcher.kill()
        standby.wait_leading()
        load.wait_for_more_answers()
    load.check()
    print(f"\nSIGKILL: {len(load.acknowledged)} answers, longest silence {load.longest_silence_s():.2f} s")


def test_sigstop_of_the_leader_and_its_awakening(matcher: MatcherProcess, standby: MatcherProcess, load: Load) -> None:
    assert matcher.process is not None
    with load:
        # The whole machine, as it were: a supervisor that runs would end it.
        matcher.process.send_signal(signal.SIGSTOP)
        stopped = matcher.stop_signal()
        standby.wait_leading()
        os.kill(stopped, signal.SIGCONT)
        matcher.process.send_signal(signal.SIGCONT)
        eventually(lambda: stopped not in matcher.child_pids(), what="the former leader ends")
        load.wait_for_more_answers()
    load.check()
    print(f"\nSIGSTOP: {len(load.acknowledged)} answers, longest silence {load.longest_silence_s():.2f} s")
    assert standby.leads()


def test_a_stopped_matcher_without_a_standby_is_replaced(matcher: MatcherProcess, load: Load) -> None:
    with load:
        stopped = matcher.stop_signal()
        eventually(lambda: stopped not in matcher.child_pids(), what="its supervisor ends it")
        matcher.wait_leading()
        load.wait_for_more_answers()
    load.check()


def test_repeated_kills_of_a_matcher_without_a_standby(matcher: MatcherProcess, load: Load) -> None:
    with load:
        for _ in range(4):
            matcher.kill_child()
            matcher.wait_leading()
            load.wait_for_more_answers()
    load.check()


def test_losing_the_database_connection(matcher: MatcherProcess, load: Load, database_url: str) -> None:
    with load, psycopg.connect(database_url, autocommit=True) as connection:
        for _ in range(2):
            before = health()["epoch"]
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name LIKE 'provex-matcher-%'"
            )
            eventually(lambda before=before: health()["epoch"] > before and health()["leader"], what="a new epoch")
            load.wait_for_more_answers()
    load.check()


def test_flushall(matcher: MatcherProcess, load: Load, redis_client: redis.Redis) -> None:
    with load:
        for _ in range(5):
            redis_client.flushall()
            load.wait_for_more_answers()
    load.check()


def test_health_tells_who_leads(matcher: MatcherProcess, standby: MatcherProcess) -> None:
    (result,) = execute(commands.tick())
    # A busy standby may say that it is there less often than every three seconds.
    seen = eventually(lambda: (now := health())["standby"] and now, what="the standby is seen")
    assert seen["leader"] and seen["epoch"] == 1
    assert seen["pid"] in matcher.child_pids()
    assert seen["head"] == result.sequence
    standby.kill()
    matcher.kill()
    eventually(lambda: not health()["leader"], what="the lock is free")
