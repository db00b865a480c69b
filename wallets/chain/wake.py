"""Telling the worker of the queue `chain` that there is work, for those who cannot wait for its next round."""

from typing import Final

from celery import current_app
from django.conf import settings

QUEUE: Final = "chain"
# A task of rollup, which stands above this app and makes the keys.
ROUND: Final = "rollup.chain_round"
# The next round comes by itself by then.
EXPIRES_S: Final = 2


def has_chain() -> bool:
    """Whether the exchange is connected to a chain: value then comes by its contract's queue alone."""
    return bool(settings.CHAIN_RPC_URL)


def wake() -> None:
    """Ask for a round now."""
    current_app.send_task(ROUND, queue=QUEUE, expires=EXPIRES_S, ignore_result=True)
