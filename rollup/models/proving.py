"""The prover cluster's list of work: one task for each block."""

from typing import ClassVar

from django.db import models
from django.db.models import CheckConstraint, Q


class ProvingTask(models.Model):
    """A block to be proven. Whoever proves it holds a lease, numbered by `attempts`: an older lease is worth nothing.

    The proof, once there, has been verified against the very public inputs that follow from the block's data.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        LEASED = "leased"
        PROVED = "proved"
        FAILED = "failed"

    block = models.OneToOneField("rollup.Block", on_delete=models.CASCADE, primary_key=True, related_name="task")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.QUEUED)
    # Whoever holds the lease, or held it last.
    worker = models.CharField(max_length=128, blank=True)
    leased_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    attempts = models.IntegerField(default=0)
    # Leases of machines elsewhere, and whether the last lease is, or was, of one.
    outside = models.IntegerField(default=0)
    is_outside = models.BooleanField(default=False)
    # Proofs that were refused, of whatever worker.
    refused = models.IntegerField(default=0)
    # Not before then is it given out again: after a refused proof others go first.
    not_before = models.DateTimeField(null=True, blank=True)
    # Eight decimal strings, as the verifier contract takes them.
    proof = models.JSONField(null=True, blank=True)
    proof_ms = models.IntegerField(null=True, blank=True)
    # What went wrong last, as a code and a sentence.
    reason = models.CharField(max_length=256, blank=True)

    class Meta:
        constraints: ClassVar = [
            CheckConstraint(
                condition=~Q(status="leased") | Q(leased_until__isnull=False), name="proving_task_lease_ends"
            ),
            CheckConstraint(
                condition=Q(status="proved", proof__isnull=False) | (~Q(status="proved") & Q(proof__isnull=True)),
                name="proving_task_has_proof",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["block"], name="proving_task_open", condition=Q(status__in=["queued", "leased"]))
        ]

    def __str__(self) -> str:
        return f"block {self.pk}: {self.status}"
