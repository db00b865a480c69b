"""Blocks, the state manager's checkpoints, and requests to close a block.

A block is a record: once sealed its slots, roots and data never change, and only its status moves on. A checkpoint
can be made again from the journal and the blocks (`manage.py rebuild rollup`).
"""

from typing import Any, ClassVar

from django.db import models
from django.db.models import CheckConstraint, F, Q

from matching.fields import AmountField

# Elements of the scalar field of BN254 are below 2^254.
ELEMENT_DIGITS = 78


class Block(models.Model):
    """Changes of the state between two roots: those of the journal's events from first to last, both included.

    Events are named by the sequence of their command and their ordinal within it. `number` counts from 1 without a
    gap.
    """

    class Status(models.TextChoices):
        SEALED = "sealed"
        PROVING = "proving"
        PROVED = "proved"
        SUBMITTED = "submitted"
        FINAL = "final"
        FAILED = "failed"

    number = models.BigIntegerField(primary_key=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.SEALED)
    # Why it failed, or what it waits for; empty when all is well.
    reason = models.TextField(blank=True)
    first_sequence = models.BigIntegerField()
    first_ordinal = models.IntegerField()
    last_sequence = models.BigIntegerField()
    last_ordinal = models.IntegerField()
    # Journal time of its first event, in seconds since the epoch.
    time_s = models.BigIntegerField()
    old_root = AmountField(max_digits=ELEMENT_DIGITS)
    new_root = AmountField(max_digits=ELEMENT_DIGITS)
    # All slots but the noops at the end (rollup.state.records); numbers as decimal strings.
    slots = models.JSONField()
    slot_count = models.IntegerField()
    # How many trades of the matcher it covers; they follow each other, the first is number `first_trade` over all
    # markets. Null where it covers none.
    trades = models.BigIntegerField()
    first_trade = models.BigIntegerField(null=True, blank=True)
    # Entries of the L1 queue that it consumes; null where it consumes none.
    first_entry = models.BigIntegerField(null=True, blank=True)
    last_entry = models.BigIntegerField(null=True, blank=True)
    # The published words, as decimal strings, and the commitment to them.
    data = models.JSONField()
    h = AmountField(max_digits=ELEMENT_DIGITS)
    # zlib of the JSON of the circuit's inputs but for gamma; elements as decimal strings.
    inputs = models.BinaryField()
    sealed_at = models.DateTimeField(auto_now_add=True)
    proved_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    final_at = models.DateTimeField(null=True, blank=True)
    proof_ms = models.IntegerField(null=True, blank=True)
    gas = models.BigIntegerField(null=True, blank=True)
    l1_tx = models.CharField(max_length=66, blank=True)
    l1_block = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            CheckConstraint(condition=Q(number__gte=1), name="block_number_positive"),
            CheckConstraint(condition=Q(slot_count__gte=1), name="block_has_slots"),
            CheckConstraint(
                condition=Q(last_sequence__gt=F("first_sequence"))
                | Q(last_sequence=F("first_sequence"), last_ordinal__gte=F("first_ordinal")),
                name="block_interval_forward",
            ),
            CheckConstraint(
                condition=Q(first_entry=None, last_entry=None) | Q(last_entry__gte=F("first_entry")),
                name="block_entries_forward",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["last_sequence", "last_ordinal"], name="block_by_last_event"),
            models.Index(fields=["first_trade"], name="block_by_first_trade", condition=Q(trades__gt=0)),
            models.Index(fields=["number"], name="block_not_final", condition=~Q(status="final")),
        ]

    def __str__(self) -> str:
        return f"block {self.number}"


class Checkpoint(models.Model):
    """The whole state after a block, from which a restart goes on with the journal after (sequence, ordinal)."""

    block: Any = models.OneToOneField(Block, on_delete=models.CASCADE, primary_key=True)
    sequence = models.BigIntegerField()
    ordinal = models.IntegerField()
    root = AmountField(max_digits=ELEMENT_DIGITS)
    # rollup.state.records
    state = models.BinaryField()

    def __str__(self) -> str:
        return f"checkpoint of block {self.block_id}"


class BlockRequest(models.Model):
    """Somebody wants the open block closed now. The state manager takes the row away when it has looked."""

    requested_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"request {self.pk}"
