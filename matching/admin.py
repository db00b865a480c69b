"""Admin of the matcher: the journal and who leads, to look at."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from matching.models import JournalBatch, Leader, ProjectionOffset, Standby, SuspectBatch
from matching.printing import entries
from matching.readonly import ReadOnlyAdmin, time_text


@admin.register(JournalBatch)
class JournalBatchAdmin(ReadOnlyAdmin):
    """Batches, newest first; one opened shows its commands and events. Search by a sequence."""

    list_display = ("__str__", "time", "commands", "epoch", "session", "number")
    ordering = ("-first",)
    search_fields = ("first",)
    search_help_text = "A sequence"
    fields = ("first", "last", "time", "epoch", "session", "number", "hash_text")
    readonly_fields = ("time", "hash_text")
    change_form_template = "admin/matching/journalbatch/change_form.html"

    @admin.display(description="time (UTC)")
    def time(self, batch: JournalBatch) -> str:
        """When the matcher stamped it."""
        return time_text(batch.time_us)

    @admin.display
    def commands(self, batch: JournalBatch) -> int:
        """How many commands it holds."""
        return batch.last - batch.first + 1

    @admin.display(description="hash")
    def hash_text(self, batch: JournalBatch) -> str:
        """Of the batch and all before it."""
        return bytes(batch.hash).hex()

    def get_queryset(self, request: HttpRequest) -> QuerySet[JournalBatch]:
        """Without the bodies: a list has no use for megabytes."""
        return super().get_queryset(request).defer("body")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The batch that holds the sequence."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if not (term.isascii() and term.isdigit() and len(term) < 19):
            return queryset.none(), False
        # Batches don't overlap, so the last that begins at or before it is the only one that can hold it.
        begun = queryset.filter(first__lte=int(term)).order_by("-first").values_list("pk", flat=True)[:1]
        return queryset.filter(pk__in=list(begun), last__gte=int(term)), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """With commands and events in words."""
        batch = self.get_object(request, object_id)
        shown = list(entries(first=batch.first, last=batch.last)) if batch is not None else []
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "entries": shown})


@admin.register(Leader)
class LeaderAdmin(ReadOnlyAdmin):
    """Who leads."""

    list_display = ("epoch", "head", "host", "pid", "promoted_at")
    exclude = ("hash",)


@admin.register(Standby)
class StandbyAdmin(ReadOnlyAdmin):
    """Who would take over."""

    list_display = ("name", "sequence", "seen_at")


@admin.register(ProjectionOffset)
class ProjectionOffsetAdmin(ReadOnlyAdmin):
    """How far the read models are."""

    list_display = ("name", "sequence")


@admin.register(SuspectBatch)
class SuspectBatchAdmin(ReadOnlyAdmin):
    """Batches that a leader died on."""

    list_display = ("session", "number", "epoch", "noted_at", "rejected_at_sequence")
