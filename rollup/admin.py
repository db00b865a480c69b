"""Admin of the rollup: blocks, who proves them, what carried them to the chain; to look at."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from matching.readonly import ReadOnlyAdmin
from rollup.models import Block, ProvingTask, Submission


@admin.register(Block)
class BlockAdmin(ReadOnlyAdmin):
    """Blocks, newest first."""

    list_display = ("number", "status", "reason", "slot_count", "trades", "proof_ms", "gas", "l1_tx", "sealed_at")
    list_filter = ("status",)
    ordering = ("-number",)
    exclude = ("inputs", "data")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Block]:
        """Without what only provers read."""
        return super().get_queryset(request).defer("inputs", "data", "slots")


@admin.register(ProvingTask)
class ProvingTaskAdmin(ReadOnlyAdmin):
    """Who proves or proved what, and what went wrong."""

    list_display = ("block_id", "status", "worker", "attempts", "refused", "leased_until", "proof_ms", "reason")
    list_filter = ("status",)
    ordering = ("-block_id",)


@admin.register(Submission)
class SubmissionAdmin(ReadOnlyAdmin):
    """Transactions of blocks."""

    list_display = ("block_id", "status", "tx_hash", "nonce", "l1_block", "gas", "reason", "updated_at")
    list_filter = ("status",)
    ordering = ("-id",)
    exclude = ("raw",)
