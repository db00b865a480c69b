"""Background work of the rollup; when the periodic tasks run is said in settings.CELERY_BEAT_SCHEDULE.

What sends transactions runs on the queue `chain`, one task at a time; proofs are made on the queue `proving`.
"""

from functools import cache
from typing import TYPE_CHECKING

from celery import shared_task
from celery.worker import state
from django.conf import settings

from rollup import accounts, blocks, proving, settlement, withdrawals
from wallets.chain import rounds

if TYPE_CHECKING:
    from rollup.prover.proving import Prover


@shared_task(name="rollup.chain_round")
def chain_round() -> None:
    """Register accounts, read the chain, apply its queue, pay test tokens in, claim; follow withdrawals."""
    rounds.run(accounts.make_key, stop=lambda: state.should_stop is not None)
    withdrawals.follow()


@shared_task(name="rollup.close_block")
def close_block() -> None:
    """Ask the state manager to seal what is open."""
    blocks.request_block()


@shared_task(name="rollup.settle")
def settle() -> None:
    """Bring proven blocks to the chain, and follow those that are on their way."""
    settlement.settle()


@shared_task(name="rollup.dispatch_proving")
def dispatch_proving() -> None:
    """Wake provers for blocks that wait."""
    proving.dispatch()


@shared_task(name="rollup.prove", queue="proving")
def prove() -> None:
    """Prove the first free block, then have the next one looked for at once."""
    # Only the workers of this queue load what proves; before they take a block, since nothing else runs meanwhile.
    from rollup import worker

    prover = _prover(settings.ROLLUP_PARAMETERS)
    if worker.prove_one(worker.LocalMaster(worker.worker_name()), lambda _: prover):
        proving.dispatch()


@cache
def _prover(circuit: str) -> "Prover":
    from rollup.prover.proving import Prover

    # Loading a key takes longer than proving with it: it stays for the process's life.
    return Prover(circuit)
