"""Replicas, their snapshots, the standby's care and the fingerprint: in this process, on rows made by hand."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from matching import journal, snapshots
from matching.chain import JournalDamaged
from matching.consumer import Consumer, born_us
from matching.engine import ENGINE_VERSION, commands
from matching.fingerprint import fingerprint
from matching.gateway import new_session
from matching.leadership import Leadership
from matching.process import Follower, start_replica
from matching.replica import SESSION_IDLE_US_MAX, Replica
from matching.rows import Row, chain, decode_json, encode_json, make_row
from matching.worker import WATCHDOG_STRIKES, Watchdog
from tests.matching.harness import eventually

NOW_US = 1_700_000_000_000_000


class Tape:
    """Rows as a leader writes them, by a replica of its own."""

    def __init__(self) -> None:
        self.replica = Replica()
        self.rows: list[Row] = []
        self.add(commands.engine(version=ENGINE_VERSION))
        self.add(commands.asset(asset=1, code="BTC", scale=8))

    def add(self, *batch: list[Any], session: str = "", number: int = 0, time_us: int = NOW_US) -> Row:
        replica = self.replica
        first = replica.sequence + 1
        events = replica.engine.apply_all(batch, time_us)
        row = make_row(
            first=first, last=replica.sequence, session=session, number=number, time_us=time_us, epoch=1,
            commands_json=encode_json(batch), events_json=encode_json(events), previous_hash=replica.chain.hash,
        )  # fmt: skip
        replica.advance(row)
        self.rows.append(row)
        return row


@pytest.fixture
def tape() -> Tape:
    made = Tape()
    for index in range(1, 6):
        made.add(commands.deposit(source=1, index=index, account=9, asset=1, amount=index), session="s", number=index)
    return made


def replayed(rows: list[Row]) -> Replica:
    replica = Replica()
    for row in rows:
        replica.replay(row)
    return replica


def test_replay_gives_the_same_state(tape: Tape) -> None:
    replica = replayed(tape.rows)
    assert replica.dump() == tape.replica.dump()
    assert replica.engine.balance(9, 1) == (15, 0)
    assert replica.sessions == {"s": (5, 7, NOW_US)}


def change(row: Row, **columns: Any) -> Row:
    return row._replace(**columns)


def rehash(tape: Tape, at: int, body: bytes) -> Row:
    """A row with another body, chained as if its writer had meant it."""
    return change(tape.rows[at], body=body, hash=chain(tape.rows[at - 1].hash, body))


DAMAGES = {
    "missing": (lambda t: [*t.rows[:2], *t.rows[3:]], "missing or double"),
    "double": (lambda t: [*t.rows[:3], *t.rows[2:]], "missing or double"),
    "hash": (lambda t: [*t.rows[:2], change(t.rows[2], hash=bytes(32))], "hash chain breaks"),
    "body": (lambda t: [*t.rows[:2], change(t.rows[2], body=t.rows[2].body + b" ")], "hash chain breaks"),
    "session": (lambda t: [*t.rows[:2], change(t.rows[2], session="x")], "columns contradict"),
    "time": (lambda t: [*t.rows[:2], change(t.rows[2], time_us=5)], "columns contradict"),
    "events": (
        lambda t: [
            *t.rows[:2],
            rehash(t, 2, t.rows[2].body.replace(b'"deposit",1,1,9,1,1]]', b'"deposit",1,1,9,1,2]]')),
        ],
        "replay differs",
    ),
    "command": (
        lambda t: [*t.rows[:2], rehash(t, 2, t.rows[2].body.replace(b'["deposit",0,', b'["boom",0,'))],
        "replay fails",
    ),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_damage_is_found_where_it_is(tape: Tape, damage: Any, message: str) -> None:
    rows = damage(tape)
    assert rows != tape.rows
    with pytest.raises(JournalDamaged, match=message):
        replayed(rows)


def test_falling_time_and_epochs_are_damage(tape: Tape) -> None:
    last = tape.replica.chain
    for time_us, epoch, message in ((NOW_US - 1, 1, "time falls"), (NOW_US, 0, "epoch falls")):
        row = make_row(
            first=last.sequence + 1, last=last.sequence + 1, session="", number=0, time_us=time_us, epoch=epoch,
            commands_json='[["tick",0]]', events_json="[[]]", previous_hash=last.hash,
        )  # fmt: skip
        with pytest.raises(JournalDamaged, match=message):
            replayed([*tape.rows, row])


def test_a_journal_of_another_engine_version_is_refused() -> None:
    row = make_row(
        first=1, last=1, session="", number=0, time_us=NOW_US, epoch=1, previous_hash=bytes(32),
        commands_json=encode_json([commands.engine(version=ENGINE_VERSION + 1)]),
        events_json=encode_json([[["engine", ENGINE_VERSION + 1]]]),
    )  # fmt: skip
    with pytest.raises(JournalDamaged, match="engine version"):
        replayed([row])


def test_a_batch_that_does_too_much_is_cut_short_and_replayed_so(tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matching.engine.limits.BATCH_EVENTS", 3)
    batch = [commands.deposit(source=1, index=index, account=9, asset=1, amount=1) for index in range(6, 11)]
    row = tape.add(*batch, session="s", number=6)
    assert decode_json(row.events_json) == [
        *([["deposit", 1, index, 9, 1, 1]] for index in (6, 7, 8)), *([["rejected", "overloaded"]] for _ in "45"),
    ]  # fmt: skip
    assert tape.replica.engine.balance(9, 1) == (15 + 3, 0)
    again = tape.add(*batch[3:], session="s", number=7)
    assert decode_json(again.events_json)[1] == [["deposit", 1, 10, 9, 1, 1]], "what was not looked at can be sent anew"
    assert replayed(tape.rows).dump() == tape.replica.dump()


def test_idle_sessions_are_forgotten_after_a_day_of_the_journals_time(tape: Tape) -> None:
    tape.add(commands.tick(), session="t", number=1, time_us=NOW_US + SESSION_IDLE_US_MAX)
    assert set(tape.replica.sessions) == {"s", "t"}
    tape.add(commands.tick(), session="t", number=2, time_us=NOW_US + SESSION_IDLE_US_MAX + 1)
    assert set(tape.replica.sessions) == {"t"}
    assert replayed(tape.rows).sessions == tape.replica.sessions


def test_a_session_tells_when_it_was_born() -> None:
    before = time.time_ns() // 1_000_000 * 1000
    session = new_session()
    assert before <= born_us(session) <= time.time_ns() // 1000
    assert session[14] == "7" and session[19] in "89ab"
    assert session != new_session()


def test_a_snapshot_holds_everything_and_the_last_few_are_kept(tape: Tape, tmp_path: Path) -> None:
    for index in range(6, 12):
        tape.add(commands.deposit(source=1, index=index, account=9, asset=1, amount=1), session="s", number=index)
        path = snapshots.write(tape.replica, tmp_path)
    assert snapshots.load(path).dump() == tape.replica.dump()
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == [f"snapshot-{sequence:015d}.json" for sequence in (11, 12, 13)]
    (tmp_path / ".snapshot-000000000000014.json.999999999").write_text("half")
    snapshots.write(tape.replica, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == names, "drafts of the dead are swept"


def test_a_forked_snapshot_is_of_the_moment_of_the_fork(tape: Tape, tmp_path: Path) -> None:
    then = tape.replica.dump()
    pid = snapshots.write_forked(tape.replica, tmp_path)
    tape.add(commands.tick())
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    (replica,) = snapshots.load_newest(tmp_path)
    assert replica.dump() == then


@pytest.mark.parametrize("text", [b"", b"x", b"0" * 64 + b"\n{}", b"\n\n"], ids=["empty", "no line", "sum", "lines"])
def test_what_is_no_snapshot_is_skipped(tape: Tape, tmp_path: Path, text: bytes) -> None:
    snapshots.write(tape.replica, tmp_path)
    (tmp_path / "snapshot-000000000000099.json").write_bytes(text)
    assert [replica.sequence for replica in snapshots.load_newest(tmp_path)] == [tape.replica.sequence]


def test_fingerprints_are_stable_and_tell_content_apart() -> None:
    order = [1, 0, 600_000, 10, "limit"]
    assert fingerprint(order) == fingerprint(tuple(order)) == 7794158297778244487
    assert 0 <= fingerprint(order) < 2**63
    assert len({fingerprint([1, 23]), fingerprint([12, 3]), fingerprint(["1", 23]), fingerprint([1, "23"])}) == 4


@pytest.fixture
def journaled(tape: Tape, database_url: str) -> Any:
    """The tape in the database; a second connection, as a standby has."""
    writer = Leadership(database_url)
    eventually(writer.try_lock, what="whoever led in the test before is gone")
    writer.promote(Replica())
    for row in tape.rows:
        writer.commit(row)
    follower = Leadership(database_url)
    yield writer, follower
    writer.close()
    follower.close()


def test_a_standby_whose_clock_is_behind_does_not_lead(
    tape: Tape, journaled: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer, connection = journaled
    writer.commit(tape.add(commands.tick(), time_us=time.time_ns() // 1000 + 3_600_000_000))
    follower = Follower(leadership=connection, replica=Replica(), directory=tmp_path)
    follower.catch_up()
    assert not follower._clock_is_right()
    assert "behind the journal: refusing to lead" in caplog.text


def test_a_standby_follows_says_so_and_takes_snapshots(
    tape: Tape, journaled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, connection = journaled
    monkeypatch.setattr("matching.process.SNAPSHOT_COMMANDS", 3)
    follower = Follower(leadership=connection, replica=Replica(), directory=tmp_path)
    follower.catch_up()
    assert follower.replica.dump() == tape.replica.dump()
    follower._say_so()
    seen = connection.one("SELECT name, sequence FROM matching_standby")
    assert seen == (follower.name, tape.replica.sequence)
    follower._snapshot_sequence = 0
    follower._snapshot()
    eventually(lambda: list(tmp_path.glob("snapshot-*")), what="a snapshot")
    assert start_replica(connection, tmp_path).dump() == tape.replica.dump()
    writer.close()
    follower.follow(may_lead=True)
    assert connection.one("SELECT count(*) FROM matching_standby") == (0,)
    connection.promote(follower.replica)
    assert connection.epoch == 2


def test_a_new_engine_version_is_journaled_before_anything_else(tape: Tape, journaled: Any) -> None:
    writer, _ = journaled
    woken: list[int] = []
    tape.replica.engine.version = ENGINE_VERSION - 1
    consumer = Consumer(replica=tape.replica, leadership=writer, reply=lambda *_: None, wake=woken.append)
    consumer.take_over()
    consumer.take_over()
    (batch,) = journal.read(after=7)
    assert batch.commands == [["engine", 0, ENGINE_VERSION]]
    assert batch.events == [[["engine", ENGINE_VERSION]]]
    assert woken == [8]


def test_the_watchdog_barks_when_messages_wait_and_none_is_taken(redis_client: Any) -> None:
    taken = [0]
    dog = Watchdog(queue="unserved", taken=lambda: taken[0])
    assert not any(dog.is_stuck() for _ in range(WATCHDOG_STRIKES * 2)), "an empty queue is fine"
    redis_client.lpush("unserved", "message")
    assert [dog.is_stuck() for _ in range(WATCHDOG_STRIKES)] == [False] * (WATCHDOG_STRIKES - 1) + [True]
    taken[0] += 1
    assert not any(dog.is_stuck() for _ in range(WATCHDOG_STRIKES)), "one was taken"
