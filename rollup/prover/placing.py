"""Putting a circuit's keys in their place: one process at a time, and the directory gets its name when all is in it."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def lock(place: Path) -> Iterator[None]:
    """Hold a directory of keys for as long as this process lives; others wait."""
    with place.with_name(f"{place.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def new_part(place: Path) -> Path:
    """An empty directory beside the place, in which what will stand there is put together."""
    part = place.with_name(f"{place.name}.part")
    if part.exists():
        shutil.rmtree(part)
    part.mkdir()
    return part


def publish(part: Path, place: Path) -> None:
    """Give the directory its name, in place of the one that had it; kept also when the power fails now."""
    for path in part.iterdir():
        _sync(path)
    _sync(part)
    if place.exists():
        shutil.rmtree(place)
    part.rename(place)
    _sync(place.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
