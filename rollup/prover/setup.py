"""python -m rollup.prover.setup NAME DIRECTORY make | import ZKEY: makes the keys of one circuit, and ends.

A process of its own, because a setup takes more than a gigabyte. It holds a lock for as long as it lives, also when
the one who asked for it was killed; the directory gets its name only when all is in it.
"""

import contextlib
import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import groth16py

from rollup.prover.circuits import SOURCES, TOOLCHAIN, main_source
from rollup.prover.keyfile import constraint_count, program_in


def main(name: str, place: Path, what: str, zkey: str | None = None) -> None:
    """Make or import the keys, unless another process made them in the meantime."""
    with _lock(place):
        if what == "make" and (place / "info.json").exists():
            return
        part = place.with_name(place.name + ".part")
        if part.exists():
            shutil.rmtree(part)
        part.mkdir()
        _fill(part, name, zkey)
        _publish(part, place)


def _fill(part: Path, name: str, zkey: str | None) -> None:
    started = time.monotonic()
    stage("compiling")
    source = part / "main.circom"
    source.write_text(main_source(name))
    libraries = [str(SOURCES), str(groth16py.circomlib_path(2))]
    made, made_verifying = groth16py.setup_circom(str(source), libraries)
    made.save(str(part / "proving.key"))
    made_verifying.save(str(part / "verifying.key"))
    del made
    body = (part / "proving.key").read_bytes()
    (part / "witness.wasm").write_bytes(program_in(body))
    info: dict[str, Any] = {
        "name": name, "constraints": constraint_count(body), "setup": "single-party",
        "toolchain": f"{TOOLCHAIN} {groth16py.__version__}",
    }  # fmt: skip
    del body
    info["seconds"] = round(time.monotonic() - started, 1)
    (part / "info.json").write_text(json.dumps(info, indent=2) + "\n")


def _publish(part: Path, place: Path) -> None:
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


@contextlib.contextmanager
def _lock(place: Path) -> Iterator[None]:
    with place.with_name(place.name + ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def stage(text: str) -> None:
    """Say what is being done now, to whoever reads along."""
    sys.stdout.write(f"stage: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
