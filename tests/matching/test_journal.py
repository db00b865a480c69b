"""Reading the journal, and what its guards say when it is touched."""

import io
import threading
import time
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from matching import journal
from matching.chain import JournalDamaged
from matching.engine import ENGINE_VERSION, commands
from matching.leadership import Leadership, LeadershipLost
from matching.partitions import ensure_partitions
from matching.replica import Replica
from matching.rows import decode_json, encode_commands, encode_json, make_row
from matching.verification import verify_journal
from tests.matching.harness import MatcherProcess, eventually, execute, fund
from tests.patience import PATIENCE_S

process = pytest.mark.process


def deposit(index: int, amount: int = 1) -> list:
    return commands.deposit(source=50, index=index, account=5, asset=2, amount=amount)


@process
def test_reading_by_sequence_gives_whole_batches_in_order(matcher: MatcherProcess) -> None:
    start = journal.head()
    execute(*[deposit(i) for i in range(1, 11)])
    execute(*[deposit(i) for i in range(11, 16)])
    assert journal.head() == start + 15
    first, second = journal.read(after=start)
    assert (first.first, first.last, second.last) == (start + 1, start + 10, start + 15)
    assert first.commands == [deposit(i) for i in range(1, 11)]
    assert second.events == [[["deposit", 50, i, 5, 2, 1]] for i in range(11, 16)]
    assert [batch.first for batch in journal.read(after=start + 9)] == [start + 1, start + 11]
    assert [batch.first for batch in journal.read(after=start + 10)] == [start + 11]
    assert [batch.first for batch in journal.read(after=start, limit=1)] == [start + 1]
    assert [batch.first for batch in journal.read(after=start, up_to=start + 3)] == [start + 1]
    assert journal.read(after=start + 15) == []
    assert journal.events_at(start + 10) == [["deposit", 50, 10, 5, 2, 1]]
    assert journal.events_at(start + 11) == [["deposit", 50, 11, 5, 2, 1]]
    for nowhere in (0, -1, start + 16):
        with pytest.raises(LookupError):
            journal.events_at(nowhere)


@process
def test_a_reader_is_given_only_so_many_bytes_at_a_time(
    matcher: MatcherProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = journal.head()
    for i in range(1, 4):
        execute(deposit(i))
    whole = journal.read(after=start)
    assert len(whole) == 3
    monkeypatch.setattr(journal, "READ_BYTES", 1)
    assert [batch.first for batch in journal.read(after=start)] == [start + 1], "one there always is"
    following = journal.follow(after=start, stop=lambda: False, idle_s=0.01)
    assert [next(following) for _ in range(4)] == [[batch] for batch in whole] + [[]]
    with connection.cursor() as cursor:
        cursor.execute("SELECT octet_length(body) FROM matching_journal WHERE first = %s", (start + 1,))
        monkeypatch.setattr(journal, "READ_BYTES", cursor.fetchone()[0] + 1)
    assert [batch.first for batch in journal.read(after=start)] == [start + 1, start + 2]


@process
def test_amounts_of_96_bits_pass_through_unharmed(matcher: MatcherProcess) -> None:
    largest = 2**96 - 1
    (result,) = execute(deposit(1, amount=largest))
    assert result.events == [["deposit", 50, 1, 5, 2, largest]]
    assert journal.events_at(result.sequence) == result.events
    (refused,) = execute(deposit(2, amount=largest + 1))
    assert refused.events == [["rejected", "invalid_amount"]]


@process
def test_a_follower_sees_every_batch_once_with_and_without_redis(matcher: MatcherProcess, redis_client) -> None:
    start = journal.head()
    seen: list[int] = []
    idle = threading.Event()
    stop = threading.Event()

    def follow() -> None:
        from django.db import connection

        for batches in journal.follow(after=start, stop=stop.is_set):
            seen.extend(sequence for batch in batches for sequence in range(batch.first, batch.last + 1))
            if not batches:
                idle.set()
        connection.close()

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        for index in range(1, 21):
            execute(deposit(index))
            if index == 10:
                # Who only hears by Redis would now be deaf.
                redis_client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        deadline = time.monotonic() + PATIENCE_S
        while len(seen) < 20 and time.monotonic() < deadline:
            time.sleep(0.01)
        idle.clear()
        assert idle.wait(PATIENCE_S), "it yields when there is nothing"
    finally:
        stop.set()
        follower.join(PATIENCE_S)
    assert seen == list(range(start + 1, start + 21))


@process
def test_what_is_due_happens_without_a_command(matcher: MatcherProcess) -> None:
    fund(account=7, USDT="1000")
    # It must stand before it expires; how long that takes is the machine's affair.
    for window_s in (0.3, 3, 30, 300):
        soon = time.time_ns() // 1000 + round(window_s * 1_000_000)
        (placed,) = execute(
            commands.place(account=7, market=1, side=0, tif=commands.GTD, price=600_000, size=10, expires_us=soon)
        )
        if placed.events[-1][0] == "rest":
            break
    assert placed.events[-1][0] == "rest"
    eventually(lambda: journal.head() > placed.sequence, within_s=window_s + PATIENCE_S, what="it expires")
    (batch,) = journal.read(after=placed.sequence)
    assert (batch.commands, batch.session, batch.number) == ([["tick", 0]], "", 0)
    assert batch.events[0][0][0] == "done" and batch.events[0][0][-1] == "expired"
    assert batch.time_us >= soon


@process
def test_the_journal_is_printed_for_human_eyes(matcher: MatcherProcess) -> None:
    fund(account=7, USDT="1000")
    fund(account=8, BTC="1")
    execute(commands.place(account=8, market=1, side=1, price=600_000, size=10, client_id="mine"))
    (taker,) = execute(commands.place(account=7, market=1, side=0, price=600_000, size=10, deadline_us=2**60))
    order = taker.events[0][1]

    def printed(**options) -> str:
        out = io.StringIO()
        call_command("journal", stdout=out, **options)
        return out.getvalue()

    one = printed(sequence=(taker.sequence, taker.sequence))
    assert f"{taker.sequence}  2" in one
    assert "place account=7 market=1 side=0" in one and f"deadline={2**60}" in one
    assert "→ trade trade=1 market=1 price=600000 lots=10" in one
    assert "client_id=mine" not in one
    by_order = printed(order=order)
    assert by_order.count("\n") == one.count("\n"), "one command names this order"
    by_account = printed(account=8)
    assert "client_id=mine" in by_account and f"taker_order={order}" in by_account
    assert "account=7 asset=2" not in by_account
    assert "stopped after 1 commands" in printed(limit=1)
    assert "version=" in printed(sequence=(1, 1))


def test_a_bad_range_is_refused() -> None:
    for text in ("x", "..", "1..x", "-3"):
        with pytest.raises(CommandError):
            call_command("journal", f"--sequence={text}")


@pytest.fixture
def leader(database_url: str, tmp_path: Path):
    """The leadership of an empty journal, in this process."""
    leadership = Leadership(database_url)
    eventually(leadership.try_lock, what="whoever led in the test before is gone")
    leadership.promote(Replica())
    yield leadership
    leadership.close()


def a_row(*, first: int = 1, epoch: int = 1, count: int = 1, previous_hash: bytes = bytes(32)):
    return make_row(
        first=first, last=first + count - 1, session="", number=0, time_us=1, epoch=epoch,
        commands_json=encode_json([["engine", 0, ENGINE_VERSION]] * count),
        events_json=encode_json([[["engine", ENGINE_VERSION]]] * count),
        previous_hash=previous_hash,
    )  # fmt: skip


def test_only_one_can_hold_the_lock(leader: Leadership, database_url: str) -> None:
    other = Leadership(database_url)
    try:
        assert not other.try_lock()
        leader.close()
        eventually(other.try_lock, what="the lock is free")
    finally:
        other.close()


def test_a_leader_of_a_former_epoch_can_commit_nothing(leader: Leadership, database_url: str) -> None:
    row = a_row()
    leader.commit(row)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE matching_leader SET epoch = epoch + 1")
    with pytest.raises(LeadershipLost):
        leader.commit(a_row(first=2, previous_hash=row.hash))
    with pytest.raises(LeadershipLost):
        leader.confirm()
    with pytest.raises(LeadershipLost):
        leader.note_suspect("s", 1, "[]")
    assert journal.head() == 1


def test_a_leader_that_missed_a_row_can_commit_nothing(leader: Leadership, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE matching_leader SET head = 5")
    with pytest.raises(LeadershipLost):
        leader.commit(a_row())
    assert journal.head() == 0


def test_a_sequence_is_journaled_once(leader: Leadership, database_url: str) -> None:
    leader.commit(a_row())
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE matching_leader SET head = 0")
    leader._head = 0
    with pytest.raises(psycopg.errors.UniqueViolation):
        leader.commit(a_row())
    assert journal.head() == 1


def test_a_promotion_clears_away_who_holds_the_leader_row(leader: Leadership, database_url: str) -> None:
    with psycopg.connect(database_url) as blocker:
        blocker.execute("UPDATE matching_leader SET host = 'blocker'")
        leader.close()
        other = Leadership(database_url)

        def promoted() -> bool:
            try:
                other.promote(Replica())
            except LeadershipLost:  # it was told to go, and a busy machine takes its time
                return False
            return True

        try:
            eventually(other.try_lock, what="the lock is free")
            eventually(promoted, what="whoever holds the row is gone")
            assert other.epoch == 2
            with pytest.raises(psycopg.OperationalError):
                blocker.execute("SELECT 1")
        finally:
            other.close()


def test_partitions_are_made_ahead(leader: Leadership, database_url: str) -> None:
    connection = leader.connection
    made = ensure_partitions(connection, head=10_000_000 - 1)
    assert made == ["matching_journal_000000020000000"], "0 and 10,000,000 were there"
    assert ensure_partitions(connection, head=10_000_000 - 1) == []
    connection.execute("UPDATE matching_leader SET head = 19999999")
    leader._head = 19_999_999
    leader.commit(a_row(first=20_000_000))
    where = "SELECT tableoid::regclass::text FROM matching_journal WHERE first = 20000000"
    assert connection.execute(where).fetchone() == ("matching_journal_000000020000000",)
    for name in ("000000020000000", "000000030000000"):
        connection.execute(f"DROP TABLE IF EXISTS matching_journal_{name}")


def test_crossing_into_a_partition_makes_the_next(leader: Leadership) -> None:
    connection = leader.connection
    connection.execute("UPDATE matching_leader SET head = 9999998")
    leader._head = 9_999_998
    leader.commit(a_row(first=9_999_999, count=5))
    exists = "SELECT to_regclass('matching_journal_000000020000000') IS NOT NULL"
    assert connection.execute(exists).fetchone() == (True,)
    connection.execute("DROP TABLE matching_journal_000000020000000")


def test_verifying_needs_the_leader_row(leader: Leadership, database_url: str) -> None:
    assert verify_journal().sequence == 0
    leader.commit(a_row())
    assert verify_journal().sequence == 1
    assert verify_journal(replay=False).state_hash == ""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM matching_leader")
    with pytest.raises(JournalDamaged, match="no leader row"):
        verify_journal()


@pytest.mark.parametrize("change", ["head = head - 1", "head = head + 1", "hash = decode(repeat('ff', 32), 'hex')"])
def test_a_leader_row_that_ends_elsewhere_is_damage(leader: Leadership, database_url: str, change: str) -> None:
    row = a_row()
    leader.commit(row)
    leader.commit(a_row(first=2, previous_hash=row.hash))
    leader.close()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"UPDATE matching_leader SET {change}")
    with pytest.raises(JournalDamaged):
        verify_journal()
    other = Leadership(database_url)
    try:
        eventually(other.try_lock, what="the lock is free")
        with pytest.raises(JournalDamaged, match="rows were cut off or changed"):
            other.promote(Replica())
    finally:
        other.close()


def test_verifying_finds_a_well_chained_lie(leader: Leadership) -> None:
    first = a_row()
    leader.commit(first)
    lie = make_row(
        first=2, last=2, session="", number=0, time_us=2, epoch=1, previous_hash=first.hash,
        commands_json=encode_json([commands.asset(asset=1, code="BTC", scale=8)]),
        events_json=encode_json([[["asset", 1, "BTC", 9]]]),
    )  # fmt: skip
    leader.commit(lie)
    assert verify_journal(replay=False).sequence == 2, "hashes alone do not see it"
    with pytest.raises(JournalDamaged, match=r"sequence 2 has .*9.* in the journal, .*8.* now"):
        verify_journal()


@pytest.mark.parametrize(
    "command",
    [
        ["deposit", 0, 1, 1, 1, 1, 2**96 - 1], ["cancel", 2**63, -(2**63) - 1, 0, "", 0],
        ["cancel", 0, 1, 0, "ключ", 0],
        ["cancel", 0, 1, 0, "\ud800", 0], ["cancel", 0, 1, 0, '"\\\x00\x1f\x7f,"events":', 0], ["tick", 0],
        ["list", 0, 1, 1, 0, [[0, 1, "x"], [2**64, 0, ""]], "", 7],
    ],
)  # fmt: skip
def test_commands_are_text_that_says_the_same_whoever_made_it(command: list) -> None:
    text = encode_commands([command, tuple(command)])
    assert text.isascii()
    assert decode_json(text) == [command, command] == decode_json(encode_json([command, command]))
    assert ',"events":' not in text
