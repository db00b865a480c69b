"""Reads the contract's events, up to the confirmed head, each once, and keeps what they say as rows.

What was read is committed with how far it was read. A block that was read and is not on the chain any more, or an
event that nobody understands, stops the watcher where it is: its state says so, and nothing behind it is applied.
"""

import logging
from typing import Final

from django.db import transaction

from wallets import outbox
from wallets.chain import events
from wallets.chain.client import Chain, ChainUnreachable
from wallets.chain.deployment import Deployment
from wallets.chain.events import EventRefused
from wallets.chain.queue import QueueStuck, send_seen
from wallets.models import ChainWatch

log = logging.getLogger(__name__)

# Blocks whose events are asked for at once.
SPAN_BLOCKS: Final = 2_000
State = ChainWatch.State


class OtherContract(RuntimeError):
    """The queue that the engine followed belongs to another contract than the deployed one."""


def tick(chain: Chain, deployment: Deployment) -> int:
    """Read what is new, send it to the engine; how many entries were applied.

    Raises GatewayError when the engine does not answer, OtherContract. Trouble with the chain is written down.
    """
    with outbox.locked("watcher of the chain"):
        watch = _watch(deployment)
        try:
            read(chain, deployment, watch)
        except ChainUnreachable as error:
            _note(watch, State.DOWN, str(error))
        except EventRefused as error:
            _note(watch, State.STUCK, str(error))
        try:
            # What was read before is right, and goes on even while the chain is away.
            return 0 if watch.state == State.REORGANISED else send_seen()
        except QueueStuck as error:
            _note(watch, State.STUCK, str(error))
            return 0


def read(chain: Chain, deployment: Deployment, watch: ChainWatch) -> None:
    """Read up to the confirmed head. Raises ChainUnreachable, EventRefused; what was read before stays."""
    if watch.block_hash and chain.block_hash(watch.block) != watch.block_hash:
        _note(watch, State.REORGANISED, f"block {watch.block} is not {watch.block_hash} any more")
        return
    head = chain.confirmed_head()
    while watch.block < head:
        last = min(watch.block + SPAN_BLOCKS, head)
        last_hash = chain.block_hash(last)
        found = chain.events(watch.block + 1, last)
        if last_hash is None or chain.block_hash(last) != last_hash:
            return  # it changed while it was read: read it anew
        paid_out = events.read_payouts(chain, deployment, found)
        with transaction.atomic():
            events.keep_all(found, paid_out, watch)
            watch.block, watch.block_hash = last, last_hash
            watch.save(update_fields=["block", "block_hash", "l2_block", "updated_at"])
    watch.head = head
    _note(watch, State.FOLLOWING, "")


def _watch(deployment: Deployment) -> ChainWatch:
    """The row of how far it is. Raises OtherContract for another one than was followed before."""
    watch, _ = ChainWatch.objects.get_or_create(
        pk=1, defaults={"deployment": deployment.name, "block": deployment.from_block - 1}
    )
    if watch.deployment != deployment.name:
        _note(watch, State.STUCK, f"the queue that was followed is of {watch.deployment}, not of {deployment.name}")
        raise OtherContract(watch.reason)
    return watch


def _note(watch: ChainWatch, state: str, reason: str) -> None:
    if (watch.state, watch.reason) != (state, reason[:500]):
        log.log(logging.INFO if state == State.FOLLOWING else logging.ERROR, "chain: %s %s", state, reason)
    watch.state, watch.reason = state, reason[:500]
    watch.save(update_fields=["state", "reason", "head", "updated_at"])
