"""Snapshots of a replica: a start loads the newest good one and replays the journal from there.

A file is one line with the SHA-256 of the rest, then JSON. It appears under its name only when it is whole and on disk.
"""

import gc
import logging
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from matching.engine import ENGINE_VERSION
from matching.replica import Replica
from matching.rows import decode_json, encode_json, select_rows

log = logging.getLogger(__name__)

KEPT: Final = 3
_PREFIX: Final = "snapshot-"
_BASE: Final = "base-"


def write(replica: Replica, directory: Path) -> Path:
    """Write a snapshot, drop old ones. Returns its path."""
    path = _write(replica, directory / f"{_PREFIX}{replica.sequence:015d}.json")
    _drop_old(directory)
    return path


def base_path(directory: Path, sequence: int) -> Path:
    """The snapshot where the archive ends at this sequence."""
    return directory / f"{_BASE}{sequence:015d}.json"


def write_base(replica: Replica, directory: Path) -> None:
    """Write the snapshot from which the journal goes on once everything before it is archived; it stays.

    So does one of where another version of the rules took over: replay cannot begin before it.
    """
    _write(replica, base_path(directory, replica.sequence))


def taken_over(connection: Any, directory: Path) -> Replica | None:
    """The replica with which this version of the rules took this journal over, if a former one began it."""
    for path in sorted(directory.glob(f"{_BASE}*.json"), reverse=True):
        try:
            replica = load(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("skipped snapshot %s: %s", path.name, error)
            continue
        if replica.version != ENGINE_VERSION and belongs(connection, replica):
            return replica
    return None


def belongs(connection: Any, replica: Replica) -> bool:
    """Whether a batch of this journal, or the archive, ends at the replica's sequence with its hash."""
    rows = select_rows(connection, after=replica.sequence - 1, limit=1)
    if rows and rows[0].last == replica.sequence:
        return bool(rows[0].hash == replica.chain.hash)
    with connection.cursor() as cursor:
        cursor.execute("SELECT hash FROM matching_journalarchive WHERE last = %s", (replica.sequence,))
        row = cursor.fetchone()
    return row is not None and bytes(row[0]) == replica.chain.hash


def _write(replica: Replica, path: Path) -> Path:
    directory = path.parent
    directory.mkdir(parents=True, exist_ok=True)
    draft = directory / f".{path.name}.{os.getpid()}"
    text = encode_json(replica.dump()).encode()
    with draft.open("wb") as file:
        file.write(sha256(text).hexdigest().encode() + b"\n")
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return path


def write_forked(replica: Replica, directory: Path) -> int:
    """Write from a forked child, which sees the replica as of now; its process id. For followers only."""
    gc.freeze()  # the collector must not touch, and so copy, the child's pages
    pid = os.fork()
    if pid:
        return pid
    try:
        # Else the child would keep the parent's connections open, and with them its locks.
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        write(replica, directory)
        os._exit(0)
    except BaseException as error:
        os.write(2, f"snapshot failed: {error!r}\n".encode())
        os._exit(1)


def load_newest(directory: Path) -> Iterator[Replica]:
    """The good snapshots, newest first, those where an archive ends last; damaged ones are skipped with a warning."""
    for path in (
        *sorted(directory.glob(f"{_PREFIX}*.json"), reverse=True),
        *sorted(directory.glob(f"{_BASE}*.json"), reverse=True),
    ):
        try:
            yield load(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("skipped snapshot %s: %s", path.name, error)


def load(path: Path) -> Replica:
    """Raises ValueError if the file is not what was written."""
    checksum, newline, text = path.read_bytes().partition(b"\n")
    if not newline or sha256(text).hexdigest().encode() != checksum:
        raise ValueError("the checksum is wrong")
    return Replica.load(decode_json(text))


def _drop_old(directory: Path) -> None:
    for path in sorted(directory.glob(f"{_PREFIX}*.json"), reverse=True)[KEPT:]:
        path.unlink(missing_ok=True)
    for path in directory.glob(f".{_PREFIX}*"):
        pid = path.suffix[1:]
        if not pid.isdigit() or not Path(f"/proc/{pid}").exists():
            path.unlink(missing_ok=True)
