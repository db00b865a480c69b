"""A reorganisation deeper than the confirmations: what was read and is gone, and going on where that is safe.

The engine has taken the queue's entries by their numbers, and cannot take them back. So reading goes on only where the
chain has every one of them again: the same entry under the same number. Until then nothing is read, nothing new is
sent, and what we had sent is sent again.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from wallets import outbox
from wallets.chain import keys
from wallets.chain.client import Chain, Event
from wallets.chain.deployment import Deployment
from wallets.chain.events import KINDS
from wallets.models import ChainWatch, Claim, L2Account, QueueEntry, Withdrawal

log = logging.getLogger(__name__)

SPAN_BLOCKS: Final = 2_000
L1Status = Withdrawal.L1Status


class NotFollowed(Exception):
    """Nothing of the chain was read yet."""


class NotReorganised(Exception):
    """The chain has the block up to which it was read: there is nothing to mend."""


class NotSafe(Exception):
    """Entries that the engine has are not on the chain as it took them."""


@dataclass(frozen=True)
class Gone:
    """An entry that was read and that the chain does not have under its number (any more, or yet).

    `elsewhere`: under which number it has one like it; `instead`: whether another has its number; `is_known`: whether
    the node knows its transaction, which may then still be mined.
    """

    entry: QueueEntry
    elsewhere: int | None
    instead: bool
    is_known: bool


@dataclass(frozen=True)
class Comparison:
    """What was read, beside the chain as it is, in its own blocks; `common_hash` is empty before the first."""

    read_block: int
    read_hash: str
    is_reorganised: bool
    has_contract: bool
    common_block: int
    common_hash: str
    confirmed: int
    back: dict[int, Event]
    gone: list[Gone]

    @property
    def is_safe(self) -> bool:
        """Whether the chain has everything that the engine has."""
        return self.has_contract and not self.gone


def is_under_way() -> bool:
    """Whether the watcher stands before such a reorganisation."""
    return ChainWatch.objects.filter(state=ChainWatch.State.REORGANISED).exists()


def common_block(chain: Chain, deployment: Deployment) -> tuple[int, str]:
    """The last block with an entry of ours that the chain still has; the one before the contract's first, without a
    hash, if there is none.
    """
    blocks = QueueEntry.objects.order_by("-block").values_list("block", "block_hash").distinct()
    for number, block_hash in blocks.iterator():
        if chain.block_hash(number) == block_hash:
            return number, block_hash
    return deployment.from_block - 1, ""


def compare(chain: Chain, deployment: Deployment) -> Comparison:
    """Look at the chain; nothing is changed. Raises ChainUnreachable, NotFollowed."""
    watch = ChainWatch.objects.filter(pk=1, deployment=deployment.name).first()
    if watch is None:
        raise NotFollowed
    is_reorganised = bool(watch.block_hash) and chain.block_hash(watch.block) != watch.block_hash
    common, common_hash = common_block(chain, deployment) if is_reorganised else (watch.block, watch.block_hash)
    has_contract = chain.has_code(deployment.address)
    confirmed = chain.confirmed_head()
    queued = dict(_queued(chain, common + 1, confirmed)) if has_contract else {}
    numbers = {_content(event): index for index, event in queued.items()}
    back, gone = {}, []
    for entry in QueueEntry.objects.filter(block__gt=common).order_by("index"):
        event = queued.get(entry.index)
        if event is not None and _content(event) == _said(entry):
            back[entry.index] = event
            continue
        elsewhere = numbers.get(_said(entry))
        gone.append(Gone(entry, elsewhere, event is not None, chain.knows(entry.tx_hash)))
    return Comparison(
        watch.block, watch.block_hash, is_reorganised, has_contract, common, common_hash, confirmed, back, gone
    )  # fmt: skip


def go_on(chain: Chain, deployment: Deployment) -> Comparison:
    """Have the watcher read on from the last common block. What the engine has is not applied again.

    Raises NotReorganised, NotSafe (nothing is changed then), ChainUnreachable.
    """
    with outbox.locked("watcher of the chain"):
        found = compare(chain, deployment)
        if not found.is_reorganised:
            raise NotReorganised
        if not found.is_safe:
            raise NotSafe
        unpaid = [claim for claim in Claim.objects.order_by("pk") if chain.receipt(claim.tx_hash) is None]
        owners = _owners(chain, deployment)
        with transaction.atomic():
            for index, event in found.back.items():
                QueueEntry.objects.filter(pk=index).update(
                    tx_hash=event.tx_hash, block=event.block_number, block_hash=event.block_hash
                )
            for claim in unpaid:
                _forget(claim)
            for number, owner in owners.items():
                L2Account.objects.filter(number=number).update(owner=owner)
            ChainWatch.objects.filter(pk=1).update(
                block=found.common_block, block_hash=found.common_hash, state=ChainWatch.State.FOLLOWING, reason=""
            )
    log.warning("reading goes on after block %s: %s entries are back", found.common_block, len(found.back))
    return found


def _queued(chain: Chain, first: int, last: int) -> Iterator[tuple[int, Event]]:
    for start in range(first, last + 1, SPAN_BLOCKS):
        for event in chain.events(start, min(start + SPAN_BLOCKS - 1, last)):
            if event.name == "Queued":
                yield event.args["index"], event


def _content(event: Event) -> tuple[Any, ...]:
    """What an entry of the queue makes the engine do."""
    args = event.args
    kind = KINDS.get(args["kind"])
    if kind == QueueEntry.Kind.DEPOSIT:
        return (kind, args["account"], args["token"], args["amount"])
    if kind == QueueEntry.Kind.SET_KEY:
        return (kind, args["account"], args["x"], args["y"])
    return (kind, args["account"], args["token"])


def _said(entry: QueueEntry) -> tuple[Any, ...]:
    """The same of one that was read."""
    if entry.kind == QueueEntry.Kind.DEPOSIT:
        return (entry.kind, entry.number, entry.asset_id, entry.amount)
    if entry.kind == QueueEntry.Kind.SET_KEY:
        return (entry.kind, entry.number, entry.x, entry.y)
    return (entry.kind, entry.number, entry.asset_id)


def _forget(claim: Claim) -> None:
    """A claim that is not on the chain any more paid nobody: what it was of can be claimed."""
    Withdrawal.objects.filter(l2_block=claim.l2_block, l2_position=claim.position, l1_status=L1Status.CLAIMED).update(
        l1_status=L1Status.CLAIMABLE
    )
    claim.delete()


def _owners(chain: Chain, deployment: Deployment) -> dict[int, str]:
    """Who owns, on the chain, the accounts that somebody else than us owned when it was read."""
    rows = L2Account.objects.exclude(number=None).exclude(owner__in=["", keys.key("custody").address])
    owner_of = deployment.rollup.functions.owner_of
    return {row.number: str(chain.call(owner_of(row.number))) for row in rows if row.number is not None}
