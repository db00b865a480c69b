"""Old partitions of the journal as files, and back: what nobody reads any more need not lie in the database.

A file is gzipped text, one JSON object a line: first where the chain stands before it, then each row as stored. The
database keeps where the archive ends, with its hash; a snapshot of that sequence (`base-…`) lets replay begin there.
"""

import gzip
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from django.db import OperationalError, connection, transaction
from django.db.models import Min

from matching import snapshots
from matching.chain import Chain, JournalDamaged
from matching.models import JournalArchive, Leader, ProjectionOffset, Standby
from matching.replica import Replica
from matching.rows import COLUMNS, Row, select_rows

_ROWS: Final = 256
_LOCK_TRIES: Final = 50
_PARTITIONS: Final = """
    SELECT child.relname, pg_get_expr(child.relpartbound, child.oid)
    FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
    WHERE inhparent = 'matching_journal'::regclass
"""
_BOUNDS: Final = re.compile(r"FROM \('(\d+)'\) TO \('(\d+)'\)")


class ArchiveRefused(Exception):
    """Nothing was archived or restored; the message says why."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A table of the journal: its batches begin at `low` <= first < `high`."""

    low: int
    high: int
    name: str


def base_of(archived: JournalArchive | None, directory: Path) -> Replica:
    """The engine where the archive ends. Raises JournalDamaged when its snapshot is missing or another."""
    if archived is None:
        return Replica()
    path = snapshots.base_path(directory, archived.last)
    try:
        replica = snapshots.load(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JournalDamaged(f"the snapshot where the archive ends, {path}, cannot be read: {error}") from None
    if replica.chain.hash != bytes(archived.hash):
        raise JournalDamaged(f"{path} is not of the archive's last hash")
    return replica


def newest() -> JournalArchive | None:
    """Where the archive ends; None without one."""
    return JournalArchive.objects.order_by("-last").first()


def archive_oldest(*, directory: Path, snapshot_directory: Path, older_than_s: float) -> JournalArchive:
    """Prove the oldest partition by replay, write it to a file, drop it. Raises ArchiveRefused, JournalDamaged.

    Only what is complete, older than `older_than_s` and passed by every follower. A kill at any moment leaves the
    partition where it was, or gone with its file and its end noted.
    """
    partition = min(_partitions(), key=lambda one: one.low)
    if snapshots.taken_over(connection, snapshot_directory):
        raise ArchiveRefused(
            "a part of the journal was made by a former version of the engine, which alone can prove it"
        )
    replica = base_of(newest(), snapshot_directory)
    after = replica.sequence
    last = _last_of(partition, older_than_s)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"journal-{after + 1:015d}-{last:015d}.jsonl.gz"
    draft = path.with_suffix(".draft")
    begins = _header(replica.chain)
    with gzip.open(draft, "wt", encoding="ascii", compresslevel=6) as file:
        file.write(begins)
        while replica.sequence < last:
            for row in select_rows(connection, after=replica.sequence, limit=_ROWS, up_to=last):
                replica.replay(row)
                file.write(_line(row))
    _settle(draft, path)
    snapshots.write_base(replica, snapshot_directory)
    archived = JournalArchive(
        first=after + 1, last=last, hash=replica.chain.hash, epoch=replica.chain.epoch, time_us=replica.chain.time_us,
        file=str(path.resolve()), sha256=sha256(path.read_bytes()).hexdigest(),
    )  # fmt: skip
    _in_a_moment(lambda cursor: _drop(cursor, partition, archived))
    return archived


def restore_newest(path: Path | None = None) -> JournalArchive:
    """Put the newest archived part back, from its file or from `path`. Raises ArchiveRefused, JournalDamaged."""
    archived = newest()
    if archived is None:
        raise ArchiveRefused("nothing is archived")
    path = path or Path(archived.file)
    chain, rows = _read(path)
    name = f"matching_journal_{archived.first:015d}_restored"
    bound = min(one.low for one in _partitions())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} (LIKE matching_journal INCLUDING ALL)")
        for row in rows:
            chain.check(row)
            chain.step(row)
            cursor.execute(f"INSERT INTO {name} ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", row)  # noqa: S608
        if (chain.sequence, chain.hash) != (archived.last, bytes(archived.hash)):
            raise ArchiveRefused(f"{path} does not end where the archive ends, at sequence {archived.last}")
    _in_a_moment(lambda cursor: _attach(cursor, name, archived, bound))
    return archived


def _partitions() -> list[Partition]:
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS)
        found = []
        for name, bounds in cursor.fetchall():
            match = _BOUNDS.search(bounds)
            if match is not None:
                found.append(Partition(int(match[1]), int(match[2]), name))
    return found


def _last_of(partition: Partition, older_than_s: float) -> int:
    """The last sequence of a partition that may go."""
    leader = Leader.objects.filter(id=1).first()
    if leader is None or leader.head < partition.high:
        raise ArchiveRefused(f"the oldest partition, up to sequence {partition.high - 1}, is not complete yet")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT last, time_us FROM {partition.name} ORDER BY first DESC LIMIT 1")  # noqa: S608  our name
        last, time_us = cursor.fetchone()
    if time.time() - time_us / 1e6 < older_than_s:
        raise ArchiveRefused(f"sequence {last} is younger than {older_than_s:g} s: a client may ask about it")
    behind = [
        ProjectionOffset.objects.aggregate(least=Min("sequence"))["least"],
        Standby.objects.aggregate(least=Min("sequence"))["least"],
    ]
    if any(sequence is not None and sequence < last for sequence in behind):
        raise ArchiveRefused(f"a follower has not come to sequence {last} yet")
    return int(last)


def _drop(cursor: Any, partition: Partition, archived: JournalArchive) -> None:
    cursor.execute(f"ALTER TABLE matching_journal DETACH PARTITION {partition.name}")
    cursor.execute(f"DROP TABLE {partition.name}")
    archived.save(force_insert=True)


def _attach(cursor: Any, name: str, archived: JournalArchive, high: int) -> None:
    low = archived.first if JournalArchive.objects.count() > 1 else 0
    cursor.execute(f"ALTER TABLE matching_journal ATTACH PARTITION {name} FOR VALUES FROM ({low}) TO ({high})")
    archived.delete()


def _in_a_moment(work: Any) -> None:
    """Change partitions, which needs the table for itself: never wait for it long, since the leader would wait too."""
    for attempt in range(_LOCK_TRIES):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '100ms'")
                work(cursor)
        except OperationalError:
            if attempt == _LOCK_TRIES - 1:
                raise ArchiveRefused("the journal is read without a pause; try again later") from None
            time.sleep(0.1)
        else:
            return


def _header(chain: Chain) -> str:
    begins = {"after": chain.sequence, "hash": chain.hash.hex(), "epoch": chain.epoch, "time_us": chain.time_us}
    return json.dumps(begins) + "\n"


def _line(row: Row) -> str:
    values = [*row[:6], row.body.decode("ascii"), row.hash.hex()]
    return json.dumps(dict(zip(Row._fields, values, strict=True))) + "\n"


def _read(path: Path) -> tuple[Chain, Iterator[Row]]:
    def rows() -> Iterator[Row]:
        with gzip.open(path, "rt", encoding="ascii") as file:
            next(file)
            for line in file:
                *columns, body, digest = json.loads(line).values()
                yield Row._make((*columns, body.encode("ascii"), bytes.fromhex(digest)))

    try:
        with gzip.open(path, "rt", encoding="ascii") as file:
            begins = json.loads(next(file))
    except (OSError, ValueError, EOFError, StopIteration) as error:
        raise ArchiveRefused(f"{path} cannot be read: {error}") from None
    return Chain(begins["after"], bytes.fromhex(begins["hash"]), begins["epoch"], begins["time_us"]), rows()


def _settle(draft: Path, path: Path) -> None:
    """On disk, and only then under its name."""
    for place in (draft, draft.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    draft.rename(path)
