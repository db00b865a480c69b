"""Keeping blocks: what the state manager sealed becomes rows, and from rows its state is loaded again."""

import json
import logging
import zlib
from collections.abc import Sequence
from typing import Any, Final

from django.db import connection

from matching.projection import lock_offset, move_offset
from rollup import proving
from rollup.models import Block, BlockRequest, Checkpoint
from rollup.state.book import Book, Position, StateWrong
from rollup.state.ledger import Ledger
from rollup.state.manager import SealedBlock, StoredBlock, check_state
from rollup.state.parameters import Parameters
from rollup.state.records import read_state, slot_record

logger = logging.getLogger(__name__)

# A projection's offset beside that of `rollup`: from here on a restart reads the journal, so it must not be archived.
CHECKPOINT_NAME: Final = "rollup_checkpoint"
# One being proven and one that the prover finds at once when it is done.
UNPROVEN_MAX: Final = 2
# Older ones are of use only to prove balances at the last final block.
CHECKPOINTS_KEPT: Final = 3


def request_block() -> None:
    """Ask the state manager to close the open block; asking again before it has looked changes nothing."""
    if not BlockRequest.objects.exists():
        BlockRequest.objects.create()


def take_request() -> bool:
    """Whether to close the open block: somebody has asked, and provers keep up.

    While they do not, the request stands and the open block covers more: it fills by accounts and orders, not by
    trades, and one block of many trades costs no more to prove than one of few. Whoever is told yes must close the
    block in the same transaction.
    """
    if not BlockRequest.objects.exists():
        return False
    unproven = Block.objects.filter(status__in=[Block.Status.SEALED, Block.Status.PROVING])
    if unproven.count() >= UNPROVEN_MAX:
        return False
    BlockRequest.objects.all().delete()
    return True


def store_block(sealed: SealedBlock) -> Block:
    """Keep a block and ask for its proof, in the transaction that moves the projection's offset."""
    with connection.cursor() as cursor:
        # Projections need not wait for the disk, since the journal has it all. A block's bounds it has not: one that a
        # prover or the chain knows already must not be lost, for it would be sealed anew and differently.
        cursor.execute("SET LOCAL synchronous_commit TO DEFAULT")
    (first_sequence, first_ordinal), (last_sequence, last_ordinal) = sealed.first, sealed.last
    block = Block.objects.create(
        number=sealed.number, first_sequence=first_sequence, first_ordinal=first_ordinal,
        last_sequence=last_sequence, last_ordinal=last_ordinal, time_s=sealed.time_s, old_root=sealed.old_root,
        new_root=sealed.new_root, slots=[slot_record(slot) for slot in sealed.slots], slot_count=len(sealed.slots),
        trades=sealed.trades, first_trade=sealed.first_trade, first_entry=sealed.first_entry,
        last_entry=sealed.last_entry, data=[str(word) for word in sealed.data], h=sealed.h,
        inputs=zlib.compress(json.dumps(_strings(sealed.inputs), separators=(",", ":")).encode()),
    )  # fmt: skip
    proving.enqueue(block)
    logger.info(
        "block %s sealed: %s slots, %s trades, up to sequence %s", block.number, block.slot_count, block.trades,
        block.last_sequence,
    )  # fmt: skip
    return block


def store_checkpoint(block: Block, state: bytes) -> None:
    """Keep the state after a block, and forget those that nobody needs any more."""
    Checkpoint.objects.update_or_create(
        block=block,
        defaults={
            "sequence": block.last_sequence, "ordinal": block.last_ordinal, "root": block.new_root, "state": state,
        },
    )  # fmt: skip
    kept = Checkpoint.objects.order_by("-block_id").values_list("block_id", flat=True)[:CHECKPOINTS_KEPT]
    # Balances are proven at the last final root, which is reached from the checkpoint before it.
    final = Block.objects.filter(status=Block.Status.FINAL).order_by("-number").first()
    needed = Checkpoint.objects.filter(block_id__lte=final.number if final else 0).order_by("-block_id").first()
    Checkpoint.objects.filter(block_id__lt=min(kept)).exclude(pk=needed.pk if needed else None).delete()
    lock_offset(CHECKPOINT_NAME)
    with connection.cursor() as cursor:
        # The command that the block ends in may go on after it.
        move_offset(cursor, CHECKPOINT_NAME, block.last_sequence - 1)


def load_checkpoint(parameters: Parameters, *, up_to: int | None = None) -> tuple[Ledger, Book, Checkpoint | None]:
    """The state of the newest checkpoint (of block `up_to` at most), or the state before the first block.

    StateWrong when its leaves do not have the root that it was kept with.
    """
    rows = Checkpoint.objects.select_related("block").order_by("-block_id")
    checkpoint = (rows if up_to is None else rows.filter(block_id__lte=up_to)).first()
    if checkpoint is None:
        return Ledger(parameters, 0), Book(), None
    try:
        ledger, book = read_state(bytes(checkpoint.state), parameters, int(checkpoint.block.data[0]))
    except (ValueError, LookupError, TypeError, zlib.error) as error:
        raise StateWrong("checkpoint_differs", f"what is kept with block {checkpoint.block_id}: {error}") from error
    if ledger.root != checkpoint.root or checkpoint.root != checkpoint.block.new_root:
        raise StateWrong("checkpoint_differs", f"the leaves kept with block {checkpoint.block_id} have another root")
    check_state(ledger, book)
    return ledger, book, checkpoint


def stored_after(number: int, *, before: Position) -> list[StoredBlock]:
    """What was published of the blocks after one that end before a position, in order."""
    rows = Block.objects.filter(number__gt=number, last_sequence__lte=before[0]).order_by("number")
    return [
        StoredBlock(row, (sequence, ordinal), [int(word) for word in data])
        for row, sequence, ordinal, data in rows.values_list("number", "last_sequence", "last_ordinal", "data")
        if (sequence, ordinal) < before
    ]


def _strings(value: Any) -> Any:
    # JSON's numbers lose digits in too many readers.
    if isinstance(value, dict):
        return {name: _strings(part) for name, part in value.items()}
    if isinstance(value, Sequence):
        return [_strings(part) for part in value]
    return str(value)
