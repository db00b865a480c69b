"""Sending our transactions so that each is mined once, whatever dies in between.

A transaction is signed and committed together with the rows it is for, then broadcast. After a crash or a reorg the
very same bytes go out again: their nonce lets them be mined once. When the chain asks more for gas than they offer,
a dearer version of the same call at the same nonce is kept and sent (wallets.chain.versions). Only when that nonce was
used by another transaction, as of the confirmed head, is it lost; the rows it was for then get another.
"""

import logging
import time
from collections.abc import Mapping
from typing import Final

from django.db import transaction as database
from django.db.models import F, Q

from wallets.chain import versions
from wallets.chain.client import Chain, ChainRefused, ChainUnreachable, Reverted, SignedTransaction
from wallets.chain.versions import Mined
from wallets.models import ChainTransaction

log = logging.getLogger(__name__)

Status = ChainTransaction.Status
# How many blocks below the confirmed head mined ones are still looked at: rounds may be further apart than blocks.
LOOK_BACK_BLOCKS: Final = 64
MINED_S_MAX: Final = 60.0
MINED_POLL_S: Final = 0.05


def record(signed: SignedTransaction, *, purpose: str) -> ChainTransaction:
    """The row of a signed transaction; to be committed with what it is for, before `advance` sends it."""
    return ChainTransaction.objects.create(
        sender=signed.sender, nonce=signed.nonce, hash=signed.hash, raw=signed.raw, purpose=purpose[:200]
    )  # fmt: skip


def advance(chain: Chain, transaction: ChainTransaction) -> ChainTransaction:
    """Send it, or learn what became of it. Raises what the client raises when the chain is down or refuses it."""
    if transaction.status != Status.SENDING:
        return transaction
    found = versions.mined(chain, transaction.hash)
    if found is None:
        if chain.nonce(transaction.sender, at_block=chain.confirmed_head()) > transaction.nonce:
            return _ended(transaction, Status.LOST)
        _send(chain, transaction)
        found = versions.mined(chain, transaction.hash)
    return transaction if found is None else _learn(chain, transaction, found)


def finish(chain: Chain, transaction: ChainTransaction) -> None:
    """Wait until it is mined. Raises ChainUnreachable when it is not in time, Reverted, and as advance."""
    begun = time.monotonic()
    while advance(chain, transaction).status == Status.SENDING:
        if time.monotonic() - begun > MINED_S_MAX:
            raise ChainUnreachable(f"{transaction.hash} was not mined within {MINED_S_MAX:g} s: {transaction.purpose}")
        time.sleep(MINED_POLL_S)
    if transaction.status == Status.REVERTED:
        raise Reverted(f"{transaction.hash} reverted: {transaction.purpose}")


def follow(chain: Chain, *, since_block: int | None = None) -> None:
    """Look after all that are not settled, in the order in which they were mined or made.

    So no nonce is missing before another, and what a reorg took away comes back in its order as far as that is ours to
    say: of the last blocks, or of all after `since_block`. Raises as advance; what the chain refuses of one transaction
    only after all others were looked after.
    """
    since = chain.confirmed_head() - LOOK_BACK_BLOCKS if since_block is None else since_block
    recent = Q(status=Status.MINED, block__gt=since)
    refused: ChainRefused | None = None
    rows = ChainTransaction.objects.filter(Q(status=Status.SENDING) | recent)
    for transaction in rows.order_by(F("block").asc(nulls_last=True), "id"):
        if transaction.status == Status.MINED:
            if versions.mined(chain, transaction.hash) is not None:
                continue
            log.warning("%s is not on the chain any more: %s", transaction.hash, transaction.purpose)
            _ended(transaction, Status.SENDING)
        try:
            advance(chain, transaction)
        except ChainRefused as error:
            refused = refused or error
    if refused is not None:
        raise refused


def note_mined(blocks: Mapping[str, int]) -> None:
    """The chain's events name these hashes, each of a block: those of ours are mined, in the version that is named."""
    for tx_hash in versions.known(blocks):
        row = ChainTransaction.objects.filter(hash__in=versions.same_as(tx_hash)).first()
        if row is not None:
            _become(row, tx_hash)
            row.save(update_fields=["hash", "raw", "updated_at"])
    for row in ChainTransaction.objects.exclude(status=Status.MINED).filter(hash__in=blocks):
        row.block = blocks[row.hash]
        _ended(row, Status.MINED)


def _send(chain: Chain, transaction: ChainTransaction) -> None:
    """Broadcast it, as it is or dearer."""
    replacement = versions.dearer(chain, bytes(transaction.raw), since=transaction.updated_at)
    if replacement is not None:
        with database.atomic():
            versions.keep((transaction.hash, bytes(transaction.raw)), replacement)
            transaction.hash, transaction.raw = replacement.hash, replacement.raw
            transaction.save(update_fields=["hash", "raw", "updated_at"])
    chain.broadcast(bytes(transaction.raw))


def _learn(chain: Chain, transaction: ChainTransaction, found: Mined) -> ChainTransaction:
    receipt = found.receipt
    _become(transaction, found.hash)
    transaction.block, transaction.gas = receipt.block_number, receipt.gas_used
    # A reorg may take it away again, and whoever waits for its event then finds it unmined; what reverted changed
    # nothing, so that is only believed of a confirmed block.
    if receipt.status:
        return _ended(transaction, Status.MINED)
    if receipt.block_number <= chain.confirmed_head():
        log.warning("%s reverted: %s", transaction.hash, transaction.purpose)
        return _ended(transaction, Status.REVERTED)
    return transaction


def _become(transaction: ChainTransaction, tx_hash: str) -> None:
    """The version of this hash is the one that counts."""
    if transaction.hash != tx_hash:
        transaction.hash, transaction.raw = tx_hash, versions.raw_of(tx_hash)


def _ended(transaction: ChainTransaction, status: str) -> ChainTransaction:
    transaction.status = status
    transaction.save(update_fields=["status", "hash", "raw", "block", "gas", "updated_at"])
    return transaction
