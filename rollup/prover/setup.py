"""python -m rollup.prover.setup NAME DIRECTORY make | import ZKEY: makes the keys of one circuit, and ends.

A process of its own, because a setup takes more than a gigabyte. It holds a lock for as long as it lives, also when
the one who asked for it was killed; the directory gets its name only when all is in it.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import groth16py

from rollup.prover.ceremony import WrongCeremony, check_zkey
from rollup.prover.circuits import SOURCES, TOOLCHAIN, main_source
from rollup.prover.keyfile import constraint_count, constraints_in, program_in
from rollup.prover.keys import COMPILING, STAGE, KeyFiles
from rollup.prover.placing import lock, new_part, publish
from rollup.prover.proving import Prover
from rollup.prover.samples import sample_inputs
from rollup.prover.witness import WitnessRefused


def main(name: str, place: Path, what: str, zkey: str | None = None) -> None:
    """Make or import the keys, unless another process made them in the meantime."""
    with lock(place):
        if what == "make" and (place / "info.json").exists():
            return
        # The compiler talks to the standard output, too: all who wait for the keys read along.
        with place.with_name(f"{place.name}.log").open("w") as log:
            os.dup2(log.fileno(), sys.stdout.fileno())
        part = new_part(place)
        made = make_keys(part, name, main_source(name))
        if zkey:
            import_keys(made, Path(zkey), sample_inputs(name))
        publish(part, place)


def make_keys(part: Path, name: str, source: str) -> KeyFiles:
    """Compile a circuit and make keys for it, which fit the constraints but are one party's."""
    started = time.monotonic()
    _tell(COMPILING)
    main_file = part / "main.circom"
    main_file.write_text(source)
    key, verifying = groth16py.setup_circom(str(main_file), [str(SOURCES), str(groth16py.circomlib_path(2))])
    files = KeyFiles(name, part / "proving.key", part / "verifying.key", part / "witness.wasm", {})
    key.save(str(files.proving))
    verifying.save(str(files.verifying))
    del key
    body = files.proving.read_bytes()
    files.program.write_bytes(program_in(body))
    files.info.update(
        name=name, constraints=constraint_count(body), setup="single-party",
        toolchain=f"{TOOLCHAIN} {groth16py.__version__}", seconds=round(time.monotonic() - started, 1),
    )  # fmt: skip
    _write_info(files)
    return files


def import_keys(files: KeyFiles, zkey: Path, sample: Mapping[str, Any]) -> None:
    """Put a ceremony's keys in the place of those just made. WrongCeremony if they are of another circuit."""
    _tell("comparing the ceremony's key with the circuit")
    check_zkey(zkey.read_bytes(), constraints_in(files.proving.read_bytes()))
    _tell("importing the ceremony's key")
    key, verifying = groth16py.import_zkey(str(zkey))
    key.save(str(files.proving))
    verifying.save(str(files.verifying))
    del key
    _tell("trying the imported key")
    files.info["setup"] = "ceremony"
    try:
        Prover(files.name, files).prove(sample)
    except WitnessRefused:
        raise WrongCeremony("what it proves of a right block does not verify") from None
    _write_info(files)


def _write_info(files: KeyFiles) -> None:
    (files.proving.parent / "info.json").write_text(json.dumps(files.info, indent=2) + "\n")


def _tell(what: str) -> None:
    sys.stdout.write(f"{STAGE}{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
    except WrongCeremony as error:
        sys.exit(f"the ceremony's key is not of this circuit: {error}")
