"""The database is empty after a test, whatever processes that it killed had under way."""

import threading

import psycopg
import pytest
from django.db import connection

from matching import journal
from matching.models import Leader
from tests import emptying
from tests.matching.harness import eventually
from tests.patience import PATIENCE_S
from tests.projections import INSERT, JournalWriter

ROW = JournalWriter(stores=False)
ROW.write([["tick", 0]], 1)


def wait_blocked(url: str) -> None:
    """Until somebody waits for a lock in this database."""
    with psycopg.connect(url, autocommit=True) as watching:
        eventually(
            lambda: watching.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchone(),
            what="it is waited for",
        )


class Emptying(threading.Thread):
    """Empties beside what the test does."""

    def run(self) -> None:
        self.ended_well = False
        emptying.empty()
        self.ended_well = True
        connection.close()


@pytest.fixture
def led(database_url: str) -> str:
    """The URL of a database with a leader's row."""
    Leader.objects.create(id=1, epoch=1, head=0, hash=bytes(32))
    return database_url


def test_what_a_killed_matcher_commits_at_last_is_removed(led: str) -> None:
    with psycopg.connect(led) as late:
        # A commit is one statement: the leader's row, then the batch.
        late.execute("UPDATE matching_leader SET head = 1")
        emptier = Emptying()
        emptier.start()
        wait_blocked(led)
        late.execute(INSERT, list(ROW.rows[0]))
    emptier.join(PATIENCE_S)
    assert emptier.ended_well
    assert journal.head() == 0
    assert not Leader.objects.exists()


def test_whoever_waits_for_us_in_turn_is_waited_for(led: str) -> None:
    with psycopg.connect(led) as late:
        late.execute("SET deadlock_timeout = '1h'")  # it is not the one that gives way
        late.execute("INSERT INTO matching_standby (name, sequence, seen_at) VALUES ('late', 1, now())")
        late.execute("LOCK TABLE matching_standby")
        emptier = Emptying()
        emptier.start()
        wait_blocked(led)
        late.execute("UPDATE matching_leader SET head = 1")
    emptier.join(PATIENCE_S)
    assert emptier.ended_well
    assert not Leader.objects.exists()
