"""Getting a circuit's keys from the exchange that hands out its blocks: in parts, verified, in place at once or not.

What a broken connection or a killed process left is gone on with. Nothing is used before every hash is right and the
keys are those that the exchange verifies proofs with.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

from rollup.prover import keys
from rollup.prover.circuits import digest
from rollup.prover.keys import KeyFiles, KeysFailed
from rollup.prover.placing import lock, new_part, publish
from rollup.prover.sharing import FILES, SharedFile, SharedKeys, hash_of

# What groth16py writes before the verifying key, with which a proving key begins.
_MAGIC_BYTES: Final = 6
# In a directory of keys that came from an exchange: only such are replaced when that exchange has others.
ORIGIN: Final = "fetched.json"
FILE_BYTES_MAX: Final = 64 * 2**30
MIB: Final = 2**20
TOLD_BYTES: Final = 64 * MIB
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Source(Protocol):
    """An exchange that shares its keys."""

    url: str

    def shared_keys(self) -> SharedKeys:
        """The keys of the circuit of its blocks."""

    def read_part(self, sha256: str, start: int) -> Iterator[bytes]:
        """Some of a file from byte `start` on, and not nothing."""


def fetch(source: Source, tell: Callable[[str], None]) -> KeyFiles:
    """The exchange's keys, fetched unless they are here. `tell` hears of the progress in words.

    KeysFailed, with nothing in place, when they are of another circuit, do not fit together, or when this directory has
    keys of its own. What the source raises passes through, and the next call goes on where this one was.
    """
    shared = source.shared_keys()
    if shared.circuit not in keys.NAMES or shared.digest != digest(shared.circuit):
        raise KeysFailed(
            f"{source.url} has another circuit {shared.circuit[:20]!r} than this version: "
            "provers need the version that the exchange runs"
        )
    place = keys.place(shared.circuit)
    place.parent.mkdir(parents=True, exist_ok=True)
    with lock(place):
        found = keys.find(shared.circuit)
        if found and found.fingerprint == shared.fingerprint:
            return found
        if found and not (place / ORIGIN).exists():
            raise KeysFailed(
                f"{place} has keys of its own, which {source.url} does not take: name another directory by KEYS_DIR"
            )
        _check_list(source, shared)
        waiting = place.with_name(f"{place.name}.fetched")
        waiting.mkdir(exist_ok=True)
        for file in shared.files:
            _download(source, file, waiting / file.sha256, tell)
        _check_keys(source, shared, waiting)
        part = new_part(place)
        for file in shared.files:
            (waiting / file.sha256).rename(part / file.name)
        (part / ORIGIN).write_text(json.dumps({"url": source.url, "fingerprint": shared.fingerprint}) + "\n")
        publish(part, place)
        shutil.rmtree(waiting)
    tell(f"{shared.circuit}: keys are here, {place}")
    made = keys.find(shared.circuit)
    assert made is not None
    return made


def _check_list(source: Source, shared: SharedKeys) -> None:
    if sorted(file.name for file in shared.files) != sorted(FILES):
        raise KeysFailed(f"{source.url} does not have the files that make up keys")
    for file in shared.files:
        if not 0 < file.size <= FILE_BYTES_MAX or not _SHA256.fullmatch(file.sha256):
            raise KeysFailed(f"{source.url}: {file.name} of {file.size} bytes with the hash {file.sha256[:64]!r}")


def _download(source: Source, file: SharedFile, path: Path, tell: Callable[[str], None]) -> None:
    with path.open("ab") as out:
        have = out.tell()
        if have and have < file.size:
            tell(f"{file.name}: goes on after {have / MIB:.1f} of {file.size / MIB:.1f} MiB")
        while have < file.size:
            before = have
            for some in source.read_part(file.sha256, have):
                have += out.write(some)
            # What a killed process got this far is there for the next one.
            out.flush()
            if have >= file.size or have // TOLD_BYTES != before // TOLD_BYTES:
                tell(f"{file.name}: {have / MIB:.1f} of {file.size / MIB:.1f} MiB")
    found = hash_of(path)
    if have != file.size or found != file.sha256:
        path.unlink()
        raise KeysFailed(
            f"{source.url}: {file.name} is not the file that was named: sha256 {found}, {have} bytes in place of "
            f"{file.sha256}, {file.size} bytes; it was deleted"
        )


def _check_keys(source: Source, shared: SharedKeys, waiting: Path) -> None:
    paths = {file.name: waiting / file.sha256 for file in shared.files}
    verifying = paths["verifying.key"].read_bytes()
    with paths["proving.key"].open("rb") as proving:
        begins = proving.read(_MAGIC_BYTES + len(verifying))[_MAGIC_BYTES:]
    if hash_of(paths["verifying.key"]) != shared.fingerprint or begins != verifying or not _is_info(paths["info.json"]):
        shutil.rmtree(waiting)
        raise KeysFailed(
            f"{source.url}: the files are not of the key {shared.fingerprint} by which proofs are verified; "
            "they were deleted"
        )


def _is_info(path: Path) -> bool:
    try:
        info: Any = json.loads(path.read_text())
    except ValueError:
        return False
    return isinstance(info, dict) and {"name", "setup"} <= info.keys()
