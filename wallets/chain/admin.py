"""Admin of what is known of the chain: everything to look at but secrets, nothing to edit."""

from typing import Any

from django.contrib import admin

from matching.readonly import ReadOnlyAdmin
from wallets.models import ChainTransaction, ChainWatch, ClaimRequest, L2Account, QueueEntry, TestFunding


@admin.register(ChainWatch)
class ChainWatchAdmin(ReadOnlyAdmin):
    """How far the chain was read, and what is in the way."""

    list_display = ("deployment", "block", "head", "l2_block", "state", "reason", "sending_reason", "updated_at")


@admin.register(L2Account)
class L2AccountAdmin(ReadOnlyAdmin):
    """Accounts and their numbers in the rollup."""

    list_display = ("account_id", "number", "status", "custody", "owner", "created_at")
    list_filter = ("status", "custody")
    search_fields = ("=account_id", "=number", "owner")
    search_help_text = "An account, its number in the rollup, or an owner's address"
    exclude = ("seed",)
    ordering = ("-created_at",)


@admin.register(QueueEntry)
class QueueEntryAdmin(ReadOnlyAdmin):
    """The contract's queue."""

    list_display = (
        "index", "kind", "status", "code", "account_id", "number", "asset_id", "amount", "block", "sequence", "tx_hash",
    )  # fmt: skip
    list_filter = ("status", "kind")
    search_fields = ("=index", "=account_id", "tx_hash")
    search_help_text = "An index, an account or a transaction"
    ordering = ("-index",)


@admin.register(ChainTransaction)
class ChainTransactionAdmin(ReadOnlyAdmin):
    """Transactions of ours."""

    list_display = ("id", "purpose", "status", "sender", "nonce", "block", "gas", "hash", "created_at")
    list_filter = ("status",)
    search_fields = ("hash",)
    exclude = ("raw",)
    ordering = ("-id",)


@admin.register(TestFunding)
class TestFundingAdmin(ReadOnlyAdmin):
    """Test tokens that were asked for."""

    list_display = ("id", "account_id", "asset_id", "amount", "status", "code", "reference", "created_at")
    list_filter = ("status",)
    search_fields = ("=account_id", "reference")
    ordering = ("-id",)


@admin.register(ClaimRequest)
class ClaimRequestAdmin(ReadOnlyAdmin):
    """Claims that the exchange sends for its users."""

    list_display: Any = ("id", "payout", "status", "code", "created_at")
    list_filter = ("status",)
    list_select_related = ("payout",)
    search_fields = ("=payout__block",)
    search_help_text = "A block of the rollup"
    ordering = ("-id",)
