"""Folding the journal into read models: rows and the offset they belong to move in one transaction.

A crash at any time therefore resumes exactly where the rows are. Several processes may run the same
projection: the offset's row lock lets one write, and the others notice that it moved and load anew.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

from django.conf import settings
from django.db import connection, transaction

from matching import borrowing, journal
from matching.journal import Batch
from matching.models import ProjectionOffset

# Enough to make a statement's cost vanish among its rows, few enough that a reader sees progress when behind.
COMMANDS_PER_TRANSACTION: Final = 5_000
# A transaction costs as much as a hundred rows, so a busy exchange's small batches are gathered for a moment;
# the first one after a silence is written at once.
GATHER_S: Final = 0.02
GATHERED: Final = 500
SECOND_US: Final = 1_000_000
POLL_S: Final = 0.005

# Takes event, sequence, ordinal of the event within its command, time in µs.
Handler = Callable[[Sequence[Any], int, int, int], None]
Clock = Callable[[], int]


class Part(Protocol):
    """One read model of a projection. Between `load` and `write` it lives in memory only."""

    @property
    def tables(self) -> tuple[str, ...]:
        """Tables it owns, which a rebuild empties and fills again."""

    def handlers(self) -> dict[str, Handler]:
        """What to do with which kind of event. A handler touches no database."""

    def load(self) -> None:
        """Forget what was folded and not written; take from the rows what the next events need."""

    def write(self, cursor: Any, now_us: int) -> None:
        """Put what was folded into the rows and forget it. `now_us`: the clock, never behind the journal's time."""

    def age(self, cursor: Any, now_us: int) -> None:
        """Time has passed without events."""


class Projection:
    """A name, an offset, and the read models that share it."""

    def __init__(self, name: str, parts: Sequence[Part], *, now_us: Clock = lambda: time.time_ns() // 1000) -> None:
        self.name = name
        self.sequence = 0
        self._parts = parts
        self._now_us = now_us
        self._time_us = self._aged_us = 0
        handlers: dict[str, list[Handler]] = {}
        for part in parts:
            for kind, handler in part.handlers().items():
                handlers.setdefault(kind, []).append(handler)
        self._handlers = {kind: tuple(found) for kind, found in handlers.items()}

    @property
    def tables(self) -> list[str]:
        """The tables of all parts."""
        return [table for part in self._parts for table in part.tables]

    def load(self, *, at: int | None = None) -> None:
        """Stand where the rows are: at the stored offset, or at `at` for rows that have none yet."""
        with transaction.atomic():
            if at is None:
                # Locked, so that the parts read the rows of this very offset.
                at = lock_offset(self.name)
            self.sequence = at
            for part in self._parts:
                part.load()

    def fold(self, batches: Iterable[Batch]) -> None:
        """Take batches into memory. What was folded before is skipped."""
        known = self._handlers.get
        for batch in batches:
            time_us = self._time_us = max(self._time_us, batch.time_us)
            for sequence, events in enumerate(batch.events, batch.first):
                if sequence <= self.sequence:
                    continue
                for ordinal, event in enumerate(events):
                    for handler in known(event[0], ()):
                        handler(event, sequence, ordinal, time_us)
            self.sequence = max(self.sequence, batch.last)

    def write(self, cursor: Any) -> None:
        """Write what was folded; the caller moves the offset in the same transaction."""
        now_us = max(self._now_us(), self._time_us)
        for part in self._parts:
            part.write(cursor, now_us)

    def age(self) -> None:
        """Let time pass in the rows, in a transaction of its own; at most once a second."""
        now_us = max(self._now_us(), self._time_us)
        if now_us - self._aged_us < SECOND_US:
            return
        self._aged_us = now_us
        with transaction.atomic(), connection.cursor() as cursor:
            # Locked, so that a rebuild that swaps the rows right now is not written over with old ones.
            if lock_offset(self.name) == self.sequence:
                for part in self._parts:
                    part.age(cursor, now_us)


def advance(projection: Projection, batches: Sequence[Batch]) -> bool:
    """Fold and write batches in one transaction. False, and nothing written, if somebody else moved the offset."""
    before = projection.sequence
    projection.fold(batches)
    with transaction.atomic(), connection.cursor() as cursor:
        # The rows can be made again from the journal, and offset and rows are lost or kept together.
        cursor.execute("SET LOCAL synchronous_commit = off")
        if lock_offset(projection.name) != before:
            return False
        projection.write(cursor)
        move_offset(cursor, projection.name, projection.sequence)
    return True


def run(projection: Projection, *, stop: Callable[[], bool], idle_s: float = 0.05) -> None:
    """Follow the journal until `stop()`. An exception means: this process is over, start a new one."""
    while not stop():
        projection.load()
        for batches in journal.follow(after=projection.sequence, stop=stop, idle_s=idle_s):
            began, before = time.monotonic(), projection.sequence
            if not batches:
                projection.age()
            if not all(advance(projection, group) for group in grouped(batches)):
                break
            if 0 < projection.sequence - before < GATHERED:
                time.sleep(max(0.0, began + GATHER_S - time.monotonic()))


def grouped(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Consecutive batches of about COMMANDS_PER_TRANSACTION commands together."""
    group: list[Batch] = []
    commands = 0
    for batch in batches:
        group.append(batch)
        commands += len(batch.events)
        if commands >= COMMANDS_PER_TRANSACTION:
            yield group
            group, commands = [], 0
    if group:
        yield group


def offset(name: str) -> int:
    """The sequence up to which a projection's rows are complete; 0 before its first run."""
    return ProjectionOffset.objects.filter(name=name).values_list("sequence", flat=True).first() or 0


def wait_for(name: str, sequence: int, *, timeout_ms: int | None = None) -> int:
    """Wait until a projection has come to `sequence`, `timeout_ms` at most (READ_WAIT_MS); where it is now.

    Nobody waits for what has not happened yet: that would let a reader hold connections for nothing.
    """
    if (now := offset(name)) >= sequence or sequence > journal.head():
        return now
    until = time.monotonic() + (settings.READ_WAIT_MS if timeout_ms is None else timeout_ms) / 1000
    while (now := offset(name)) < sequence and time.monotonic() < until:
        borrowing.give_back()
        time.sleep(POLL_S)
    return now


def lock_offset(name: str) -> int:
    """The offset, locked until the transaction ends; made at 0 when there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sequence FROM matching_projectionoffset WHERE name = %s FOR UPDATE", [name])
        row = cursor.fetchone()
        if row is None:
            cursor.execute(
                "INSERT INTO matching_projectionoffset (name, sequence) VALUES (%s, 0) ON CONFLICT DO NOTHING", [name]
            )
            return lock_offset(name)
        return int(row[0])


def move_offset(cursor: Any, name: str, sequence: int) -> None:
    """Set the offset, which the caller has locked."""
    cursor.execute("UPDATE matching_projectionoffset SET sequence = %s WHERE name = %s", [sequence, name])
