"""Reads of blocks: lists, how far behind provers and settlement are, what the slots of a block say in words."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Avg, Count, F, Min, Sum
from django.db.models.functions import Now
from django.utils import timezone

from accounts.problems import Problem
from matching.money import format_atoms
from orders import selectors as orders
from rollup.models import Block, ProvingTask
from rollup.state.published import PublishedSlot, read_block
from rollup.state.slots import NOOP, SET_KEY, SETTLE, WITHDRAW
from wallets import selectors as wallets

_Status = Block.Status
UNPROVEN: Final = (_Status.SEALED, _Status.PROVING, _Status.FAILED)
ADDRESS_DIGITS: Final = 40
# Averages are of so many blocks.
RECENT_BLOCKS: Final = 50


@dataclass(frozen=True)
class Backlog:
    """What waits for provers, and what waits for the chain. Ages in seconds since sealing; 0 where nothing waits."""

    unproven_blocks: int
    unproven_slots: int
    unproven_s: int
    unsettled_blocks: int
    unsettled_slots: int
    unsettled_s: int
    failed_blocks: int


@dataclass(frozen=True)
class Recent:
    """Averages of the last blocks that have the figure; None before the first one."""

    proof_ms: int | None
    gas_per_slot: int | None
    final_s: int | None


@dataclass(frozen=True)
class Change:
    """What a slot does to a balance: `amount` signed and after its fee, both decimal text in coins of the asset."""

    asset: str
    amount: str
    fee: str


@dataclass(frozen=True)
class ReadableSlot:
    """A slot in words. `order` names a self-custody account's order; `recipient` is an address of the chain."""

    operation: str
    account: int
    changes: list[Change]
    order: int | None
    recipient: str | None
    key: tuple[int, int] | None


def list_blocks(*, before: int | None = None, limit: int = 100, is_proven: bool = False) -> list[Block]:
    """Newest first, from before a number, each with its task. `is_proven`: only those with a proof."""
    rows = Block.objects.select_related("task").defer("data", "inputs", "slots")
    if before is not None:
        rows = rows.filter(number__lt=before)
    if is_proven:
        rows = rows.filter(task__status=ProvingTask.Status.PROVED)
    return list(rows.order_by("-number")[:limit])


def get_block(number: int) -> Block:
    """A block with its task. Raises Problem unknown_block."""
    block = Block.objects.select_related("task").defer("inputs").filter(number=number).first()
    if block is None:
        raise Problem("unknown_block")
    return block


def trades_of(block: Block, *, before_id: int | None = None, limit: int = 100) -> list[orders.Trade]:
    """The trades that a block covers, newest first; they are as many as `block.trades` once the rows are there."""
    if block.first_trade is None or not block.trades:
        return []
    last = block.first_trade + block.trades - 1
    return orders.trades_between(first_id=block.first_trade, last_id=last, before_id=before_id, limit=limit)


def backlog() -> Backlog:
    """What waits right now."""
    open_blocks = Block.objects.exclude(status=_Status.FINAL)
    unproven, unsettled = (
        rows.aggregate(blocks=Count("number"), slots=Sum("slot_count"), since=Min("sealed_at"))
        for rows in (open_blocks.filter(status__in=UNPROVEN), open_blocks)
    )
    now = timezone.now()
    ages = [int((now - found["since"]).total_seconds()) if found["since"] else 0 for found in (unproven, unsettled)]
    return Backlog(
        unproven_blocks=unproven["blocks"], unproven_slots=unproven["slots"] or 0, unproven_s=ages[0],
        unsettled_blocks=unsettled["blocks"], unsettled_slots=unsettled["slots"] or 0, unsettled_s=ages[1],
        failed_blocks=open_blocks.filter(status=_Status.FAILED).count(),
    )  # fmt: skip


def recent() -> Recent:
    """Averages of the last blocks."""
    proven = Block.objects.filter(proof_ms__isnull=False).order_by("-number")[:RECENT_BLOCKS]
    final = Block.objects.filter(status=_Status.FINAL, gas__isnull=False).order_by("-number")[:RECENT_BLOCKS]
    proof_ms = proven.aggregate(of=Avg("proof_ms"))["of"]
    settled = final.aggregate(gas=Sum("gas"), slots=Sum("slot_count"), wait=Avg(F("final_at") - F("sealed_at")))
    return Recent(
        proof_ms=None if proof_ms is None else round(proof_ms),
        gas_per_slot=settled["gas"] // settled["slots"] if settled["slots"] else None,
        final_s=round(settled["wait"].total_seconds()) if settled["wait"] is not None else None,
    )


def trouble() -> str:
    """Why the oldest block that is not final does not go on; empty when nothing is wrong."""
    waiting = Block.objects.exclude(status=_Status.FINAL).exclude(reason="").order_by("number").first()
    return f"block {waiting.number}: {waiting.reason}" if waiting else ""


def leased_tasks() -> list[ProvingTask]:
    """What is being proven right now, and by whom."""
    held = ProvingTask.objects.filter(status=ProvingTask.Status.LEASED, leased_until__gt=Now())
    return list(held.order_by("block_id"))


def readable_slots(block: Block) -> list[ReadableSlot]:
    """What a block's published words say; the noops at its end are left out."""
    assets = {asset.id: (asset.code, asset.scale) for asset in wallets.list_assets()}
    slots = read_block([int(word) for word in block.data]).slots
    return [_readable(slot, assets) for slot in slots if slot.op != NOOP]


def _readable(slot: PublishedSlot, assets: dict[int, tuple[str, int]]) -> ReadableSlot:
    legs = [leg for leg in (0, 1) if slot.amounts[leg] or slot.fees[leg]]
    if not legs and slot.op not in (SET_KEY, SETTLE):
        legs = [0]  # a movement of nothing, like the exit of an empty balance, is one of its token still
    changes = []
    for leg in legs:
        code, scale = assets.get(slot.tokens[leg], (f"token {slot.tokens[leg]}", 0))
        changes.append(Change(code, format_atoms(slot.change(leg), scale), format_atoms(slot.fees[leg], scale)))
    return ReadableSlot(
        operation=slot.operation, account=slot.account, changes=changes, order=slot.id if slot.op == SETTLE else None,
        recipient=f"0x{slot.recipient:0{ADDRESS_DIGITS}x}" if slot.op == WITHDRAW else None,
        key=(slot.key.x, slot.key.y) if slot.op == SET_KEY else None,
    )  # fmt: skip
