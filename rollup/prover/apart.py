"""What others ask of the prover's package, which is answered in a process of its own (ADR 12).

Web, chain worker and master so never load groth16py themselves: `python -m rollup.prover.apart WHAT NAME`.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

from rollup.prover.keys import BASE_DIR, KeysFailed, find

ANSWERED_WITHIN_S: Final = 60


def verify(name: str, points: Sequence[int], public: Sequence[int]) -> bool:
    """Whether a proof is right for its public inputs; False for whatever is out of range. KeysFailed without keys."""
    return bool(_ask("verify", name, [list(points), list(public)]))


def verification_key(name: str) -> dict[str, Any]:
    """The verifying key as snarkjs writes it. KeysFailed if there are no keys."""
    return dict(_ask("key", name))


def verifier_source(name: str) -> str:
    """The Vyper source of the contract that verifies the circuit's proofs. KeysFailed if there are no keys."""
    return str(_ask("contract", name))


def _ask(what: str, name: str, question: Any = None) -> Any:
    if find(name) is None:
        raise KeysFailed(f"no keys of {name} yet")
    done = subprocess.run(
        [sys.executable, "-m", "rollup.prover.apart", what, name], cwd=BASE_DIR, input=json.dumps(question), text=True,
        capture_output=True, timeout=ANSWERED_WITHIN_S, check=False,
    )  # fmt: skip
    if done.returncode:
        raise KeysFailed(f"{name}: {(done.stderr.strip() or str(done.returncode)).splitlines()[-1]}")
    return json.loads(done.stdout)


def _answer(what: str, name: str, question: Any) -> Any:
    # Imported here, in the process of its own.
    from groth16py import VerifyingKey

    from rollup.prover import proving

    if what == "verify":
        points, public = question
        return proving.verify(name, proving.Proof(points, public, 0))
    files = find(name)
    assert files is not None
    key = VerifyingKey.load(str(files.verifying))
    return json.loads(key.to_json()) if what == "key" else key.to_vyper()


if __name__ == "__main__":
    json.dump(_answer(sys.argv[1], sys.argv[2], json.load(sys.stdin)), sys.stdout)
