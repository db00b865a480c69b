"""Assets, balances and movements of money in the OpenAPI document."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from accounts.api.openapi import DecimalText, Milliseconds
from wallets import models
from wallets.models import Deposit, InternalTransfer, L2Account, LedgerEntry, Withdrawal

ADDRESS = r"^[!-~]{1,256}$"
REFERENCE = r"^[A-Za-z0-9_.:-]{1,64}$"
ASSET = OpenApiParameter("asset", str, description="Only of this asset.")
KIND = OpenApiParameter("kind", str, enum=LedgerEntry.Kind.labels, description="Only of this kind.")


class Asset(serializers.Serializer[Any]):
    """An asset; amounts of it have at most `scale` decimals."""

    code = serializers.CharField()
    scale = serializers.IntegerField()


class AssetList(serializers.Serializer[Any]):
    """All assets."""

    assets = Asset(many=True)


class Balance(serializers.Serializer[Any]):
    """What an account has of an asset: free to use, and set aside for orders and withdrawals."""

    asset = serializers.CharField()
    available = DecimalText()
    held = DecimalText()


class BalanceList(serializers.Serializer[Any]):
    """Of every asset the account ever had."""

    balances = Balance(many=True)
    sequence = serializers.IntegerField()


class Entry(serializers.Serializer[Any]):
    """One leg of a posting."""

    id = serializers.IntegerField()
    asset = serializers.CharField()
    amount = DecimalText(help_text="Negative when it left the account.")
    kind = serializers.ChoiceField(choices=LedgerEntry.Kind.labels)
    reference = serializers.IntegerField(help_text="The order of a trade or fee; the deposit, withdrawal or transfer.")
    time = Milliseconds()
    sequence = serializers.IntegerField()


class EntryPage(serializers.Serializer[Any]):
    """Ledger entries, newest first."""

    entries = Entry(many=True)
    next_cursor = serializers.CharField(allow_null=True)
    sequence = serializers.IntegerField()


class _Movement(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    asset = serializers.CharField()
    amount = DecimalText()
    reference = serializers.CharField(allow_null=True)
    code = serializers.CharField(allow_null=True, help_text="Why it was refused.")
    created_at = Milliseconds()
    updated_at = Milliseconds()
    sequence = serializers.IntegerField(allow_null=True)


class DepositItem(_Movement):
    """A deposit; the last three are null for one that did not come by the chain."""

    status = serializers.ChoiceField(choices=Deposit.Status.values)
    entry = serializers.IntegerField(allow_null=True, help_text="Its index in the contract's queue.")
    tx = serializers.CharField(allow_null=True, help_text="The chain's transaction.")
    chain_block = serializers.IntegerField(allow_null=True, help_text="The chain's block.")


class DepositPage(serializers.Serializer[Any]):
    """Deposits, newest first."""

    deposits = DepositItem(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class WithdrawalItem(_Movement):
    """A withdrawal."""

    status = serializers.ChoiceField(choices=Withdrawal.Status.values)
    address = serializers.CharField(allow_null=True)
    block = serializers.IntegerField(allow_null=True, help_text="The block of the rollup that it is in.")
    chain_status = serializers.ChoiceField(
        choices=[status for status in Withdrawal.L1Status.values if status], allow_null=True,
        help_text="Of a completed one: in a block, claimable at the contract once that is final, claimed.",
    )  # fmt: skip


class WithdrawalPage(serializers.Serializer[Any]):
    """Withdrawals, newest first."""

    withdrawals = WithdrawalItem(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class Token(serializers.Serializer[Any]):
    """An asset's token on the chain."""

    asset = serializers.CharField()
    address = serializers.CharField()


class DepositAddress(serializers.Serializer[Any]):
    """Approve the contract for a token, then call its `deposit(account_number, token number, atoms)`."""

    account_number = serializers.IntegerField(allow_null=True, help_text="Null until it has one: ask again soon.")
    status = serializers.ChoiceField(choices=L2Account.Status.values)
    custody = serializers.ChoiceField(choices=["exchange", "user"], help_text="Who holds the key.")
    owner = serializers.CharField(allow_null=True, help_text="The address that may set the key and ask for an exit.")
    chain_id = serializers.IntegerField()
    contract = serializers.CharField()
    confirmations = serializers.IntegerField(help_text="Blocks until a deposit is credited.")
    tokens = Token(many=True)


class TestFunding(serializers.Serializer[Any]):
    """Test tokens on their way."""

    asset = serializers.CharField()
    amount = DecimalText()
    status = serializers.ChoiceField(choices=models.TestFunding.Status.values)


class TestFunds(serializers.Serializer[Any]):
    """Test tokens of each asset."""

    funds = TestFunding(many=True)


class TransferItem(_Movement):
    """A transfer between two accounts."""

    status = serializers.ChoiceField(choices=InternalTransfer.Status.values)
    from_account = serializers.IntegerField()
    to_account = serializers.IntegerField()


class TransferPage(serializers.Serializer[Any]):
    """Transfers from and to the account, newest first."""

    transfers = TransferItem(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class NewWithdrawal(serializers.Serializer[Any]):
    """Money to take out; it is held until it has left the exchange."""

    asset = serializers.CharField(max_length=32)
    amount = DecimalText()
    reference = serializers.RegexField(
        REFERENCE, help_text="Your own id of it, new for each: with the same one it happens once, however often asked."
    )

    address = serializers.RegexField(
        ADDRESS, required=False, help_text="With a chain: the address that can claim it there, 0x and 40 digits."
    )


class NewTransfer(serializers.Serializer[Any]):
    """Money for another account of the exchange."""

    asset = serializers.CharField(max_length=32)
    amount = DecimalText()
    reference = serializers.RegexField(REFERENCE, help_text="As for a withdrawal.")
    to_account = serializers.IntegerField(min_value=1)
