"""What a matcher refuses, and what it survives, without load: damaged files, a cut journal, poison, slow clocks."""

import itertools
import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from django.conf import settings
from kombu import Connection

from exchange.embedded import Redis
from matching import gateway, journal
from matching.channels import reply_key
from matching.engine import commands
from matching.models import SuspectBatch
from matching.process import EXIT_DAMAGED
from matching.tasks import apply_batch
from matching.verification import verify_journal
from tests.matching.harness import MatcherProcess, eventually, execute, fund
from tests.matching.under_load import Load
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.process


def rows(database_url: str, query: str) -> Any:
    """Run SQL as a vandal: past the trigger that keeps the journal append-only."""
    with psycopg.connect(database_url) as connection:
        connection.execute("SET session_replication_role = replica")
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def snapshot(matcher: MatcherProcess) -> Path:
    """`manage.py snapshot`; the file."""
    output = subprocess.run(
        [sys.executable, "manage.py", "snapshot"], env=matcher.environment, capture_output=True, text=True,
        check=True, timeout=PATIENCE_S,
    ).stdout  # fmt: skip
    return Path(output.rpartition(": ")[2].strip())


def test_a_start_from_a_snapshot_replays_only_what_came_after(matcher: MatcherProcess) -> None:
    fund(account=7, USDT="100")
    snapshot(matcher)
    fund(account=7, USDT="23")
    matcher.kill()
    matcher.start().wait_leading()
    (result,) = execute(commands.place(account=7, market=1, side=0, price=600_000, size=205))  # 123 USDT
    assert result.events[-1][-1] == 123_000_000
    assert "loaded snapshot" in matcher.output()


def test_a_damaged_snapshot_is_skipped(matcher: MatcherProcess) -> None:
    fund(account=7, USDT="100")
    good = snapshot(matcher)
    fund(account=7, USDT="100")
    path = snapshot(matcher)
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    matcher.kill()
    matcher.start().wait_leading()
    fund(account=7, USDT="100")
    assert f"skipped snapshot {path.name}" in matcher.output()
    assert f"loaded snapshot at sequence {int(good.stem.rpartition('-')[2])}" in matcher.output()
    assert verify_journal().sequence == journal.head()


def test_a_snapshot_of_another_journal_is_skipped(matcher: MatcherProcess) -> None:
    path = snapshot(matcher)
    text = path.read_text().partition("\n")[2]
    dump = json.loads(text)
    dump["hash"] = "00" * 32
    text = json.dumps(dump)
    path.write_text(f"{sha256(text.encode()).hexdigest()}\n{text}")
    matcher.kill()
    matcher.start().wait_leading()
    fund(account=7, USDT="1")
    assert "belongs to another journal" in matcher.output()


# What else can be wrong is tried on rows by hand, in test_replica and test_journal.
CUTS: dict[str, str] = {
    "tail cut": "DELETE FROM matching_journal WHERE first = (SELECT max(first) FROM matching_journal)",
    "byte flipped": "UPDATE matching_journal SET body = set_byte(body, 200, get_byte(body, 200) # 1) WHERE first = 2",
    "leader row gone": "DELETE FROM matching_leader",
}


@pytest.mark.parametrize("cut", CUTS)
def test_a_damaged_journal_is_found_and_no_matcher_starts_on_it(
    matcher: MatcherProcess, database_url: str, cut: str
) -> None:
    fund(account=7, USDT="100")
    fund(account=7, BTC="1")
    matcher.kill()
    rows(database_url, CUTS[cut])
    before = rows(database_url, "SELECT * FROM matching_journal ORDER BY first")
    check = subprocess.run(
        [sys.executable, "manage.py", "verify_journal"], env=matcher.environment, capture_output=True, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert check.returncode == 1
    assert "the journal is damaged" in check.stderr
    assert "Traceback" not in check.stderr
    assert matcher.start().wait_exit() == EXIT_DAMAGED
    assert "REFUSING TO START" in matcher.output()
    assert rows(database_url, "SELECT * FROM matching_journal ORDER BY first") == before


def test_the_journal_refuses_changes(matcher: MatcherProcess, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            connection.execute("UPDATE matching_journal SET number = 5")
        connection.rollback()
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            connection.execute("DELETE FROM matching_journal")


class RawSession:
    """A gateway's session by hand: sends what a gateway never would."""

    def __init__(self, client: redis.Redis, session: str = "") -> None:
        self.client = client
        self.session = session or gateway.new_session()

    def send(self, number: int, text: str, attempt: int = 0) -> None:
        apply_batch.apply_async((self.session, number, attempt, text), queue=settings.MATCHING_QUEUE)

    def answer(self, timeout_s: float = PATIENCE_S) -> Any:
        popped = self.client.blpop([reply_key(self.session)], timeout=timeout_s)
        return json.loads(popped[1]) if popped else None

    def ask(self, number: int, text: str) -> Any:
        """Send again, as a gateway does, until there is an answer: a message may die with a matcher.

        Answers to other batches, each of which was sent again and so answered again, are thrown away.
        """
        attempts = itertools.count(1)

        def answered() -> Any:
            self.send(number, text, next(attempts))
            while answer := self.answer(timeout_s=0.5):
                if answer["number"] == number:
                    return answer
            return None

        return eventually(answered, what=f"an answer to batch {number}")

    def silence(self, matcher_session: "RawSession") -> None:
        """No answer came, though the queue has been worked off."""
        matcher_session.send(1, '[["tick",0]]')
        assert matcher_session.answer()["number"] == 1
        assert self.client.llen(reply_key(self.session)) == 0


@pytest.fixture
def raw(matcher: MatcherProcess, redis_client: redis.Redis) -> RawSession:
    return RawSession(redis_client)


DEPOSIT = '[["deposit",0,70,1,7,2,5000000]]'
SECOND = '[["deposit",0,70,2,7,2,6000000]]'


def test_numbers_decide_what_is_executed(raw: RawSession, redis_client: redis.Redis) -> None:
    raw.send(1, DEPOSIT)
    first = raw.answer()
    assert first["events"] == [[["deposit", 70, 1, 7, 2, 5_000_000]]]
    head = journal.head()
    raw.send(1, DEPOSIT, attempt=1)
    assert raw.answer() == first, "the same number gets the recorded reply"
    assert journal.head() == head, "and executes nothing"
    raw.send(2, SECOND)
    assert raw.answer()["first"] == head + 1
    raw.send(1, DEPOSIT, attempt=2)
    raw.silence(RawSession(redis_client))
    assert journal.head() == head + 2
    raw.send(4, SECOND)
    assert raw.answer() == {"number": 4, "refused": "batch_gap"}
    RawSession(redis_client, raw.session).send(3, '[["tick",0]]')
    assert raw.answer()["first"] == head + 3


def test_recorded_replies_survive_the_matcher(raw: RawSession, matcher: MatcherProcess) -> None:
    raw.send(1, DEPOSIT)
    first = raw.answer()
    matcher.kill_child()
    assert raw.ask(1, DEPOSIT) == first
    snapshot(matcher)
    matcher.kill_child()
    matcher.wait_leading()
    assert raw.ask(1, DEPOSIT) == first
    assert "loaded snapshot" in matcher.output()
    assert journal.head() == first["first"]


NO_BATCHES = {
    "unknown session, not 1": ("", 2, DEPOSIT, "batch_gap"),
    "no uuid": ("not-a-session", 1, DEPOSIT, "malformed_batch"),
    "session born in 1970": ("00000000-0000-7000-8000-000000000000", 1, DEPOSIT, "batch_stale"),
    "no JSON": ("", 1, "[", "malformed_batch"),
    "empty": ("", 1, "[]", "malformed_batch"),
    "no array": ("", 1, "{}", "malformed_batch"),
    "not ASCII": ("", 1, '["ü"]', "malformed_batch"),
    "too many": ("", 1, "[" + ",".join(['["tick",0]'] * 501) + "]", "malformed_batch"),
    "too long": ("", 1, '[["tick",' + "0" * 1_000_000 + "]]", "malformed_batch"),
    "too deep": ("", 1, "[" * 100_000, "malformed_batch"),
}


def test_what_is_no_batch_is_refused(matcher: MatcherProcess, redis_client: redis.Redis) -> None:
    head = journal.head()
    for what, (session, number, text, code) in NO_BATCHES.items():
        raw = RawSession(redis_client, session)
        raw.send(number, text)
        assert raw.answer() == {"number": number, "refused": code}, what
    assert journal.head() == head


def test_a_batch_that_kills_two_leaders_is_journaled_as_rejected(
    raw: RawSession, matcher: MatcherProcess, redis_client: redis.Redis
) -> None:
    poison = '[["deposit",0,70,1,7,2,5000000],["boom",0]]'
    head = journal.head()
    pids = set()
    for attempt in range(3):
        pids.update(matcher.wait_leading().child_pids())
        before = set(matcher.child_pids())
        raw.send(1, poison, attempt=attempt)
        eventually(lambda before=before: not before & set(matcher.child_pids()), what="the leader dies")
        redis_client.delete(settings.MATCHING_QUEUE)
    assert journal.head() == head
    matcher.wait_leading()
    assert raw.ask(1, poison) == {"number": 1, "refused": "batch_rejected"}
    assert len(pids) == 3
    assert journal.head() == head + 2
    assert journal.events_at(head + 1) == journal.events_at(head + 2) == [["rejected", "invalid_parameter"]]
    # The reply comes before the note.
    eventually(
        lambda: set(SuspectBatch.objects.values_list("commands", "rejected_at_sequence")) == {(poison, head + 1)},
        what="the batch is noted as rejected",
    )
    assert raw.ask(1, poison) == {"number": 1, "refused": "batch_rejected"}, "the recorded reply"
    assert raw.ask(2, DEPOSIT)["events"] == [[["deposit", 70, 1, 7, 2, 5_000_000]]], "the poison left nothing behind"
    matcher.kill_child()
    matcher.wait_leading()
    assert verify_journal().sequence == journal.head()


def test_a_batch_that_came_twice_but_did_no_harm_is_no_suspect_afterwards(raw: RawSession) -> None:
    raw.send(1, DEPOSIT, attempt=1)
    assert raw.answer()["events"][0][0][0] == "deposit"
    eventually(lambda: not SuspectBatch.objects.exists(), what="the note is gone")


def test_redis_restart(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Redis(tmp_path / "redis", name=f"m{tmp_path.stat().st_ino}")
    server.start()
    process = MatcherProcess(
        database_url=database_url, snapshots=tmp_path / "snapshots", redis_url=server.url, broker_url=server.broker_url
    ).start()
    # The test's own gateway would use the other Redis: let the load's processes fill the exchange.
    load = Load(directory=tmp_path, environment=process.environment, fill=True)
    try:
        process.wait_leading()
        with load:
            for _ in range(2):
                server.stop()
                server.start()
                load.wait_for_more_answers()
        load.check()
    finally:
        process.kill()
        server.stop()


def test_what_is_due_happens_though_redis_is_away(database_url: str, tmp_path: Path) -> None:
    server = Redis(tmp_path / "redis", name=f"d{tmp_path.stat().st_ino}")
    server.start()
    process = MatcherProcess(
        database_url=database_url, snapshots=tmp_path / "snapshots", redis_url=server.url, broker_url=server.broker_url
    ).start()
    try:
        process.wait_leading()
        session, text = gateway.new_session(), '[["deadman",0,7,3000000]]'
        with Connection(server.broker_url) as broker, redis.Redis.from_url(server.url) as client:
            apply_batch.apply_async((session, 1, 0, text), queue=settings.MATCHING_QUEUE, connection=broker)
            popped = client.blpop([reply_key(session)], timeout=PATIENCE_S)
            assert popped is not None
            set_at = json.loads(popped[1])["first"]
        server.stop()
        (batch,) = eventually(lambda: journal.read(after=set_at), what="the switch fires")
        assert batch.commands == [["tick", 0]]
        assert batch.events[0][0][0] == "deadman_fired"
        assert process.leads()
    finally:
        process.kill()
        server.stop()
