"""The leader's loop body: apply, commit, reply. Every exception between applying and having committed is deadly."""

import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, Final, NoReturn
from uuid import UUID

from matching.engine import ENGINE_VERSION
from matching.engine import commands as engine_commands
from matching.leadership import Leadership
from matching.replica import SESSION_IDLE_US_MAX, Replica
from matching.rows import BATCH_BYTES_MAX, BATCH_COMMANDS_MAX, Row, decode_json, encode_json, make_row, select_rows

log = logging.getLogger(__name__)

LEADERS_KILLED_MAX: Final = 2
# A batch takes milliseconds, at its slowest some seconds on a starving machine.
TURN_S_MAX: Final = 10.0
# What stands in the journal for each command of a batch that killed its leaders: the engine refuses it, always.
VOID: Final = engine_commands.engine(version=0)
_SESSION: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Reply = Callable[[str, bytes], None]  # (session, message)


class Refused(Exception):
    """The batch was not executed and will not be; `args[0]` is the code."""


class Consumer:
    """Takes batches in order. `reply` hands a message to a gateway; it must not raise. `wake` stirs the followers."""

    def __init__(
        self, *, replica: Replica, leadership: Leadership, reply: Reply, wake: Callable[[int], None]
    ) -> None:  # fmt: skip
        self.replica = replica
        self.leadership = leadership
        self.reply = reply
        self.wake = wake
        self.taken = 0  # batches of the queue, whatever became of them
        # The queue's thread takes batches, another looks at what is due: one at a time.
        self._turn = threading.Lock()

    def take(self, *, session: str, number: int, attempt: int, commands_json: str) -> None:
        """A batch from the queue. `attempt` counts a gateway's sends of it, from 0.

        Numbers decide: the next one is executed, the last one gets its recorded reply again, a lower one is dropped
        (its gateway has that reply), a gap or an unknown session that does not begin at 1 is refused.
        """
        self.taken += 1
        with self._turn:
            self._take(session, number, attempt, commands_json)

    def _take(self, session: str, number: int, attempt: int, commands_json: str) -> None:
        try:
            known = self.replica.sessions.get(session)
            if known is not None and number <= known[0]:
                if number == known[0]:
                    self.reply(session, self._recorded_reply(known[1]))
                return
            try:
                commands = self._check(session, number, commands_json)
            except Refused as refused:
                log.warning("refused batch %s of session %s: %s", number, session, refused.args[0])
                # A former leader that just woke up must not refuse what its successor executes.
                self.leadership.confirm()
                self.reply(session, refusal(number, refused.args[0]))
                return
            poison = False
            if attempt > 0:
                self.leadership.begin_batch()
                poison = self.leadership.note_suspect(session, number, commands_json) >= LEADERS_KILLED_MAX
                if poison:
                    log.error("batch %s of session %s killed its leaders: journaled as rejected", number, session)
                    commands = [VOID] * len(commands)
                    commands_json = encode_json(commands)
            row = self._execute(session, number, commands, commands_json)
            self.reply(session, refusal(number, "batch_rejected") if poison else reply_of(row))
            self.wake(row.last)
            if poison:
                self.leadership.mark_rejected(session, number, row.first)
            elif attempt > 0:
                self.leadership.clear_suspect(session, number)
        except BaseException:
            die()

    def due(self) -> bool:
        """Let happen what is due, if anything is: journaled as a command of the matcher's own. For any one thread.

        True if more is due: one command does only so much of it.

        Ends the process when a batch has had the turn for too long: nobody else would notice.
        """
        if not self._turn.acquire(timeout=TURN_S_MAX):
            log.critical("a batch takes longer than %s s: ending, to start afresh", TURN_S_MAX)
            os._exit(1)
        row, is_more_due = None, False
        try:
            now_us = self.leadership.clock.now_us()
            if self.replica.engine.next_due <= now_us:
                row = self._execute_own(engine_commands.tick())
                is_more_due = self.replica.engine.next_due <= now_us
        except BaseException:
            die()
        finally:
            self._turn.release()
        if row is not None:
            self.wake(row.last)
        return is_more_due

    def take_over(self) -> None:
        """First act of a leader: journal under which rules it goes on, if they changed."""
        if self.replica.version != ENGINE_VERSION:
            self.wake(self._execute_own(engine_commands.engine(version=ENGINE_VERSION)).last)

    def _execute_own(self, command: list[Any]) -> Row:
        try:
            return self._execute("", 0, [command], encode_json([command]))
        except BaseException:
            die()

    def _check(self, session: str, number: int, commands_json: str) -> list[Any]:
        """The commands of the batch, which is the next of its session. Raises Refused."""
        known = self.replica.sessions.get(session)
        if known is None and not _SESSION.fullmatch(session):
            raise Refused("malformed_batch")
        if number != (known[0] + 1 if known else 1):
            raise Refused("batch_gap")
        if known is None and self.leadership.clock.now_us() - born_us(session) > SESSION_IDLE_US_MAX // 2:
            # It may have been executed by a session that was evicted since.
            raise Refused("batch_stale")
        if len(commands_json) > BATCH_BYTES_MAX or not commands_json.isascii():
            raise Refused("malformed_batch")
        try:
            commands = decode_json(commands_json)
        except (ValueError, RecursionError):
            raise Refused("malformed_batch") from None
        if not isinstance(commands, list) or not 1 <= len(commands) <= BATCH_COMMANDS_MAX:
            raise Refused("malformed_batch")
        return commands

    def _execute(self, session: str, number: int, commands: list[Any], commands_json: str) -> Row:
        self.leadership.begin_batch()
        replica = self.replica
        engine = replica.engine
        time_us = max(self.leadership.clock.now_us(), engine.time_us)
        first = engine.sequence + 1
        events = engine.apply_all(commands, time_us)
        row = make_row(
            first=first, last=engine.sequence, session=session, number=number, time_us=time_us,
            epoch=self.leadership.epoch, commands_json=commands_json, events_json=encode_json(events),
            previous_hash=replica.chain.hash,
        )  # fmt: skip
        self.leadership.commit(row)
        self.leadership.end_batch()
        replica.advance(row)
        return row

    def _recorded_reply(self, first: int) -> bytes:
        (row,) = select_rows(self.leadership.connection, after=first - 1, limit=1)
        if row.commands_json == encode_json([VOID] * (row.last - row.first + 1)).encode():
            return refusal(row.number, "batch_rejected")
        return reply_of(row)


def reply_of(row: Row) -> bytes:
    """The message to the gateway; the events are the journal's very bytes."""
    return b'{"number":%d,"first":%d,"time":%d,"events":%b}' % (row.number, row.first, row.time_us, row.events_json)


def refusal(number: int, code: str) -> bytes:
    """The message that a batch was not executed and never will be."""
    return b'{"number":%d,"refused":"%b"}' % (number, code.encode())


def born_us(session: str) -> int:
    """When a session began, by the clock of its gateway: the first 48 bits of its uuid (version 7), in ms."""
    return (UUID(session).int >> 80) * 1000


def die() -> NoReturn:
    """End the process at once, with the traceback: memory may be ahead of the journal, replay rebuilds it.

    Not by an exception: Celery would log it and go on.
    """
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)
