"""Proofs: made of a circuit's inputs, and checked."""

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from groth16py import EncodingError, ProvingKey, VerificationError, Verifier, VerifyingKey, prove_wtns

from rollup.prover.keys import KeyFiles, ensure, find
from rollup.prover.witness import WitnessProgram, WitnessRefused, wtns

# A core for each prover: two with one thread each prove more than one with two. Read when the package first computes.
os.environ.setdefault("RAYON_NUM_THREADS", "1")

WORD_BYTES: Final = 32
POINT_WORDS: Final = 8


class Proof(NamedTuple):
    """A Groth16 proof: eight numbers in the order in which the contract takes them, the public inputs, the time taken.

    Public inputs of a block: h, e, gamma; of an escape: root, account, token, amount.
    """

    points: list[int]
    public: list[int]
    ms: int


class Prover:
    """Proves one circuit, in one thread at a time. The key stays in memory: loading takes as long as two proofs."""

    def __init__(self, name: str, files: KeyFiles | None = None) -> None:
        """Load the keys; they are made first where there are none."""
        files = files or ensure(name)
        self.name = name
        self.program = WitnessProgram(files.program)
        self.files = files
        self.key = ProvingKey.load(str(files.proving))
        self.public_count = VerifyingKey.load(str(files.verifying)).n_public

    def prove(self, inputs: Mapping[str, Any]) -> Proof:
        """Prove that the inputs keep the circuit's rules. WitnessRefused if they do not.

        Of inputs that break a rule there is a witness too, and something that looks like a proof; so each is verified.
        """
        started = time.monotonic()
        witness = self.program.witness(inputs)
        with tempfile.TemporaryDirectory(prefix="provex-") as place:
            path = Path(place) / "witness.wtns"
            path.write_bytes(wtns(witness))
            points = prove_wtns(self.key, str(path))
        proof = Proof(_numbers(points), witness[1 : 1 + self.public_count], _ms_since(started))
        if not verify_with(self.files, proof.points, proof.public):
            raise WitnessRefused("the inputs break a rule of the circuit")
        return proof


def verify(name: str, proof: Proof) -> bool:
    """Whether a proof is right for its public inputs; False for whatever is out of range. KeyError without keys."""
    files = find(name)
    if files is None:
        raise KeyError(f"no keys of {name}")
    return verify_with(files, proof.points, proof.public)


def verify_with(files: KeyFiles, points: Sequence[int], public: Sequence[int]) -> bool:
    """The same with keys at hand."""
    if len(points) != POINT_WORDS or not all(0 <= point < 1 << 8 * WORD_BYTES for point in points):
        return False
    try:
        packed = b"".join(point.to_bytes(WORD_BYTES, "big") for point in points)
        return bool(_verifier(files.verifying, files.fingerprint).verify(packed, list(public)))
    except (EncodingError, VerificationError, ValueError, OverflowError):
        # A point off the curve, an input that is no field element, too many or too few of them.
        return False


@lru_cache(maxsize=4)
def _verifier(path: Path, fingerprint: str) -> Verifier:
    return Verifier(VerifyingKey.load(str(path)))


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _numbers(packed: bytes) -> list[int]:
    return [int.from_bytes(packed[at : at + WORD_BYTES], "big") for at in range(0, len(packed), WORD_BYTES)]
