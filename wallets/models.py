"""Assets, balances, the ledger, and the outbox of money movements.

Asset, ListedMarket, Balance and LedgerEntry are read models: wallets.projection writes them from the
journal and nobody else does. Deposit, Withdrawal and InternalTransfer are records of what was asked for;
wallets.services writes them before the command leaves, so that a crash repeats the same command.
"""

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from matching.fields import AmountField
from wallets.chain.models import (
    L1_SOURCE,
    NONCES_OF_ENTRY,
    SELF_CUSTODY,
    ChainDeployment,
    ChainTransaction,
    ChainWatch,
    Claim,
    ClaimRequest,
    L2Account,
    L2Payout,
    QueueEntry,
    Signer,
    TestFunding,
    TransactionVersion,
)

__all__ = [
    "FEES_ACCOUNT",
    "L1_SOURCE",
    "NONCES_OF_ENTRY",
    "OUTSIDE_ACCOUNT",
    "SELF_CUSTODY",
    "Asset",
    "Balance",
    "ChainDeployment",
    "ChainTransaction",
    "ChainWatch",
    "Claim",
    "ClaimRequest",
    "Deposit",
    "InternalTransfer",
    "L2Account",
    "L2Payout",
    "LedgerEntry",
    "ListedMarket",
    "Movement",
    "QueueEntry",
    "Signer",
    "TestFunding",
    "TransactionVersion",
    "Withdrawal",
]  # fmt: skip

# Ledger accounts that are not a trader's. Fees are a balance of the engine; the outside is only the
# counterpart of deposits and withdrawals, so its sum is minus all that the exchange owes.
FEES_ACCOUNT = 0
OUTSIDE_ACCOUNT = -1


class Asset(models.Model):
    """A currency; 10^scale atoms are one coin. Its key is the engine's asset id."""

    id = models.BigIntegerField(primary_key=True)
    code = models.TextField()
    scale = models.SmallIntegerField()

    class Meta:
        constraints: ClassVar = [UniqueConstraint(fields=["code"], name="asset_code_unique")]

    def __str__(self) -> str:
        return self.code


class ListedMarket(models.Model):
    """What the ledger must know of a market: trades name the market, not its assets.

    A copy of what orders.Market says as well, so that each projection rebuilds alone.
    """

    id = models.BigIntegerField(primary_key=True)
    base_id = models.BigIntegerField()
    quote_id = models.BigIntegerField()
    lot_atoms = AmountField()
    unit = AmountField()

    def __str__(self) -> str:
        return str(self.pk)


class Balance(models.Model):
    """What an account has of an asset, in atoms: free to use, and set aside for orders and withdrawals."""

    pk = models.CompositePrimaryKey("account_id", "asset_id")
    account_id = models.BigIntegerField()
    asset_id = models.BigIntegerField()
    available = AmountField(default=0)
    held = AmountField(default=0)
    # Of the last command that changed it.
    sequence = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            CheckConstraint(condition=Q(available__gte=0), name="balance_available_not_negative"),
            CheckConstraint(condition=Q(held__gte=0), name="balance_held_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}/{self.asset_id}"


class LedgerEntry(models.Model):
    """One leg of a posting. The legs of one event sum to zero in each asset; the database refuses others.

    Only changes of ownership are posted: setting money aside moves it between available and held of the
    same owner. So the legs of an account and asset sum to available + held.
    Entries count from 1 without a gap in the journal's order, so a rebuild gives the same ids.
    """

    class Kind(models.IntegerChoices):
        DEPOSIT = 1, "deposit"
        WITHDRAWAL = 2, "withdrawal"
        TRANSFER = 3, "transfer"
        TRADE = 4, "trade"
        FEE = 5, "fee"
        EXIT = 6, "exit"

    id = models.BigIntegerField(primary_key=True)
    # Which event of which command: the posting this leg belongs to.
    sequence = models.BigIntegerField()
    ordinal = models.IntegerField()
    account_id = models.BigIntegerField()
    asset_id = models.BigIntegerField()
    amount = AmountField()
    kind = models.SmallIntegerField(choices=Kind.choices)
    # Deposit index, withdrawal id, transfer id; for trade and fee the order of the side that pays or gets.
    reference = models.BigIntegerField()
    time_us = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints: ClassVar = [CheckConstraint(condition=~Q(amount=0), name="ledger_amount_not_zero")]
        indexes: ClassVar = [
            models.Index(fields=["account_id", "id"], name="ledger_by_account"),
            BrinIndex(fields=["sequence"], name="ledger_by_sequence"),
        ]

    def __str__(self) -> str:
        return f"{self.sequence}.{self.ordinal}"


class Movement(models.Model):
    """What Deposit, Withdrawal and InternalTransfer share: an outbox row and how it ended."""

    asset_id = models.BigIntegerField()
    amount = AmountField()
    # The caller's own key: asking again with the same key and content gives the same row.
    reference = models.CharField(max_length=64, null=True, blank=True)
    # Why the engine refused it, by its stable code.
    code = models.CharField(max_length=64, blank=True)
    # Of the command that last changed it; null while none was answered.
    sequence = models.BigIntegerField(null=True, blank=True)
    # The latest deadline of a command sent for this row: until then an unanswered one may still run.
    deadline_us = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class Deposit(Movement):
    """Money from outside, to be credited exactly once."""

    class Status(models.TextChoices):
        PENDING = "pending"
        CREDITED = "credited"
        REFUSED = "refused"

    # A source numbers its deposits 1, 2, 3… and the engine takes only the next; given when sent,
    # since a refused deposit does not consume its number.
    source = models.BigIntegerField()
    index = models.BigIntegerField(null=True, blank=True)
    account_id = models.BigIntegerField()
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["source", "index"], name="deposit_index_unique"),
            UniqueConstraint(fields=["source", "reference"], name="deposit_reference_unique"),
            CheckConstraint(condition=Q(amount__gte=1), name="deposit_amount_positive"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["source", "id"], name="deposit_pending", condition=Q(status="pending")),
            models.Index(fields=["account_id", "-id"], name="deposit_by_account"),
        ]

    def __str__(self) -> str:
        return f"deposit {self.pk}"


class Withdrawal(Movement):
    """Money on its way out. Its id is the engine's withdrawal id."""

    class Status(models.TextChoices):
        REQUESTED = "requested"
        HELD = "held"
        # An operator carries it out: its owner cannot cancel it any more.
        SENDING = "sending"
        # The command that ends it may be on its way; it is sent again until it is answered.
        RELEASING = "releasing"
        COMPLETING = "completing"
        REFUSED = "refused"
        RELEASED = "released"
        COMPLETED = "completed"

    class L1Status(models.TextChoices):
        """What becomes, on the chain, of a completed withdrawal to an address there."""

        NONE = ""
        IN_BLOCK = "in_block"
        CLAIMABLE = "claimable"
        CLAIMED = "claimed"

    account_id = models.BigIntegerField()
    # Where it is to go, as its owner wrote it; whoever carries it out reads these.
    network = models.CharField(max_length=32, blank=True)
    address = models.CharField(max_length=256, blank=True)
    address_tag = models.CharField(max_length=128, blank=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.REQUESTED)
    # The address of the chain as a number, as the engine has it; null for one that is carried out by hand.
    recipient = AmountField(max_digits=49, null=True, blank=True)
    # What its user signed, as wallets.signatures writes it; null where the exchange signs.
    signature = models.JSONField(null=True, blank=True)
    # The rollup's block that it is in.
    l2_block = models.BigIntegerField(null=True, blank=True)
    # Which of that block's payouts it is, once the chain has the block.
    l2_position = models.IntegerField(null=True, blank=True)
    l1_status = models.CharField(max_length=16, choices=L1Status.choices, default=L1Status.NONE, blank=True)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["account_id", "reference"], name="withdrawal_reference_unique"),
            UniqueConstraint(fields=["l2_block", "l2_position"], name="withdrawal_payout_unique"),
            CheckConstraint(condition=Q(amount__gte=1), name="withdrawal_amount_positive"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account_id", "-id"], name="withdrawal_by_account"),
            models.Index(fields=["id"], name="withdrawal_requested", condition=Q(status="requested")),
            models.Index(fields=["id"], name="withdrawal_ending", condition=Q(status__in=["releasing", "completing"])),
            models.Index(
                fields=["id"],
                name="withdrawal_on_chain",
                condition=Q(recipient__isnull=False) & ~Q(l1_status="claimed"),
            ),
        ]

    def __str__(self) -> str:
        return f"withdrawal {self.pk}"


class InternalTransfer(Movement):
    """Money from one account to another. Its id is the engine's transfer id."""

    class Status(models.TextChoices):
        REQUESTED = "requested"
        DONE = "done"
        REFUSED = "refused"

    from_account_id = models.BigIntegerField()
    to_account_id = models.BigIntegerField()
    # What the giver signed, as wallets.signatures writes it; null where the exchange signs.
    signature = models.JSONField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.REQUESTED)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["from_account_id", "reference"], name="transfer_reference_unique"),
            CheckConstraint(condition=Q(amount__gte=1), name="transfer_amount_positive"),
            CheckConstraint(condition=~Q(from_account_id=F("to_account_id")), name="transfer_between_two"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["from_account_id", "-id"], name="transfer_by_giver"),
            models.Index(fields=["to_account_id", "-id"], name="transfer_by_receiver"),
            models.Index(fields=["id"], name="transfer_requested", condition=Q(status="requested")),
        ]

    def __str__(self) -> str:
        return f"transfer {self.pk}"
