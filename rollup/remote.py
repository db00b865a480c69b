"""A prover on another machine: it pulls keys and blocks from an exchange by its API and sends proofs back."""

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from accounts.problems import PROBLEMS, Problem
from rollup import fetching
from rollup.prover.proving import Prover
from rollup.prover.sharing import SharedFile, SharedKeys
from rollup.proving import Lease
from rollup.worker import prove_one, worker_name

logger = logging.getLogger(__name__)

TIMEOUT_S: Final = 30.0
# Whoever stops does not wait for long to say so.
RELEASE_S: Final = 10.0
IDLE_S: Final = 2.0
# Between tries while the exchange does not answer, or not sensibly.
AWAY_S: Final = 5.0


class OtherKeys(Exception):
    """The exchange verifies by another key than this prover proves with."""


class KeyServer:
    """An exchange that shares the keys of a circuit. httpx's errors mean that it does not answer now."""

    def __init__(self, *, url: str, path: str, headers: dict[str, str] | None = None) -> None:
        self.url = url.rstrip("/")
        self.client = httpx.Client(base_url=f"{self.url}/api/v1/{path}/", headers=headers, timeout=TIMEOUT_S)

    def shared_keys(self) -> SharedKeys:
        """Raises Problem invalid_token, keys_not_ready."""
        told = _checked(self.client.get("keys"))
        files = [SharedFile(str(file["name"]), int(file["bytes"]), str(file["sha256"])) for file in told["files"]]
        return SharedKeys(str(told["circuit"]), str(told["digest"]), str(told["fingerprint"]), files)

    def read_part(self, sha256: str, start: int) -> Iterator[bytes]:
        """Raises Problem unknown_key_file when the exchange has other keys by now."""
        with self.client.stream("GET", f"keys/{sha256}", headers={"Range": f"bytes={start}-"}) as response:
            if response.status_code != httpx.codes.PARTIAL_CONTENT:
                if response.is_success:
                    raise ValueError("an answer to a Range without its Content-Range")
                response.read()
                _checked(response)
            if not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                raise ValueError(f"not the part that begins at {start}")
            yield from response.iter_bytes()


class RemoteMaster(KeyServer):
    """The master behind the pull API."""

    def __init__(self, *, url: str, token: str, name: str) -> None:
        super().__init__(url=url, path="prover", headers={"Authorization": f"Bearer {token}"})
        self.name = name
        # The fingerprint of the key that this prover proves with, once it has one.
        self.key = ""

    def lease(self) -> Lease | None:
        """The first free block, if there is one. Raises Problem invalid_token; OtherKeys, the block handed back."""
        task = self._post("lease", {"worker": self.name})["task"]
        if task is None:
            return None
        until = datetime.fromtimestamp(task["until"] / 1000, UTC)
        inputs = {name: _integers(value) for name, value in task["inputs"].items()}
        lease = Lease(task["block"], task["lease"], until, task["circuit"], inputs, task["key"])
        if lease.key != self.key:
            self.hand_back(lease)
            raise OtherKeys(lease.key)
        return lease

    def renew(self, lease: Lease) -> None:
        """Keep the lease. Raises Problem lease_lost."""
        self._post(f"tasks/{lease.block}/renew", {"lease": lease.number})

    def deliver(self, lease: Lease, points: list[int], proof_ms: int) -> None:
        """Hand a proof over. Raises Problem lease_lost, proof_refused."""
        proof = [str(point) for point in points]
        self._post(f"tasks/{lease.block}/proof", {"lease": lease.number, "proof": proof, "proof_ms": proof_ms})

    def give_back(self, lease: Lease, reason: str) -> None:
        """The lease ends by itself, so that somebody else comes first: this worker would ask again at once."""
        logger.warning("block %s is left to others: %s", lease.block, reason)

    def hand_back(self, lease: Lease) -> None:
        """Stops, and leaves it to the next one at once. Where that cannot be said, the lease ends by itself."""
        try:
            self._post(f"tasks/{lease.block}/release", {"lease": lease.number}, timeout_s=RELEASE_S)
        except (httpx.HTTPError, ValueError, Problem) as error:
            logger.warning("block %s is left to others when its lease ends: %s", lease.block, error)

    def fail(self, lease: Lease, reason: str) -> None:
        """As give_back: the master need not believe what a machine elsewhere says."""
        self.give_back(lease, reason)

    def _post(self, path: str, body: dict[str, Any], *, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
        return _checked(self.client.post(path, json=body, timeout=timeout_s))


def work(*, url: str, token: str, name: str, once: bool) -> None:
    """Prove until stopped; with `once` until there is nothing to prove. Raises Problem invalid_token, KeysFailed."""
    master = RemoteMaster(url=url, token=token, name=name or worker_name())
    prover: Prover | None = None
    while True:
        try:
            if prover is None:
                prover = _prover(master)
            proved = prove_one(master, lambda _, prover=prover: prover)  # type: ignore[misc]  # bound as it is now
        except OtherKeys as other:
            logger.warning("%s verifies by another key now: %s", url, other)
            prover = None
            continue
        except Problem as problem:
            if problem.code == "invalid_token":
                raise
            logger.warning("%s: %s", url, problem)
            time.sleep(AWAY_S)
            continue
        except (httpx.HTTPError, ValueError, KeyError) as error:
            # Away, or a proxy in front of it that answers in another language.
            logger.warning("%s does not answer: %s: %s", url, type(error).__name__, error)
            time.sleep(AWAY_S)
            continue
        if not proved:
            if once:
                return
            time.sleep(IDLE_S)


def _prover(master: RemoteMaster) -> Prover:
    files = fetching.fetch(master, logger.warning)
    master.key = files.fingerprint
    return Prover(files.name, files)


def _checked(response: httpx.Response) -> dict[str, Any]:
    answer: dict[str, Any] = response.json()
    if response.is_success:
        return answer
    code = str(answer.get("code"))
    raise Problem(code if code in PROBLEMS else "internal_error", str(answer.get("detail", "")))


def _integers(value: Any) -> Any:
    return [_integers(part) for part in value] if isinstance(value, list) else int(value)
