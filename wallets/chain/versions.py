"""Versions of a transaction of ours: the same call at the same nonce, each dearer than the one before it.

A transaction that offers less for its gas than the chain asks would wait for ever. A dearer version of it is kept
before it leaves, beside all before it; their nonce lets one of them be mined, whichever it is.
"""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from django.conf import settings

from wallets.chain import keys
from wallets.chain.client import Chain, FeeTooLow, Receipt, SignedTransaction, read_signed, too_dear
from wallets.chain.fees import TOO_LOW, Offer, dearer_offer
from wallets.models import TransactionVersion

log = logging.getLogger(__name__)

BEHIND: Final = f"{TOO_LOW}: waiting for the transaction before it"


class Mined(NamedTuple):
    """The version that was mined, by its hash, and what became of it."""

    hash: str
    receipt: Receipt


def mined(chain: Chain, tx_hash: str) -> Mined | None:
    """What became of a transaction, whichever version was mined; None while none is."""
    for one in [tx_hash, *(other for other in same_as(tx_hash) if other != tx_hash)]:
        if (receipt := chain.receipt(one)) is not None:
            return Mined(one, receipt)
    return None


def raw_of(tx_hash: str) -> bytes:
    """The bytes of a version that was kept."""
    return bytes(TransactionVersion.objects.values_list("raw", flat=True).get(hash=tx_hash))


def dearer(chain: Chain, raw: bytes, *, since: datetime) -> SignedTransaction | None:
    """A version that the chain takes, of one that waits since then; None when it may still be mined as it is.

    It is if it offers too little for the next block, or if CHAIN_FEE_BLOCKS blocks went by without it. Only the first
    of its sender's that waits: the next ones cannot be mined before it. Raises FeeTooLow when it would have to offer
    more than CHAIN_FEE_WEI_MAX, OutOfGas.
    """
    sent = read_signed(raw)
    asked = chain.asked()
    is_enough = sent.offer.is_enough(asked)
    if is_enough and not _has_waited(chain, since):
        return None
    used = chain.nonce(sent.sender)
    if used != sent.nonce:
        if used < sent.nonce and not is_enough:
            raise FeeTooLow(BEHIND)
        return None
    offer = dearer_offer(sent.offer, asked, most_wei=settings.CHAIN_FEE_WEI_MAX)
    if offer is None:
        if is_enough:
            return None
        raise too_dear()
    return _sign_again(chain, raw, sent.sender, offer)


def keep(sent: tuple[str, bytes], replacement: SignedTransaction) -> int:
    """Keep a dearer version beside those before it, `sent` being hash and bytes of the last; how many times it became
    dearer. To be committed with what makes it the current one, before it leaves.
    """
    tx_hash, raw = sent
    first = TransactionVersion.objects.filter(hash=tx_hash).values_list("first", flat=True).first()
    if first is None:
        first = tx_hash
        TransactionVersion.objects.create(hash=tx_hash, first=first, raw=raw)
    TransactionVersion.objects.create(hash=replacement.hash, first=first, raw=replacement.raw)
    times = TransactionVersion.objects.filter(first=first).count() - 1
    log.warning(
        "%s takes the place of %s and offers %s wei a gas; bumped so far: %s",
        replacement.hash, tx_hash, replacement.offer.max_wei, times,
    )  # fmt: skip
    return times


def known(hashes: Iterable[str]) -> list[str]:
    """Those of the hashes that are of a transaction of several versions."""
    return list(TransactionVersion.objects.filter(hash__in=list(hashes)).values_list("hash", flat=True))


def same_as(tx_hash: str) -> list[str]:
    """The hashes of all versions of a transaction, itself included, the first one first."""
    first = TransactionVersion.objects.filter(hash=tx_hash).values("first")
    rows = TransactionVersion.objects.filter(first__in=first).order_by("id")
    return list(rows.values_list("hash", flat=True)) or [tx_hash]


def _has_waited(chain: Chain, since: datetime) -> bool:
    # By the chain's own clock: one that makes no blocks lets nobody wait.
    block = chain.head() - settings.CHAIN_FEE_BLOCKS
    return block >= 0 and chain.block_time_s(block) >= since.timestamp()


def _sign_again(chain: Chain, raw: bytes, sender: str, offer: Offer) -> SignedTransaction:
    key = keys.of_address(sender)
    if key is None:
        raise FeeTooLow(f"{TOO_LOW}: waiting, since the key of {sender} is not here to offer more")
    return chain.sign_again(key, raw, offer)
