"""The rollup in the OpenAPI document."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import serializers

from accounts.api.openapi import DecimalText, Milliseconds
from orders.api.market_schema import Trade
from rollup.models import Block
from rollup.state.slots import OPERATIONS

TOKEN = OpenApiParameter(
    "Authorization", str, OpenApiParameter.HEADER, required=True, description="`Bearer` and a prover's token."
)
RANGE = OpenApiParameter(
    "Range", str, OpenApiParameter.HEADER, required=True, description="`bytes=START-`: from which byte on."
)
SHA256 = r"^[0-9a-f]{64}$"
BLOCK_STATUSES = tuple(Block.Status.values)
ASSET = OpenApiParameter("asset", str, required=True, description="Of which asset, like BTC.")


@extend_schema_field({"type": "string", "pattern": "^[0-9]+$", "maxLength": 78})
class Element(serializers.CharField):
    """An element of the scalar field of BN254, as decimal text."""


class BlockSummary(serializers.Serializer[Any]):
    """A block. Times are null until it is that far."""

    number = serializers.IntegerField()
    status = serializers.ChoiceField(choices=BLOCK_STATUSES)
    reason = serializers.CharField(allow_null=True, help_text="What it waits for, or why it failed.")
    old_root = Element()
    new_root = Element()
    time = Milliseconds(help_text="Journal time of its first event, in whole seconds.")
    slots = serializers.IntegerField(help_text="Without the noops that fill it up.")
    trades = serializers.IntegerField(help_text="How many trades it covers.")
    first_trade = serializers.IntegerField(allow_null=True)
    first_sequence = serializers.IntegerField()
    last_sequence = serializers.IntegerField()
    first_entry = serializers.IntegerField(allow_null=True, help_text="Of the contract's queue.")
    last_entry = serializers.IntegerField(allow_null=True)
    sealed_at = Milliseconds()
    proved_at = Milliseconds(allow_null=True)
    submitted_at = Milliseconds(allow_null=True)
    final_at = Milliseconds(allow_null=True)
    proof_ms = serializers.IntegerField(allow_null=True)
    gas = serializers.IntegerField(allow_null=True)
    gas_per_slot = serializers.IntegerField(allow_null=True)
    l1_tx = serializers.CharField(allow_null=True)
    l1_block = serializers.IntegerField(allow_null=True)


class Waiting(serializers.Serializer[Any]):
    """What waits: `seconds` since the oldest was sealed."""

    blocks = serializers.IntegerField()
    slots = serializers.IntegerField()
    seconds = serializers.IntegerField()


class BacklogBody(serializers.Serializer[Any]):
    """How far behind provers and settlement are; averages of the last blocks."""

    unproven = Waiting()
    unsettled = Waiting()
    failed_blocks = serializers.IntegerField()
    proof_ms = serializers.IntegerField(allow_null=True)
    gas_per_slot = serializers.IntegerField(allow_null=True)
    final_after_s = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(allow_null=True)


class BlockPage(serializers.Serializer[Any]):
    """Blocks, newest first."""

    blocks = BlockSummary(many=True)
    backlog = BacklogBody()
    next_cursor = serializers.CharField(allow_null=True)


class Change(serializers.Serializer[Any]):
    """What a slot does to a balance: signed, after its fee."""

    asset = serializers.CharField()
    amount = DecimalText()
    fee = DecimalText()


class SlotBody(serializers.Serializer[Any]):
    """A slot: one change of one account of the rollup."""

    operation = serializers.ChoiceField(choices=OPERATIONS)
    account = serializers.IntegerField()
    changes = Change(many=True)
    order_id = serializers.CharField(allow_null=True)
    recipient = serializers.CharField(allow_null=True)
    key = serializers.ListField(child=Element(), allow_null=True)


class BlockBody(BlockSummary):
    """A block with its slots, and the words published of it."""

    slot_list = SlotBody(many=True)
    data = serializers.ListField(child=Element())  # type: ignore[assignment]  # DRF's property has the same name
    h = Element()


class BlockTrade(Trade):
    """A trade of a block; its id counts in its market."""

    market = serializers.CharField()


class BlockTradePage(serializers.Serializer[Any]):
    """Trades of a block, newest first."""

    trades = BlockTrade(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ProofSummary(serializers.Serializer[Any]):
    """Who proved a block, how long it took, and at which attempt."""

    block = serializers.IntegerField()
    proof_ms = serializers.IntegerField()
    prover = serializers.CharField()
    attempts = serializers.IntegerField()


class ProofPage(serializers.Serializer[Any]):
    """Proofs, newest first."""

    proofs = ProofSummary(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ProofBody(ProofSummary):
    """A proof with all that it takes to verify it."""

    circuit = serializers.CharField()
    points = serializers.ListField(child=Element(), help_text="As the contract takes them.")
    h = Element()
    e = Element()
    gamma = Element()
    proof = serializers.DictField(help_text="As snarkjs writes it.")
    public_signals = serializers.ListField(child=Element())
    verification_key = serializers.DictField(allow_null=True, help_text="As snarkjs writes it.")
    data = serializers.ListField(child=Element())  # type: ignore[assignment]  # DRF's property has the same name


class BalanceProofBody(serializers.Serializer[Any]):
    """That an account has a balance, in the state whose root the contract has: docs/examples/check_balance.py."""

    block = serializers.IntegerField()
    root = Element()  # type: ignore[assignment]  # a field of every serializer to DRF, a member of the answer here
    l1_tx = serializers.CharField(allow_null=True)
    l1_block = serializers.IntegerField(allow_null=True, help_text="From it on the contract has the root.")
    account = serializers.IntegerField()
    key = serializers.ListField(child=Element())
    nonce = serializers.CharField()
    order_root = Element()
    asset = serializers.CharField()
    token = serializers.IntegerField()
    balance = serializers.CharField(help_text="In atoms.")
    balance_path = serializers.ListField(child=serializers.ListField(child=Element()))
    account_path = serializers.ListField(child=serializers.ListField(child=Element()))


class LeaseRequest(serializers.Serializer[Any]):
    """Who asks."""

    worker = serializers.CharField(max_length=100)


class LeaseBody(serializers.Serializer[Any]):
    """A block to prove; null when there is none."""

    block = serializers.IntegerField()
    lease = serializers.IntegerField()
    circuit = serializers.CharField()
    key = serializers.CharField(allow_null=True, help_text="`fingerprint` of the keys that it is to be proven with.")
    until = Milliseconds()
    inputs = serializers.DictField(help_text="The circuit's inputs, as decimal text.")


class LeaseAnswer(serializers.Serializer[Any]):
    """A block to prove, if there is one."""

    task = LeaseBody(allow_null=True)


class RenewRequest(serializers.Serializer[Any]):
    """Which lease."""

    lease = serializers.IntegerField(min_value=1)


class SharedFile(serializers.Serializer[Any]):
    """A file; it is fetched by its hash."""

    name = serializers.CharField()
    bytes = serializers.IntegerField(min_value=1)
    sha256 = serializers.RegexField(SHA256)


class SharedKeys(serializers.Serializer[Any]):
    """The keys that blocks are proven with."""

    circuit = serializers.CharField()
    digest = serializers.CharField(help_text="Of the circuit's source: another one's keys are of no use.")
    fingerprint = serializers.RegexField(SHA256, help_text="sha256 of the key by which proofs are verified.")
    files = serializers.ListField(child=SharedFile())


class ProofRequest(RenewRequest):
    """A proof: eight numbers in the order in which the contract takes them."""

    proof = serializers.ListField(child=Element(), min_length=8, max_length=8)
    proof_ms = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


class Taken(serializers.Serializer[Any]):
    """It was taken."""

    block = serializers.IntegerField()
    status = serializers.CharField()
