"""The keys of a circuit: made once, then found again by what the circuit is made of.

They lie in KEYS_DIR (environment; var/keys), one directory for each circuit and toolchain. Making them takes a process
of its own (rollup/prover/setup.py), so that this module loads neither compiler nor prover: pages may ask for `status`.
"""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from rollup.prover.circuits import NAMES, digest

BASE_DIR: Final = Path(__file__).parent.parent.parent
_ASK_S: Final = 0.5
# How the setup marks its own lines in its log, among the compiler's.
STAGE: Final = "stage: "
COMPILING: Final = "compiling"

UNSAFE: Final = (
    "UNSAFE FOR REAL FUNDS: these keys come from a setup by one party, who could forge proofs. "
    "Import the key of a ceremony before anything of value is deposited (docs/runbook.md)."
)

Progress = Callable[[str], None]


class KeysFailed(Exception):
    """The keys could not be made, or imported; the text says why."""


class KeyFiles(NamedTuple):
    """The files of one circuit. `info`: name, constraints, setup (single-party or ceremony), seconds, toolchain."""

    name: str
    proving: Path
    verifying: Path
    program: Path
    info: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """Tells one verifying key from another: a contract that was deployed with another one refuses all proofs."""
        return sha256(self.verifying.read_bytes()).hexdigest()

    @property
    def is_unsafe(self) -> bool:
        """Whether one party alone made the keys, and could forge proofs."""
        return bool(self.info["setup"] != "ceremony")


def directory() -> Path:
    """Where all keys lie."""
    return Path(os.environ.get("KEYS_DIR") or BASE_DIR / "var" / "keys").resolve()


def place(name: str) -> Path:
    """The directory of a circuit's keys, which need not be there. ValueError for a name that is none."""
    if name not in NAMES:
        raise ValueError(f"no circuit {name}; there are {', '.join(NAMES)}")
    return directory() / f"{name}-{digest(name)}"


def find(name: str) -> KeyFiles | None:
    """The keys, if they are there. A directory gets its name only when all is in it."""
    at = place(name)
    try:
        info = json.loads((at / "info.json").read_text())
    except FileNotFoundError:
        return None
    return KeyFiles(name, at / "proving.key", at / "verifying.key", at / "witness.wasm", info)


def ensure(name: str, progress: Progress | None = None) -> KeyFiles:
    """The keys of a circuit, made now if they are not there yet (dev: about a minute; 1.4 GB of memory).

    `progress` is told every change in words. Any number of processes may ask at once: one makes them, the others wait.
    What a killed one left is begun anew. KeysFailed with the reason if they cannot be made.
    """
    return find(name) or _made(name, ["make"], progress)


def import_ceremony(name: str, zkey: Path, progress: Progress | None = None) -> KeyFiles:
    """Take the keys of a ceremony (a .zkey of snarkjs) in place of those that are there, after checks.

    KeysFailed if the file is of another circuit. The ceremony itself (contributions, beacon) must be verified by
    `snarkjs zkey verify` before: this can show that the keys are of the circuit, not that all secrets were forgotten.
    """
    if not zkey.is_file():
        raise KeysFailed(f"no file {zkey}")
    return _made(name, ["import", str(zkey.resolve())], progress)


def export_r1cs(name: str, path: Path) -> None:
    """Write the circuit as a ceremony needs it (snarkjs). The keys must be there (`ensure`)."""
    from rollup.prover.ceremony import r1cs
    from rollup.prover.keyfile import constraints_in

    files = find(name)
    if files is None or files.info["setup"] == "ceremony":
        raise KeysFailed(f"no keys of {name} with constraints in them")
    path.write_bytes(r1cs(constraints_in(files.proving.read_bytes())))


def is_ready(name: str) -> bool:
    """Whether the keys are there. Cheap."""
    return find(name) is not None


def progress(name: str) -> str:
    """What is being done for the keys just now, by whatever process, in words; "" if nothing is."""
    try:
        with _beside(place(name), "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _stage(place(name))
    except FileNotFoundError:
        pass
    return ""


def _made(name: str, what: list[str], progress: Progress | None) -> KeyFiles:
    tell = progress or (lambda text: None)
    at = place(name)
    at.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "rollup.prover.setup", name, str(at), *what]
    process = subprocess.Popen(
        command, cwd=BASE_DIR, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
    )
    started, told = time.monotonic(), ""
    try:
        while process.poll() is None:
            time.sleep(_ASK_S)
            stage = _stage(at)
            if stage and stage != told:
                told = stage
                tell(f"{name}: {stage} ({time.monotonic() - started:.0f} s)")
    finally:
        if process.poll() is None:
            process.kill()
        _, complaint = process.communicate()
    files = find(name)
    if process.returncode or files is None:
        reason = (complaint or f"the setup ended with {process.returncode}").strip().splitlines()[-1]
        raise KeysFailed(f"{name}: {reason}")
    tell(f"{name}: keys are ready ({time.monotonic() - started:.0f} s)")
    if files.is_unsafe:
        tell(UNSAFE)
    return files


def _stage(at: Path) -> str:
    # The last line of the setup's own in its log, or what can be read off the compiler's; "" before there is any.
    try:
        lines = _beside(at, "log").read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    stage = next((line.removeprefix(STAGE) for line in reversed(lines) if line.startswith(STAGE)), "")
    if stage == COMPILING:
        for line in lines:
            if line.startswith("non-linear constraints:"):
                return f"compiled to {int(line.split()[-1]):,} constraints; making the keys"
    return stage


def _beside(at: Path, suffix: str) -> Path:
    # The setup's own files, beside the directory that it makes.
    return at.with_name(f"{at.name}.{suffix}")
