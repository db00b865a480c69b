"""Admin pages that only show. What the engine owns is changed by commands, never by editing rows."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.utils.functional import cached_property

COUNTED_MAX = 10_000


class BoundedPaginator(Paginator):
    """Counts no further than COUNTED_MAX: the tables grow by millions, and nobody pages that far."""

    @cached_property
    def count(self) -> int:
        """Rows, COUNTED_MAX at most."""
        rows: Any = self.object_list
        counted: int = rows[:COUNTED_MAX].count()
        return counted


class ReadOnlyAdmin(admin.ModelAdmin):
    """May be looked at by who has the view permission, and that is all."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    actions: Sequence[str] = ()

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """Never."""
        return False


def time_text(time_us: int) -> str:
    """Microseconds since the epoch as UTC text, to the millisecond; a dash for 0."""
    if not time_us:
        return "–"
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S") + (
        f".{time_us // 1000 % 1000:03d}"
    )
