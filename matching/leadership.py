"""Who leads: one PostgreSQL connection that holds the lock and writes the journal.

The connection is never reopened. Losing it means having lost the lock, and the process ends. Two barriers stand
behind the lock: a batch moves the leader row on only from the epoch and head its writer knows, and the journal's
primary key.
"""

import logging
import os
import socket
import threading
import time
from typing import Any, Final

import psycopg
from django.conf import settings

from matching import clock
from matching.chain import JournalDamaged
from matching.clock import ClockWrong, SteadyClock
from matching.partitions import SEQUENCES_PER_PARTITION, ensure_partitions
from matching.replica import Replica
from matching.rows import GENESIS_HASH, Row, select_rows

log = logging.getLogger(__name__)

LOCK_KEY: Final = 0x50524F564558  # "PROVEX"; advisory locks are per database
HEARTBEAT_S: Final = 0.5
BATCH_S_MAX: Final = 2.0  # a batch that takes longer stops the heartbeat, so that a standby takes over
TAIL_ROWS: Final = 64

_SESSION_SETTINGS: Final = (
    # A stopped process keeps its socket open; these make the server close it, which frees the lock.
    "SET idle_session_timeout = '2s'",
    "SET idle_in_transaction_session_timeout = '2s'",
    "SET statement_timeout = '10s'",
    "SET lock_timeout = '500ms'",
    "SET synchronous_commit = on",
)
# The first start ever makes the row, and only then: next to a journal, its absence is damage.
_FIRST_LEADER: Final = """
    INSERT INTO matching_leader (id, epoch, head, hash, host, pid) SELECT 1, 0, 0, %s, '', 0
    WHERE NOT EXISTS (SELECT 1 FROM matching_leader) AND NOT EXISTS (SELECT 1 FROM matching_journal)
    ON CONFLICT DO NOTHING
"""
_BUMP: Final = """
    UPDATE matching_leader SET epoch = epoch + 1, host = %s, pid = %s, promoted_at = now()
    WHERE id = 1 RETURNING epoch, head, hash
"""
# One statement, one transaction, one round trip. If the leader row is not as we know it, nothing is inserted.
_COMMIT: Final = """
    WITH fence AS (
        UPDATE matching_leader SET head = %s, hash = %s WHERE id = 1 AND epoch = %s AND head = %s RETURNING 1
    )
    INSERT INTO matching_journal (first, last, session, number, time_us, epoch, body, hash)
    SELECT %s, %s, %s, %s, %s, %s, %s, %s FROM fence
"""
_NOTE: Final = """
    INSERT INTO matching_suspectbatch (session, number, epoch, noted_at, commands)
    SELECT %s, %s, epoch, now(), %s FROM matching_leader WHERE id = 1 AND epoch = %s
    ON CONFLICT ON CONSTRAINT matching_suspect_once_an_epoch DO UPDATE SET noted_at = now()
"""


class LeadershipLost(Exception):
    """Another process leads, or may. End the process; never go on."""


class Leadership:
    """The dedicated connection: first to tail the journal, later, with the lock, to write it."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(
            url, autocommit=True, application_name=f"provex-matcher-{os.getpid()}",
            keepalives_idle=2, keepalives_interval=1, keepalives_count=3, tcp_user_timeout=5000,
        )  # fmt: skip
        self.epoch = 0
        self.clock = SteadyClock(off_us_max=settings.MATCHING_CLOCK_OFF_MS_MAX * 1000)
        self._head = 0
        self._partitions_until = 0
        self._busy_since: float | None = None
        self._closed = threading.Event()

    def rows_after(self, sequence: int) -> list[Row]:
        """The next rows of the journal, a bounded number."""
        return select_rows(self.connection, after=sequence, limit=TAIL_ROWS)

    def one(self, query: str, parameters: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        """First row of a query on the dedicated connection."""
        return self.connection.execute(query, parameters).fetchone()

    def try_lock(self) -> bool:
        """Take the lock if it is free. It stays until the connection ends."""
        row = self.one("SELECT pg_try_advisory_lock(%s)", (LOCK_KEY,))
        return row is not None and bool(row[0])

    def check_clock(self) -> None:
        """Compare this machine's clock with PostgreSQL's. Raises ClockWrong."""
        before_us = clock.wall_us()
        row = self.one(clock.QUERY)
        assert row is not None
        off_us = clock.certainly_off_us(before_us=before_us, there_us=row[0], after_us=clock.wall_us())
        if abs(off_us) > self.clock.off_us_max:
            where = "ahead of" if off_us > 0 else "behind"
            raise ClockWrong(f"this clock is {abs(off_us) / 1e6:.1f} s {where} PostgreSQL's")
        self.clock.agree()

    def promote(self, replica: Replica) -> None:
        """With the lock: take the next epoch, tail to the head, compare. Raises JournalDamaged."""
        for setting in _SESSION_SETTINGS:
            self.connection.execute(setting)
        self.epoch, head, head_hash = self._bump_epoch()
        while rows := self.rows_after(replica.sequence):
            for row in rows:
                replica.replay(row)
        if (replica.sequence, replica.chain.hash) != (head, bytes(head_hash)):
            raise JournalDamaged(
                f"the leader row ends at sequence {head} with hash {bytes(head_hash).hex()[:16]}…, the journal at "
                f"{replica.sequence} with {replica.chain.hash.hex()[:16]}…: rows were cut off or changed"
            )
        self._head = head
        self._ensure_partitions()
        threading.Thread(target=self._heartbeat, name="heartbeat", daemon=True).start()

    def _bump_epoch(self) -> tuple[int, int, bytes]:
        for _ in range(3):
            try:
                self.connection.execute(_FIRST_LEADER, (GENESIS_HASH,))
                row = self.one(_BUMP, (socket.gethostname(), os.getpid()))
            except psycopg.errors.LockNotAvailable:
                self._terminate_blockers()
                continue
            if row is None:
                raise JournalDamaged("there is a journal, but no leader row that says where it ends")
            return row[0], row[1], row[2]
        raise LeadershipLost("the leader row stays locked by another connection")

    def _terminate_blockers(self) -> None:
        """An old backend that still holds the leader row, though not the lock any more, has to go."""
        self.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'matching_leader'::regclass"
            " AND mode = 'RowExclusiveLock' AND granted AND pid <> pg_backend_pid()"
        )

    def _ensure_partitions(self) -> None:
        ensure_partitions(self.connection, head=self._head)
        self._partitions_until = (self._head // SEQUENCES_PER_PARTITION + 1) * SEQUENCES_PER_PARTITION

    def commit(self, row: Row) -> None:
        """Make a batch durable, in one transaction of one statement. Raises LeadershipLost or psycopg.Error."""
        cursor = self.connection.execute(
            _COMMIT,
            (row.last, row.hash, self.epoch, self._head, row.first, row.last, row.session, row.number, row.time_us,
             row.epoch, row.body, row.hash),
            prepare=True,
        )  # fmt: skip
        if cursor.rowcount != 1:
            raise LeadershipLost(f"epoch {self.epoch} is over, or the head is not {self._head} any more")
        self._head = row.last
        if self._head >= self._partitions_until:
            self._ensure_partitions()

    def confirm(self) -> None:
        """Still leading? To be asked before any answer that no commit stands behind. Raises LeadershipLost."""
        if self.one("SELECT 1 FROM matching_leader WHERE id = 1 AND epoch = %s", (self.epoch,)) is None:
            raise LeadershipLost(f"epoch {self.epoch} is over")

    def note_suspect(self, session: str, number: int, commands_json: str) -> int:
        """Note a re-delivered batch before applying it, durably; how many earlier leaders died after such a note."""
        noted = self.connection.execute(_NOTE, (session, number, commands_json, self.epoch))
        if noted.rowcount != 1:
            raise LeadershipLost(f"epoch {self.epoch} is over")
        row = self.one(
            "SELECT count(*) FROM matching_suspectbatch WHERE session = %s AND number = %s AND epoch < %s",
            (session, number, self.epoch),
        )
        return row[0] if row else 0

    def clear_suspect(self, session: str, number: int) -> None:
        """The batch went through: it was not the killer."""
        self.connection.execute(
            "DELETE FROM matching_suspectbatch WHERE session = %s AND number = %s", (session, number)
        )

    def mark_rejected(self, session: str, number: int, sequence: int) -> None:
        """The batch was journaled as rejected; its notes stay for whoever looks into it."""
        self.connection.execute(
            "UPDATE matching_suspectbatch SET rejected_at_sequence = %s WHERE session = %s AND number = %s",
            (sequence, session, number),
        )

    def begin_batch(self) -> None:
        """From here the heartbeat watches the clock."""
        self._busy_since = time.monotonic()

    def end_batch(self) -> None:
        """The batch is durable."""
        self._busy_since = None

    def _heartbeat(self) -> None:
        """Keep the session alive while the process works; let the server close it when a batch hangs."""
        parent = os.getppid()
        while not self._closed.wait(HEARTBEAT_S):
            busy_since = self._busy_since
            if os.getppid() != parent:
                os._exit(1)  # the supervisor was killed: nobody would restart us, and its successor waits
            if busy_since is not None and time.monotonic() - busy_since > BATCH_S_MAX:
                continue
            try:
                self.check_clock()
            except ClockWrong as error:
                log.critical("%s: ending, since nothing may be stamped with it", error)
                os._exit(1)
            except psycopg.Error:
                if not self._closed.is_set():
                    os._exit(1)

    def close(self) -> None:
        """Give up the lock, and with it the heart."""
        self._closed.set()
        self.connection.close()
