"""The master of the prover cluster: which block is proven by whom, and which proofs are taken.

Workers hold nothing that counts. A block is given to a worker as a lease with a number and an end; when it ends, the
block is free again. A proof is taken only from whoever holds the lease, and only if it proves the very public inputs
that follow from the block's data. Claims are conditional updates, and the row count is what is believed; the clock is
the database's.
"""

import json
import logging
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.problems import Problem
from rollup.models import Block, ProvingTask
from rollup.prover import apart, keys
from rollup.public_inputs import PublicInputs, public_inputs

logger = logging.getLogger(__name__)

# A task whose proof was refused is given to somebody else first, and after longer each time.
REFUSED_WAIT_S = 5
REFUSED_WAIT_S_MAX = 300
# When one of our own provers is refused and it is not the first time, no other will do better.
REFUSED_MAX = 3
WORKER_CHARACTERS_MAX = 128
REASON_CHARACTERS_MAX = 256

# When so many leases of a block were lost elsewhere, by whatever was done there, nobody elsewhere has it for a while: a
# token says nothing of who is who.
OUTSIDE_MAX = 2
OUTSIDE_AGAIN_S = 600

# Free is what waits, and what somebody had and did not finish in time. The block before goes first. A prover of our own
# need not wait for what one elsewhere brought about.
_CLAIM = """
    UPDATE rollup_provingtask SET status = 'leased', worker = %(worker)s, attempts = attempts + 1,
        outside = outside + (NOT %(is_ours)s)::int, is_outside = NOT %(is_ours)s,
        leased_at = clock_timestamp(), leased_until = clock_timestamp() + %(lease_s)s * interval '1 second'
    WHERE block_id = (
        SELECT block_id FROM rollup_provingtask
        WHERE (
            (status = 'queued' AND (not_before IS NULL OR not_before < clock_timestamp() OR %(is_ours)s AND is_outside))
            OR (status = 'leased' AND leased_until < clock_timestamp())
        ) AND (
            %(is_ours)s OR outside < %(outside_max)s
            OR leased_at < clock_timestamp() - %(again_s)s * interval '1 second'
        )
        ORDER BY block_id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING block_id, attempts, leased_until
"""


class Lease(NamedTuple):
    """The right to prove a block until `until`; `number` tells it from earlier ones. `inputs` are the circuit's.

    `key`: fingerprint of the key that proofs are verified by; "" while there is none.
    """

    block: int
    number: int
    until: datetime
    circuit: str
    inputs: dict[str, Any]
    key: str = ""


def enqueue(block: Block) -> None:
    """Ask for a block's proof, in the transaction that makes the block: there is never one without the other."""
    ProvingTask.objects.create(block=block)
    transaction.on_commit(wake)


def wake() -> None:
    """Tell one worker that there is work. The message may be lost: `dispatch` sends another."""
    from rollup.tasks import prove

    try:
        prove.apply_async(expires=settings.PROVING_WAKE_S, retry=False)
    except Exception as error:  # whatever the broker's client raises; the beat comes again
        logger.warning("no prover was woken: %s", error)


def dispatch() -> int:
    """Send as many messages as there are free tasks, a few at most; how many.

    Messages expire before the next ones, so they never pile up where nobody listens.
    """
    count = min(_free().count(), settings.PROVING_MESSAGES_MAX)
    for _ in range(count):
        wake()
    return count


def lease(*, worker: str, is_ours: bool = True) -> Lease | None:
    """Give the first free block to a worker; None when there is none. `is_ours`: it is no machine elsewhere."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "worker": worker[:WORKER_CHARACTERS_MAX], "lease_s": settings.PROVING_LEASE_S, "is_ours": is_ours,
                "outside_max": OUTSIDE_MAX, "again_s": OUTSIDE_AGAIN_S,
            },
        )  # fmt: skip
        claimed = cursor.fetchone()
        if claimed is None:
            return None
        number, attempt, until = claimed
        Block.objects.filter(number=number, status=Block.Status.SEALED).update(status=Block.Status.PROVING)
        block = Block.objects.get(number=number)
    inputs = circuit_inputs(bytes(block.inputs)) | {"gamma": expected(block).gamma}
    files = keys.find(settings.ROLLUP_PARAMETERS)
    return Lease(
        number, attempt, until, settings.ROLLUP_PARAMETERS, inputs, "" if files is None else files.fingerprint
    )  # fmt: skip


def check_outside(*, block: int, number: int) -> None:
    """Raises Problem lease_lost unless a machine elsewhere has this lease: its number is easily guessed by another one.

    What comes from elsewhere is asked this first: nobody there may end, or spoil, a lease of our own provers.
    """
    if not _last_given(block, number).filter(is_outside=True).exists():
        raise Problem("lease_lost")


def renew(*, block: int, number: int) -> None:
    """Make a lease last its time from now on. Raises Problem lease_lost.

    One that has ended is alive again if nobody took the block meanwhile: a worker on a busy machine may come late.
    """
    until = Now() + timedelta(seconds=settings.PROVING_LEASE_S)
    # A worker that hangs must not keep a block for ever, alive as it may seem; one elsewhere not even for long.
    begun = {
        is_outside: Now() - timedelta(seconds=limit_s)
        for is_outside, limit_s in ((False, settings.PROVING_S_MAX), (True, settings.PROVING_OUTSIDE_S_MAX))
    }
    recent = Q(is_outside=False, leased_at__gt=begun[False]) | Q(is_outside=True, leased_at__gt=begun[True])
    if not _last_given(block, number).filter(recent).update(leased_until=until):
        raise Problem("lease_lost")


def deliver(*, block: int, number: int, points: Sequence[int], proof_ms: int, is_ours: bool = False) -> None:
    """Take a proof from whoever holds the lease. `points`: the proof's eight coordinates; `proof_ms` its time.

    Raises Problem lease_lost, proof_refused; then the worker's lease is over and the block is free again. A block fails
    only by a proof of our own that is refused: others may send what they like.
    """
    held = _held(block, number).select_related("block").first()
    if held is None:
        raise Problem("lease_lost")
    inputs = expected(held.block)
    if not apart.verify(settings.ROLLUP_PARAMETERS, points, inputs):
        logger.error("block %s: the proof of %s was refused", block, held.worker)
        if is_ours and held.refused + 1 >= REFUSED_MAX:
            fail(block=block, number=number, reason=f"{REFUSED_MAX} proofs were refused")
        else:
            _release(held, f"proof_refused: of {held.worker}")
        raise Problem("proof_refused")
    with transaction.atomic():
        taken = _held(block, number).update(
            status=ProvingTask.Status.PROVED, proof=[str(point) for point in points], proof_ms=proof_ms, reason="",
            leased_until=None,
        )  # fmt: skip
        if not taken:
            raise Problem("lease_lost")
        Block.objects.filter(number=block, status=Block.Status.PROVING).update(
            status=Block.Status.PROVED, proved_at=Now(), proof_ms=proof_ms, reason=""
        )
    logger.info("block %s proven by %s in %s ms", block, held.worker, proof_ms)


def give_back(*, block: int, number: int, reason: str) -> None:
    """A worker could not do it, another one may: the block is free again after a while. A lost lease is nobody's."""
    task = _held(block, number).first()
    if task is not None:
        _release(task, reason)


def hand_back(*, block: int, number: int) -> None:
    """A worker that stops leaves its block to the next one at once. Raises Problem lease_lost."""
    if not _held(block, number).update(status=ProvingTask.Status.QUEUED, leased_until=None):
        raise Problem("lease_lost")


def fail(*, block: int, number: int, reason: str) -> None:
    """No worker can prove this block: its inputs do not fulfil the circuit, or do not fit its data."""
    with transaction.atomic():
        failed = _held(block, number).update(
            status=ProvingTask.Status.FAILED, reason=reason[:REASON_CHARACTERS_MAX], leased_until=None
        )
        if failed:
            Block.objects.filter(number=block).update(
                status=Block.Status.FAILED, reason=f"not_provable: {reason}"[:REASON_CHARACTERS_MAX]
            )
            logger.error("block %s cannot be proven: %s", block, reason)


def prove_again(*, block: int) -> bool:
    """Queue a failed block once more, when its cause has been mended; False if it had not failed."""
    with transaction.atomic():
        queued = ProvingTask.objects.filter(block=block, status=ProvingTask.Status.FAILED).update(
            status=ProvingTask.Status.QUEUED, reason="", not_before=None
        )
        if queued:
            Block.objects.filter(number=block, status=Block.Status.FAILED).update(status=Block.Status.SEALED, reason="")
            transaction.on_commit(wake)
    return bool(queued)


def expected(block: Block) -> PublicInputs:
    """The public inputs that a proof of this block must have."""
    return public_inputs([int(word) for word in block.data])


def circuit_inputs(packed: bytes) -> dict[str, Any]:
    """The circuit's inputs as a block keeps them: JSON, integers as decimal strings, compressed."""
    return {name: _integers(value) for name, value in json.loads(zlib.decompress(packed)).items()}


def _integers(value: Any) -> Any:
    return [_integers(part) for part in value] if isinstance(value, list) else int(value)


def _free() -> Any:
    may_begin = Q(not_before=None) | Q(not_before__lt=Now()) | Q(is_outside=True)
    waits = Q(status=ProvingTask.Status.QUEUED) & may_begin
    return ProvingTask.objects.filter(waits | Q(status=ProvingTask.Status.LEASED, leased_until__lt=Now()))


def _last_given(block: int, number: int) -> Any:
    return ProvingTask.objects.filter(block=block, status=ProvingTask.Status.LEASED, attempts=number)


def _held(block: int, number: int) -> Any:
    return _last_given(block, number).filter(leased_until__gt=Now())


def _release(task: ProvingTask, reason: str) -> None:
    wait_s = min(REFUSED_WAIT_S * 2 ** min(task.refused, 10), REFUSED_WAIT_S_MAX)
    _held(task.pk, task.attempts).update(
        status=ProvingTask.Status.QUEUED, refused=F("refused") + 1, reason=reason[:REASON_CHARACTERS_MAX],
        leased_until=None, not_before=Now() + timedelta(seconds=wait_s),
    )  # fmt: skip
