"""The life of a matcher process: load, follow, lead. And its parent, which starts it again.

Crash-only: there is no state to save at the end, so every ending is fine, and the next start repairs.
"""

import gc
import logging
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psycopg

from matching import clock, snapshots
from matching.chain import JournalDamaged
from matching.clock import ClockWrong
from matching.engine import ENGINE_VERSION
from matching.leadership import Leadership, LeadershipLost
from matching.replica import Replica

log = logging.getLogger(__name__)

EXIT_DAMAGED: Final = 3  # the parent does not restart: somebody has to look
FOLLOW_IDLE_S: Final = 0.05
WARN_S: Final = 5.0  # between two complaints about the clock
STANDBY_SEEN_S: Final = 1.0
SNAPSHOT_COMMANDS: Final = 200_000
SNAPSHOT_S: Final = 300.0
_ENDINGS: Final = (signal.SIGTERM, signal.SIGINT)
STOPPED_S_MAX: Final = 3.0  # PostgreSQL has taken the lead from it by then
BACK_OFF_S_MIN, BACK_OFF_S_MAX, HEALTHY_S = 0.1, 5.0, 10.0


def start_replica(leadership: Leadership, directory: Path) -> Replica:
    """The newest snapshot that belongs to this journal, or nothing."""
    for replica in snapshots.load_newest(directory):
        if replica.sequence == 0:
            continue
        if snapshots.belongs(leadership.connection, replica):
            log.info("loaded snapshot at sequence %s", replica.sequence)
            return replica
        log.warning("skipped snapshot at sequence %s: it belongs to another journal", replica.sequence)
    return Replica()


class Follower:
    """A standby: keeps a replica at the journal's head, proves it, takes snapshots, and takes the lock when it can."""

    def __init__(self, *, leadership: Leadership, replica: Replica, directory: Path) -> None:
        self.leadership = leadership
        self.replica = replica
        self.directory = directory
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._seen_at = 0.0
        self._snapshot_at = time.monotonic()
        self._snapshot_sequence = replica.sequence
        self._snapshot_child = 0
        self._warned_at = 0.0

    def catch_up(self) -> None:
        """Replay until the journal has no more."""
        while rows := self.leadership.rows_after(self.replica.sequence):
            for row in rows:
                self.replica.replay(row)

    def follow(self, *, may_lead: bool) -> None:
        """Returns when this process holds the lock."""
        parent = os.getppid()
        while True:
            self.catch_up()
            if os.getppid() != parent:
                os._exit(1)  # the supervisor was killed, and its successor starts another
            if may_lead and self._clock_is_right() and self.leadership.try_lock():
                break
            self._say_so()
            self._snapshot()
            time.sleep(FOLLOW_IDLE_S)
        self.leadership.connection.execute("DELETE FROM matching_standby WHERE name = %s", (self.name,))

    def _clock_is_right(self) -> bool:
        """Time in the journal never falls; a leader with a slow clock would make it stand still."""
        try:
            self.leadership.check_clock()
            behind_us = self.replica.engine.time_us - clock.wall_us()
            if behind_us > self.leadership.clock.off_us_max:
                raise ClockWrong(f"this clock is {behind_us / 1e6:.1f} s behind the journal")
        except ClockWrong as error:
            if time.monotonic() - self._warned_at > WARN_S:
                self._warned_at = time.monotonic()
                log.error("%s: refusing to lead", error)
            return False
        return True

    def _say_so(self) -> None:
        if time.monotonic() - self._seen_at < STANDBY_SEEN_S:
            return
        self._seen_at = time.monotonic()
        self.leadership.connection.execute(
            "INSERT INTO matching_standby (name, sequence, seen_at) VALUES (%s, %s, now()) ON CONFLICT (name)"
            " DO UPDATE SET sequence = excluded.sequence, seen_at = excluded.seen_at",
            (self.name, self.replica.sequence),
        )
        self.leadership.connection.execute("DELETE FROM matching_standby WHERE seen_at < now() - interval '1 hour'")

    def _snapshot(self) -> None:
        if self._snapshot_child:
            pid, _ = os.waitpid(self._snapshot_child, os.WNOHANG)
            if not pid:
                return
            self._snapshot_child = 0
        new = self.replica.sequence - self._snapshot_sequence
        if new >= SNAPSHOT_COMMANDS or (new and time.monotonic() - self._snapshot_at > SNAPSHOT_S):
            self._snapshot_sequence, self._snapshot_at = self.replica.sequence, time.monotonic()
            self._snapshot_child = snapshots.write_forked(self.replica, self.directory)


def run_child(*, url: str, directory: Path, may_lead: bool) -> int:
    """One life: returns an exit status."""
    # Imported before leadership is at stake: it takes a third of a second.
    from matching.worker import run_worker

    try:
        leadership = Leadership(url)
        replica = start_replica(leadership, directory)
        follower = Follower(leadership=leadership, replica=replica, directory=directory)
        follower.catch_up()
        if replica.sequence and replica.version != ENGINE_VERSION:
            snapshots.write_base(replica, directory)
        # The state is acyclic and long-lived: a collection would only stop the world.
        gc.collect()
        gc.freeze()
        gc.disable()
        follower.follow(may_lead=may_lead)
        leadership.promote(replica)
    except JournalDamaged as damage:
        print(f"matcher: REFUSING TO START: {damage}", file=sys.stderr, flush=True)  # noqa: T201
        return EXIT_DAMAGED
    except (psycopg.Error, LeadershipLost) as error:
        log.error("%s", error)
        return 1
    log.info("leading: epoch %s, head %s", leadership.epoch, replica.sequence)
    run_worker(replica=replica, leadership=leadership)
    return 0


def supervise(run: Callable[[], int]) -> int:
    """Fork a child that runs `run`, and again whenever it ends, until this process is told to end.

    A fork, not an exec: the program is loaded already. So nothing here may open a connection or start a thread.
    """
    child = 0
    ending = False

    def end(signum: int, frame: object) -> None:
        nonlocal ending
        ending = True
        if child:
            os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    back_off_s = BACK_OFF_S_MIN
    while not ending:
        started = time.monotonic()
        # Held back until both sides know who they are: a signal in between would be lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
        child = os.fork()
        if not child:
            _become_child(run)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDINGS)
        code = _end_of(child)
        child = 0
        if ending or code == EXIT_DAMAGED:
            return 0 if ending else code
        back_off_s = BACK_OFF_S_MIN if time.monotonic() - started > HEALTHY_S else min(back_off_s * 2, BACK_OFF_S_MAX)
        log.error("the matcher ended with %s; starting it again in %.1f s", code, back_off_s)
        until = time.monotonic() + back_off_s
        while not ending and time.monotonic() < until:
            time.sleep(0.05)
    return 0


def _end_of(child: int) -> int:
    """Wait until the child ends; its exit code. One that is stopped and stays so is killed: it would never lead again.

    With a standby that has taken over meanwhile, this brings the next standby.
    """
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        until = time.monotonic() + STOPPED_S_MAX
        while time.monotonic() < until:
            pid, status = os.waitpid(child, os.WNOHANG | os.WCONTINUED)
            if pid and not os.WIFCONTINUED(status):
                return os.waitstatus_to_exitcode(status)
            if pid:
                break
            time.sleep(0.05)
        else:
            log.error("the matcher is stopped: killing it, to start another")
            os.kill(child, signal.SIGKILL)


def _become_child(run: Callable[[], int]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent passes the terminal's Ctrl-C on, as SIGTERM
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDINGS)
    code = 1
    try:
        code = run()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
