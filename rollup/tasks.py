"""Background work of the rollup. What sends transactions runs on the queue `chain`, one task at a time."""

from celery import shared_task

from rollup import accounts
from wallets.chain import rounds


@shared_task(name="rollup.chain_round")
def chain_round() -> None:
    """Register accounts, read the chain, apply its queue, pay test tokens in, claim."""
    rounds.run(accounts.make_key)
