"""Snapshots of a replica: a start loads the newest good one and replays the journal from there.

A file is one line with the SHA-256 of the rest, then JSON. It appears under its name only when it is whole and on disk.
"""

import gc
import logging
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from matching.replica import Replica
from matching.rows import decode_json, encode_json

log = logging.getLogger(__name__)

KEPT: Final = 3
_PREFIX: Final = "snapshot-"


def write(replica: Replica, directory: Path) -> Path:
    """Write a snapshot, drop old ones. Returns its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{_PREFIX}{replica.sequence:015d}.json"
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
    _drop_old(directory)
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
    """The good snapshots, newest first; damaged ones are skipped with a warning."""
    for path in sorted(directory.glob(f"{_PREFIX}*.json"), reverse=True):
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
