"""Reading the journal: in order, by sequence, and as it grows. Everything that is not the matcher starts here.

Uses Django's default connection. Nothing here writes: only the leader does (leadership).
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import redis
from django.conf import settings
from django.db import connection

from matching.channels import head_channel
from matching.rows import Row, decode_json, select_rows


class Archived(LookupError):
    """That part of the journal lies in a file."""


FOLLOW_BATCHES: Final = 64  # up to 32,000 commands with their events in memory at a time
READ_BYTES: Final = 4 * 1024 * 1024  # of text; as lists of numbers about ten times as much


@dataclass(slots=True)
class Batch:
    """Commands that were committed together; `events[i]` belong to sequence `first` + i."""

    first: int
    last: int
    session: str
    number: int
    time_us: int
    epoch: int
    commands: list[list[Any]]
    events: list[list[list[Any]]]


def decode(row: Row) -> Batch:
    """The batch that a stored row holds."""
    body = decode_json(row.body)
    return Batch(
        row.first, row.last, row.session, row.number, row.time_us, row.epoch, body["commands"], body["events"]
    )  # fmt: skip


def read(*, after: int, limit: int = 500, up_to: int | None = None) -> list[Batch]:
    """Batches with commands after sequence `after` (up to `up_to`), in order, whole, at most `limit` batches.

    No more batches once they have READ_BYTES in the journal: whoever wants all asks until there are none. Raises
    Archived when the first of them is not in the database any more.
    """
    rows = select_rows(connection, after=after, limit=limit, up_to=up_to, bytes_max=READ_BYTES)
    if rows and rows[0].first > after + 1:
        raise Archived(
            f"sequences {after + 1} to {rows[0].first - 1} are not in the database:"
            " manage.py archive_journal --restore brings archived ones back"
        )
    return [decode(row) for row in rows]


def head() -> int:
    """The last sequence of the journal; 0 when it is empty."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last FROM matching_journal ORDER BY first DESC LIMIT 1")
        row = cursor.fetchone()
    return row[0] if row else 0


def events_at(sequence: int) -> list[list[Any]]:
    """What one command did, exactly as first answered. Raises LookupError if there is no such sequence."""
    batches = read(after=sequence - 1, limit=1, up_to=sequence)
    if not batches or sequence < 1:
        raise LookupError(f"the journal has no sequence {sequence}")
    return batches[0].events[sequence - batches[0].first]


def follow(*, after: int, stop: Callable[[], bool], idle_s: float = 0.05) -> Iterator[list[Batch]]:
    """Batches as they come, in order, from `after` on, until `stop()`.

    Woken by Redis, else it looks every `idle_s`. Yields [] when there is nothing new, for periodic work.
    """
    with _Ear() as ear:
        while not stop():
            batches = read(after=after, limit=FOLLOW_BATCHES)
            if batches:
                after = batches[-1].last
            yield batches
            if not batches:
                ear.wait(idle_s)


class _Ear:
    """Hears that the journal has grown. Deaf while Redis is away, which costs time only."""

    def __init__(self) -> None:
        self._client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
        self._pubsub: redis.client.PubSub | None = None

    def __enter__(self) -> "_Ear":
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()
        self._client.close()

    def wait(self, seconds: float) -> None:
        """Return when woken, or after `seconds`."""
        started = time.monotonic()
        try:
            if self._pubsub is None:
                self._pubsub = self._client.pubsub(ignore_subscribe_messages=True)
                self._pubsub.subscribe(head_channel())
            self._pubsub.get_message(timeout=seconds)
            while self._pubsub.get_message(timeout=0):
                pass  # one reading serves all wake-ups that came so far
        except (OSError, redis.RedisError):
            self._drop()
            time.sleep(max(0.0, seconds - (time.monotonic() - started)))

    def _drop(self) -> None:
        if self._pubsub is not None:
            with contextlib.suppress(OSError, redis.RedisError):
                self._pubsub.close()
        self._pubsub = None
