"""A circuit's keys as provers elsewhere get them: what there is, and parts of it by their hash.

What goes over the net is named by its content: a name can lead nowhere else, and keys that were replaced meanwhile are
not mixed with those of before.
"""

from functools import lru_cache
from hashlib import file_digest
from pathlib import Path
from typing import Final, NamedTuple

from rollup.prover import keys
from rollup.prover.circuits import digest

# All that a prover reads; the large one last.
FILES: Final = ("info.json", "verifying.key", "witness.wasm", "proving.key")
# At most so much is handed out, and in memory, at a time.
PART_BYTES: Final = 4 * 2**20


class SharedFile(NamedTuple):
    """A file of FILES: its size in bytes, and its sha256 in hex."""

    name: str
    size: int
    sha256: str


class SharedKeys(NamedTuple):
    """The keys of a circuit. `digest`: of the circuit (rollup.prover.circuits); `fingerprint`: of the verifying key."""

    circuit: str
    digest: str
    fingerprint: str
    files: list[SharedFile]


def shared_keys(circuit: str) -> SharedKeys | None:
    """What there is of a circuit; None while its keys are missing. The first call reads them all."""
    found = keys.find(circuit)
    if found is None:
        return None
    try:
        files = [_described(found.proving.with_name(name)) for name in FILES]
        return SharedKeys(circuit, digest(circuit), found.fingerprint, files)
    except FileNotFoundError:
        # They are being replaced at this moment.
        return None


def read_part(circuit: str, sha256: str, start: int) -> tuple[bytes, int] | None:
    """At most PART_BYTES of the file with this hash from byte `start` on, and its whole size; None without such."""
    shared = shared_keys(circuit)
    file = next((file for file in shared.files if file.sha256 == sha256), None) if shared else None
    if file is None:
        return None
    try:
        with (keys.place(circuit) / file.name).open("rb") as opened:
            opened.seek(start)
            return opened.read(PART_BYTES), file.size
    except FileNotFoundError:
        return None


def hash_of(path: Path) -> str:
    """The sha256 of a file in hex, of whatever size."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _described(path: Path) -> SharedFile:
    now = path.stat()
    return SharedFile(path.name, now.st_size, _hash_as_of(path, now.st_size, now.st_mtime_ns, now.st_ino))


# Half a second for a large key, so once for each state of a file.
@lru_cache(maxsize=16)
def _hash_as_of(path: Path, size: int, mtime_ns: int, inode: int) -> str:
    return hash_of(path)
