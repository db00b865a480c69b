"""What is known of the chain: accounts of the rollup, entries of its queue, how far the watcher is, our transactions.

The queue's numbers and the accounts' numbers are the contract's; all rows here can be compared with it. Hashes and
addresses are text with 0x, addresses with their checksum.
"""

from typing import ClassVar

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from matching.fields import AmountField

# Elements of the field of BN254 have up to 77 digits.
KEY_DIGITS = 78
# The engine's source of everything that comes by the contract's queue.
L1_SOURCE = 2
# An account's nonces begin anew with each key, at so many times the index of its entry.
NONCES_OF_ENTRY = 2**32
EXCHANGE_CUSTODY = 1
SELF_CUSTODY = 0


class ChainTransaction(models.Model):
    """A transaction of ours, kept signed before it leaves: sent again it is the same, and can be mined only once."""

    class Status(models.TextChoices):
        # Signed, perhaps sent; the same bytes are sent until it is mined or its nonce is used by another.
        SENDING = "sending"
        MINED = "mined"
        REVERTED = "reverted"
        # Its nonce was used by another transaction: it can never be mined.
        LOST = "lost"

    sender = models.CharField(max_length=42)
    nonce = models.BigIntegerField()
    hash = models.CharField(max_length=66)
    raw = models.BinaryField()
    # What it is for, in words: "register 3 accounts".
    purpose = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.SENDING)
    block = models.BigIntegerField(null=True, blank=True)
    gas = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [UniqueConstraint(fields=["hash"], name="chain_transaction_hash_unique")]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="chain_transaction_sending", condition=Q(status="sending"))
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.hash


class TransactionVersion(models.Model):
    """One of several signed versions of a transaction of ours, of which one can be mined: their nonce is the same, and
    each offers more for its gas than the one before. There are none of what was never made dearer.
    """

    hash = models.CharField(max_length=66)
    # The hash of the first version, which all of them name.
    first = models.CharField(max_length=66)
    raw = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [UniqueConstraint(fields=["hash"], name="transaction_version_hash_unique")]
        indexes: ClassVar = [models.Index(fields=["first"], name="transaction_version_by_first")]

    def __str__(self) -> str:
        return self.hash


class L2Account(models.Model):
    """An account's number and key in the rollup. The contract gives the number; account 0 collects fees."""

    class Status(models.TextChoices):
        WANTED = "wanted"
        # Its transaction may be on its way.
        REGISTERING = "registering"
        REGISTERED = "registered"

    account_id = models.BigIntegerField(primary_key=True)
    number = models.BigIntegerField(null=True, blank=True)
    # 1: the exchange holds the key; 0: its user does, for ever.
    custody = models.SmallIntegerField(default=EXCHANGE_CUSTODY)
    x = AmountField(max_digits=KEY_DIGITS, null=True, blank=True)
    y = AmountField(max_digits=KEY_DIGITS, null=True, blank=True)
    # The exchange's 32 secret bytes, encrypted (accounts.vault); kept after the key was handed over.
    seed = models.BinaryField(null=True, blank=True)
    # Who may set the key and ask for an exit, and is paid by it.
    owner = models.CharField(max_length=42, blank=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.WANTED)
    transaction = models.ForeignKey(ChainTransaction, null=True, blank=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["number"], name="l2_account_number_unique"),
            CheckConstraint(
                condition=~Q(status="registered") | Q(number__isnull=False, x__isnull=False, y__isnull=False),
                name="l2_account_registered_has_number",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account_id"], name="l2_account_unregistered", condition=~Q(status="registered")),
            # Whoever registers this key with this owner is this account.
            models.Index(fields=["x", "y"], name="l2_account_by_key"),
        ]

    def __str__(self) -> str:
        return f"account {self.account_id}, {self.number} in the rollup"


class Signer(models.Model):
    """Who signs for an account, as of the journal: its number in the rollup, its key, its next nonce. A read model."""

    account_id = models.BigIntegerField(primary_key=True)
    number = models.BigIntegerField()
    custody = models.SmallIntegerField()
    x = AmountField(max_digits=KEY_DIGITS)
    y = AmountField(max_digits=KEY_DIGITS)
    nonce = AmountField(max_digits=20)

    def __str__(self) -> str:
        return f"signer of account {self.account_id}"


class QueueEntry(models.Model):
    """An entry of the contract's queue, in the contract's numbers; the engine takes it as its command once."""

    class Kind(models.TextChoices):
        DEPOSIT = "deposit"
        SET_KEY = "set_key"
        EXIT = "exit"

    class Status(models.TextChoices):
        SEEN = "seen"
        APPLIED = "applied"
        # The engine refused it, which cannot be: everything behind it waits for an operator.
        BLOCKED = "blocked"

    index = models.BigIntegerField(primary_key=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    number = models.BigIntegerField()
    account_id = models.BigIntegerField()
    # Deposits and exits; the token's number is the asset's.
    asset_id = models.BigIntegerField(null=True, blank=True)
    amount = AmountField(null=True, blank=True)
    # Of a set_key.
    x = AmountField(max_digits=KEY_DIGITS, null=True, blank=True)
    y = AmountField(max_digits=KEY_DIGITS, null=True, blank=True)
    custody = models.SmallIntegerField(null=True, blank=True)
    tx_hash = models.CharField(max_length=66)
    block = models.BigIntegerField()
    block_hash = models.CharField(max_length=66)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.SEEN)
    code = models.CharField(max_length=64, blank=True)
    # Of the command that applied it; null until it was answered or projected.
    sequence = models.BigIntegerField(null=True, blank=True)
    deadline_us = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "queue entries"
        constraints: ClassVar = [
            CheckConstraint(condition=Q(index__gte=1), name="queue_entry_index_positive"),
            CheckConstraint(
                condition=~Q(kind="deposit") | Q(asset_id__isnull=False, amount__gte=1),
                name="queue_entry_deposit_has_amount",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["index"], name="queue_entry_open", condition=~Q(status="applied")),
            models.Index(fields=["tx_hash"], name="queue_entry_by_transaction"),
            models.Index(fields=["account_id", "-index"], name="queue_entry_by_account"),
        ]

    def __str__(self) -> str:
        return f"entry {self.index}: {self.kind}"


class ChainWatch(models.Model):
    """How far the chain was read, and what keeps it from going on. One row."""

    class State(models.TextChoices):
        FOLLOWING = "following"
        # The chain does not answer; tried again.
        DOWN = "down"
        # What was read and applied is not on the chain any more: an operator must look, nothing more is applied.
        REORGANISED = "reorganised"
        # An event or entry that cannot be understood or applied stands in the way.
        STUCK = "stuck"

    deployment = models.CharField(max_length=128)
    block = models.BigIntegerField()
    block_hash = models.CharField(max_length=66, blank=True)
    # The last L2 block that the contract had taken there.
    l2_block = models.BigIntegerField(default=0)
    head = models.BigIntegerField(default=0)
    state = models.CharField(max_length=16, choices=State.choices, default=State.FOLLOWING)
    reason = models.CharField(max_length=500, blank=True)
    # Why our transactions do not leave: no gas, a revert, another's chain; empty while they do.
    sending_reason = models.CharField(max_length=500, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "chain watches"

    def __str__(self) -> str:
        return f"block {self.block}: {self.state}"


class TestFunding(models.Model):
    """Test tokens to be made and deposited for an account on a dev chain, once for each reference."""

    # Not a class of tests, whatever a collector of them may think of its name.
    __test__ = False

    class Status(models.TextChoices):
        WANTED = "wanted"
        SENDING = "sending"
        # The contract's queue has it, as the watcher saw.
        QUEUED = "queued"
        REFUSED = "refused"

    account_id = models.BigIntegerField()
    asset_id = models.BigIntegerField()
    amount = AmountField()
    reference = models.CharField(max_length=64, null=True, blank=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.WANTED)
    code = models.CharField(max_length=200, blank=True)
    transaction = models.ForeignKey(ChainTransaction, null=True, blank=True, on_delete=models.PROTECT)
    entry = models.OneToOneField(QueueEntry, null=True, blank=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["reference"], name="test_funding_reference_unique"),
            CheckConstraint(condition=Q(amount__gte=1), name="test_funding_amount_positive"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="test_funding_open", condition=Q(status__in=["wanted", "sending"]))
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"test funding {self.pk}"


class L2Payout(models.Model):
    """A withdrawal or exit of a block of the rollup, as the block's calldata has it; a claim presents all of a block's.

    `block` counts the rollup's blocks, `position` the block's payouts from 0.
    """

    block = models.BigIntegerField()
    position = models.IntegerField()
    # The slot's first and third word: of these the contract keeps a hash.
    word = AmountField(max_digits=KEY_DIGITS)
    third = AmountField(max_digits=KEY_DIGITS)
    # The account's, in the rollup.
    number = models.BigIntegerField()
    # The address as a number, as withdrawals have it; null for an exit, which pays the account's owner.
    recipient = AmountField(max_digits=49, null=True, blank=True)
    asset_id = models.BigIntegerField()
    amount = AmountField()

    class Meta:
        constraints: ClassVar = [UniqueConstraint(fields=["block", "position"], name="l2_payout_unique")]

    def __str__(self) -> str:
        return f"payout {self.position} of block {self.block}"


class ClaimRequest(models.Model):
    """A payout that we have claimed for its recipient; anybody else may claim it as well."""

    class Status(models.TextChoices):
        WANTED = "wanted"
        SENDING = "sending"
        DONE = "done"
        # There was nothing to claim: somebody was faster.
        REFUSED = "refused"

    payout = models.ForeignKey(L2Payout, on_delete=models.PROTECT)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.WANTED)
    code = models.CharField(max_length=200, blank=True)
    # One transaction claims several payouts of a block.
    transaction = models.ForeignKey(ChainTransaction, null=True, blank=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(
                fields=["payout"], name="claim_request_one_open", condition=Q(status__in=["wanted", "sending"])
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"claim of {self.payout}"


class Claim(models.Model):
    """A payout of a block of the rollup was paid to its recipient."""

    tx_hash = models.CharField(max_length=66)
    log_index = models.IntegerField()
    # The address as a number, as withdrawals have it.
    recipient = AmountField(max_digits=49)
    asset_id = models.BigIntegerField()
    amount = AmountField()
    l2_block = models.BigIntegerField()
    position = models.IntegerField()

    class Meta:
        constraints: ClassVar = [UniqueConstraint(fields=["l2_block", "position"], name="claim_once")]

    def __str__(self) -> str:
        return f"claim {self.tx_hash}"


class ChainDeployment(models.Model):
    """A contract of ours on a chain. The latest row counts; earlier ones are history."""

    chain_id = models.BigIntegerField()
    address = models.CharField(max_length=42)
    # The first block that can have an event of it.
    from_block = models.BigIntegerField()
    # The name of the set of parameters that it was compiled for.
    parameters = models.CharField(max_length=16)
    abi = models.JSONField()
    token_abi = models.JSONField()
    # Asset id, as text, to the address of its token.
    tokens = models.JSONField(default=dict)
    # Empty until the proving keys are ready.
    block_verifier = models.CharField(max_length=42, blank=True)
    escape_verifier = models.CharField(max_length=42, blank=True)
    # Fingerprints of the keys that the verifiers are of.
    verifying_keys = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [UniqueConstraint(fields=["chain_id", "address"], name="chain_deployment_unique")]

    def __str__(self) -> str:
        return f"{self.chain_id}:{self.address}"
