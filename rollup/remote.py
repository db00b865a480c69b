"""A prover on another machine: it pulls blocks from an exchange by its API and sends proofs back."""

import logging
import time
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from accounts.problems import PROBLEMS, Problem
from rollup.prover import keys
from rollup.prover.proving import Prover
from rollup.proving import Lease
from rollup.worker import prove_one, worker_name

logger = logging.getLogger(__name__)

TIMEOUT_S: Final = 30.0
IDLE_S: Final = 2.0
# Between tries while the exchange does not answer.
AWAY_S: Final = 5.0


class RemoteMaster:
    """The master behind the pull API. httpx's errors mean that it does not answer now."""

    def __init__(self, *, url: str, token: str, name: str) -> None:
        self.name = name
        self.client = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1/prover/", headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_S,
        )  # fmt: skip

    def lease(self) -> Lease | None:
        """The first free block, if there is one. Raises Problem invalid_token."""
        task = self._post("lease", {"worker": self.name})["task"]
        if task is None:
            return None
        until = datetime.fromtimestamp(task["until"] / 1000, UTC)
        inputs = {name: _integers(value) for name, value in task["inputs"].items()}
        return Lease(task["block"], task["lease"], until, task["circuit"], inputs)

    def renew(self, lease: Lease) -> None:
        """Keep the lease. Raises Problem lease_lost."""
        self._post(f"tasks/{lease.block}/renew", {"lease": lease.number})

    def deliver(self, lease: Lease, points: list[int], proof_ms: int) -> None:
        """Hand a proof over. Raises Problem lease_lost, proof_refused."""
        proof = [str(point) for point in points]
        self._post(f"tasks/{lease.block}/proof", {"lease": lease.number, "proof": proof, "proof_ms": proof_ms})

    def give_back(self, lease: Lease, reason: str) -> None:
        """The lease ends by itself: the master need not believe what a machine elsewhere says."""
        logger.warning("block %s is left to others: %s", lease.block, reason)

    def hand_back(self, lease: Lease) -> None:
        """The same."""
        self.give_back(lease, "this worker stops")

    def fail(self, lease: Lease, reason: str) -> None:
        """The same."""
        self.give_back(lease, reason)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = self.client.post(path, json=body)
        answer: dict[str, Any] = response.json()
        if response.is_success:
            return answer
        code = str(answer.get("code"))
        raise Problem(code if code in PROBLEMS else "internal_error", str(answer.get("detail", "")))


def work(*, url: str, token: str, name: str, once: bool) -> None:
    """Prove until stopped; with `once` until there is nothing to prove. Raises Problem invalid_token, KeysFailed."""
    master = RemoteMaster(url=url, token=token, name=name or worker_name())
    provers: dict[str, Prover] = {}
    while True:
        try:
            proved = _prove_next(master, provers)
        except (httpx.HTTPError, ValueError) as error:
            # Away, or a proxy in front of it that answers in another language.
            logger.warning("%s does not answer: %s", url, error)
            time.sleep(AWAY_S)
            continue
        if not proved:
            if once:
                return
            time.sleep(IDLE_S)


def _prove_next(master: RemoteMaster, provers: dict[str, Prover]) -> bool:
    def prover_of(circuit: str) -> Prover:
        if circuit not in provers:
            files = keys.find(circuit)
            if files is None:
                # Keys made here would be others than the exchange's, and all their proofs refused.
                raise keys.KeysFailed(
                    f"no keys of {circuit} in {keys.directory()}: copy {keys.place(circuit).name} from the exchange's"
                )
            provers[circuit] = Prover(circuit, files)
        return provers[circuit]

    return prove_one(master, prover_of)


def _integers(value: Any) -> Any:
    return [_integers(part) for part in value] if isinstance(value, list) else int(value)
