"""A prover: takes a lease, proves, delivers, and holds nothing that would be missed if it were killed.

The same loop serves the Celery queue `proving` (LocalMaster: the database) and machines elsewhere (RemoteMaster, in
rollup/remote.py: the pull API).
"""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from django.conf import settings
from django.db import close_old_connections

from accounts.problems import Problem
from rollup import leaving, proving
from rollup.prover.witness import WitnessRefused
from rollup.proving import Lease

if TYPE_CHECKING:
    from rollup.prover.proving import Prover

logger = logging.getLogger(__name__)


class Master(Protocol):
    """Who gives out blocks and takes proofs."""

    def lease(self) -> Lease | None:
        """The first free block, if there is one."""

    def renew(self, lease: Lease) -> None:
        """Keep the lease. Raises Problem lease_lost."""

    def deliver(self, lease: Lease, points: list[int], proof_ms: int) -> None:
        """Hand a proof over. Raises Problem lease_lost, proof_refused."""

    def give_back(self, lease: Lease, reason: str) -> None:
        """Could not do it; somebody else may."""

    def hand_back(self, lease: Lease) -> None:
        """Stops, and leaves it to the next one."""

    def fail(self, lease: Lease, reason: str) -> None:
        """Nobody can do it."""


class LocalMaster:
    """The master itself, on the same database."""

    def __init__(self, worker: str) -> None:
        self.worker = worker

    def lease(self) -> Lease | None:
        """The first free block, if there is one."""
        return proving.lease(worker=self.worker)

    def renew(self, lease: Lease) -> None:
        """Keep the lease. Raises Problem lease_lost."""
        try:
            proving.renew(block=lease.block, number=lease.number)
        finally:
            # The thread that renews has a connection of its own, which must not wait for its end.
            close_old_connections()

    def deliver(self, lease: Lease, points: list[int], proof_ms: int) -> None:
        """Hand a proof over. Raises Problem lease_lost, proof_refused."""
        proving.deliver(block=lease.block, number=lease.number, points=points, proof_ms=proof_ms, is_ours=True)

    def give_back(self, lease: Lease, reason: str) -> None:
        """Could not do it; somebody else may."""
        proving.give_back(block=lease.block, number=lease.number, reason=reason)

    def hand_back(self, lease: Lease) -> None:
        """Stops, and leaves it to the next one."""
        proving.hand_back(block=lease.block, number=lease.number)

    def fail(self, lease: Lease, reason: str) -> None:
        """Nobody can do it."""
        proving.fail(block=lease.block, number=lease.number, reason=reason)


def worker_name() -> str:
    """Machine and process, by which an operator finds this worker."""
    return f"{socket.gethostname()}:{os.getpid()}"


def prove_one(master: Master, prover_of: "Callable[[str], Prover]") -> bool:
    """Prove one block if there is one; whether there was. `prover_of`: who proves a circuit, by its name."""
    lease = master.lease()
    if lease is None:
        return False
    logger.info("proving block %s, lease %s", lease.block, lease.number)
    try:
        # Also while it delivers: the master verifies, which takes a while where the machine is busy.
        with leaving.holding(lambda: master.hand_back(lease)), _renewed(master, lease):
            proof = prover_of(lease.circuit).prove(lease.inputs)
            master.deliver(lease, list(proof.points), proof.ms)
    except WitnessRefused as error:
        master.fail(lease, str(error))
    except Problem as problem:
        # Refused or too late: the block is somebody else's, and the master has noted why.
        logger.warning("block %s, lease %s: %s", lease.block, lease.number, problem)
    except Exception as error:
        master.give_back(lease, f"{type(error).__name__}: {error}")
        raise
    return True


@contextmanager
def _renewed(master: Master, lease: Lease) -> Iterator[None]:
    """Keep a lease from ending while this process lives; proving lets other threads run."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(settings.PROVING_LEASE_S / 3):
            try:
                master.renew(lease)
            except Problem as problem:
                logger.warning("block %s, lease %s is not renewed: %s", lease.block, lease.number, problem)
                return
            except Exception as error:  # the database or the net is away for a moment: the next try is soon
                logger.warning("block %s, lease %s is not renewed: %s", lease.block, lease.number, error)

    thread = threading.Thread(target=renew, name="renew", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
