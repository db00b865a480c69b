"""Sending our transactions so that each is mined once, whatever dies in between.

A transaction is signed and committed together with the rows it is for, then broadcast. After a crash or a reorg the
very same bytes go out again: their nonce lets them be mined once. Only when that nonce was used by another
transaction, as of the confirmed head, is it lost; the rows it was for then get another.
"""

import logging
from typing import Final

from django.db.models import Q

from wallets.chain.client import Chain, SignedTransaction
from wallets.models import ChainTransaction

log = logging.getLogger(__name__)

Status = ChainTransaction.Status
# How many blocks below the confirmed head mined ones are still looked at: rounds may be further apart than blocks.
LOOK_BACK_BLOCKS: Final = 64


def record(signed: SignedTransaction, *, purpose: str) -> ChainTransaction:
    """The row of a signed transaction; to be committed with what it is for, before `advance` sends it."""
    return ChainTransaction.objects.create(
        sender=signed.sender, nonce=signed.nonce, hash=signed.hash, raw=signed.raw, purpose=purpose[:200]
    )  # fmt: skip


def advance(chain: Chain, transaction: ChainTransaction) -> ChainTransaction:
    """Send it, or learn what became of it. Raises what the client raises when the chain is down or refuses it."""
    if transaction.status != Status.SENDING:
        return transaction
    receipt = chain.receipt(transaction.hash)
    if receipt is None:
        if chain.nonce(transaction.sender, at_block=chain.confirmed_head()) > transaction.nonce:
            return _ended(transaction, Status.LOST)
        chain.broadcast(bytes(transaction.raw))
        receipt = chain.receipt(transaction.hash)
    if receipt is None:
        return transaction
    transaction.block, transaction.gas = receipt.block_number, receipt.gas_used
    # A reorg may take it away again, and whoever waits for its event then finds it unmined; what reverted changed
    # nothing, so that is only believed of a confirmed block.
    if receipt.status:
        return _ended(transaction, Status.MINED)
    if receipt.block_number <= chain.confirmed_head():
        log.warning("%s reverted: %s", transaction.hash, transaction.purpose)
        return _ended(transaction, Status.REVERTED)
    return transaction


def follow(chain: Chain) -> None:
    """Look after all that are not settled, in the order of their nonces, since a gap would hold up what is behind it.

    Those that a reorg took away are sent again. Raises as advance.
    """
    recent = Q(status=Status.MINED, block__gt=chain.confirmed_head() - LOOK_BACK_BLOCKS)
    for transaction in ChainTransaction.objects.filter(Q(status=Status.SENDING) | recent).order_by("sender", "nonce"):
        if transaction.status == Status.MINED:
            if chain.receipt(transaction.hash) is not None:
                continue
            log.warning("%s is not on the chain any more: %s", transaction.hash, transaction.purpose)
            _ended(transaction, Status.SENDING)
        advance(chain, transaction)


def _ended(transaction: ChainTransaction, status: str) -> ChainTransaction:
    transaction.status = status
    transaction.save(update_fields=["status", "block", "gas", "updated_at"])
    return transaction
