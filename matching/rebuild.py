"""Making a read model anew from the journal, while it is read and followed.

The new rows grow in tables of the same shape in a schema of their own. Readers see the old rows until the
last transaction, which puts the new ones in their place: while it copies, readers wait, and then they see
the new. The projector stops for that moment only, finds its offset moved, and loads anew.
"""

from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from matching import borrowing, journal
from matching.projection import Projection, grouped, lock_offset, move_offset

Progress = Callable[[int, int], None]


class AlreadyRunning(Exception):
    """Another process rebuilds the same projection."""


def rebuild(projection: Projection, *, progress: Progress = lambda done, head: None) -> int:
    """Replay the whole journal into new rows and swap them in; the sequence they are at.

    `progress` hears the sequence reached and the journal's head. A crash leaves the old rows as they were.
    Raises AlreadyRunning.
    """
    schema = f"rebuild_{projection.name}"
    with borrowing.keeping(), connection.cursor() as cursor:
        # A lock of the session, so that it outlives the many transactions to come.
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [schema])
        if not cursor.fetchone()[0]:
            raise AlreadyRunning(projection.name)
        try:
            _make_empty(cursor, schema, projection.tables)
            with transaction.atomic():
                _enter(cursor, schema)
                projection.load(at=0)
            head = journal.head()
            while projection.sequence < head:
                _replay(projection, schema, progress, head)
                head = journal.head()
            return _swap(projection, schema)
        finally:
            cursor.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [schema])


def _replay(projection: Projection, schema: str, progress: Progress, head: int) -> None:
    for group in grouped(journal.read(after=projection.sequence, limit=64)):
        projection.fold(group)
        with transaction.atomic(), connection.cursor() as cursor:
            _enter(cursor, schema)
            projection.write(cursor)
        progress(projection.sequence, head)


def _swap(projection: Projection, schema: str) -> int:
    """Put the new rows in the place of the old; readers never see an older sequence than before."""
    with transaction.atomic(), connection.cursor() as cursor:
        offset = lock_offset(projection.name)
        _enter(cursor, schema)
        while projection.sequence < offset:
            projection.fold(journal.read(after=projection.sequence, limit=64, up_to=offset))
            projection.write(cursor)
        cursor.execute(f"TRUNCATE {', '.join(f'public.{table}' for table in projection.tables)}")
        for table in projection.tables:
            cursor.execute(f"INSERT INTO public.{table} SELECT * FROM {schema}.{table}")  # noqa: S608  our own names
        move_offset(cursor, projection.name, projection.sequence)
    return projection.sequence


def _make_empty(cursor: Any, schema: str, tables: list[str]) -> None:
    cursor.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    cursor.execute(f"CREATE SCHEMA {schema}")
    for table in tables:
        cursor.execute(f"CREATE TABLE {schema}.{table} (LIKE public.{table} INCLUDING ALL)")


def _enter(cursor: Any, schema: str) -> None:
    """Until the transaction ends, names mean the new tables first. Outbox rows have none and are met as they are."""
    cursor.execute(f"SET LOCAL search_path TO {schema}, public")
