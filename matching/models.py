"""The journal and what guards it. Rows are written by raw SQL (journal, leadership); models give names and types.

Sequences count commands from 1. Times are microseconds since the epoch, as stamped by the matcher.
"""

from django.db import models


class JournalBatch(models.Model):
    """One batch of commands and their events: the source of truth, append-only.

    The table is range-partitioned by `first` (see migrations and partitions.py). `body` holds exactly the bytes
    that `hash` = SHA-256(hash of the batch before + body) covers; the other columns repeat its header.
    """

    first = models.BigIntegerField(primary_key=True)
    last = models.BigIntegerField()
    session = models.CharField(max_length=36)  # gateway's uuid; empty for the matcher's own commands
    number = models.BigIntegerField()  # of the batch within its session, from 1
    time_us = models.BigIntegerField()
    epoch = models.BigIntegerField()  # of the leader that wrote it
    body = models.BinaryField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "matching_journal"
        ordering = ["first"]
        verbose_name = "journal batch"
        verbose_name_plural = "journal"

    def __str__(self) -> str:
        return f"{self.first}…{self.last}"


class Leader(models.Model):
    """The one row that a batch must move on, from the head that its writer knows, to be committed."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    epoch = models.BigIntegerField(default=0)  # rises with every promotion
    head = models.BigIntegerField(default=0)  # last sequence of the journal
    hash = models.BinaryField(max_length=32)  # of the journal's last batch
    host = models.TextField(default="")
    pid = models.IntegerField(default=0)
    promoted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="matching_leader_is_one")]

    def __str__(self) -> str:
        return f"epoch {self.epoch}, head {self.head}"


class Standby(models.Model):
    """A follower that would take over; it says so every second."""

    name = models.TextField(primary_key=True)  # host:pid
    sequence = models.BigIntegerField()  # it has applied and compared everything up to here
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class SuspectBatch(models.Model):
    """A batch that came again without having been journaled: noted before it is applied.

    A note by an earlier epoch means that its leader died between this note and the commit.
    """

    session = models.CharField(max_length=36)
    number = models.BigIntegerField()
    epoch = models.BigIntegerField()
    noted_at = models.DateTimeField()
    rejected_at_sequence = models.BigIntegerField(null=True)  # journaled as rejected, here
    commands = models.TextField()  # JSON as it came, for whoever looks into it

    class Meta:
        verbose_name_plural = "suspect batches"
        constraints = [
            models.UniqueConstraint(fields=["session", "number", "epoch"], name="matching_suspect_once_an_epoch")
        ]

    def __str__(self) -> str:
        return f"{self.session} {self.number} under epoch {self.epoch}"


class ProjectionOffset(models.Model):
    """How far a read model has come; moved in the transaction that writes its rows."""

    name = models.CharField(max_length=64, primary_key=True)
    sequence = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} at {self.sequence}"


class JournalArchive(models.Model):
    """A part of the journal that lies in a file; see archive.py. Parts are gapless, and the database goes on after."""

    last = models.BigIntegerField(primary_key=True)
    first = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)  # of its last batch, which the next one in the database chains to
    epoch = models.BigIntegerField()
    time_us = models.BigIntegerField()
    file = models.TextField()
    sha256 = models.CharField(max_length=64)  # of the file
    archived_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.first}…{self.last}"
