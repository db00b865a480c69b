"""Transactions that carry blocks to the chain."""

from typing import ClassVar

from django.db import models
from django.db.models import Q, UniqueConstraint


class Submission(models.Model):
    """A transaction that submits a block, kept before it is broadcast: the same bytes go out again after a crash or a
    reorganisation, so that a block is never submitted by two transactions that could both succeed.
    """

    class Status(models.TextChoices):
        SENT = "sent"  # signed and kept; broadcast, or about to be
        MINED = "mined"  # succeeded, in a block that may still be reorganised away
        FINAL = "final"
        REVERTED = "reverted"
        DROPPED = "dropped"  # can never be mined any more: another transaction has its nonce
        FOUND = "found"  # submitted by somebody else of the operator's, found among the contract's events

    block = models.ForeignKey("rollup.Block", on_delete=models.CASCADE, related_name="submissions")
    tx_hash = models.CharField(max_length=66)
    nonce = models.BigIntegerField(null=True, blank=True)
    raw = models.BinaryField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.SENT)
    l1_block = models.BigIntegerField(null=True, blank=True)
    l1_hash = models.CharField(max_length=66, blank=True)
    gas = models.BigIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=256, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["tx_hash"], name="submission_hash_unique"),
            # One at a time: nobody can sign a second one while the first may still be mined.
            UniqueConstraint(
                fields=["block"],
                name="submission_one_live",
                condition=Q(status__in=["sent", "mined", "final", "found"]),
            ),
        ]

    def __str__(self) -> str:
        return f"block {self.block_id}: {self.tx_hash}"
