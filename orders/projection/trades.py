"""Trades, as they are."""

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Max

from matching.bulk import copy_rows
from matching.projection import Handler
from orders.models import Trade

COLUMNS: Final = (
    "id", "number", "market_id", "price", "lots", "base_atoms", "quote_atoms", "taker_side", "taker_order_id",
    "taker_account_id", "maker_order_id", "maker_account_id", "taker_fee", "maker_fee", "time_us", "sequence",
)  # fmt: skip


class Trades:
    """Read model Trade."""

    tables = ("orders_trade",)

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._last_id = 0

    def handlers(self) -> dict[str, Handler]:
        return {"trade": self._trade}

    def load(self) -> None:
        self._lines = []
        self._last_id = Trade.objects.aggregate(last=Max("id"))["last"] or 0

    def _trade(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        self._last_id += 1
        # The event's fields in their own order; the last one, the maker's remaining, belongs to the order.
        fields = "\t".join(map(str, event[1:14]))
        self._lines.append(f"{self._last_id}\t{fields}\t{time_us}\t{sequence}")

    def write(self, cursor: Any, now_us: int) -> None:
        lines, self._lines = self._lines, []
        copy_rows(cursor, "orders_trade", COLUMNS, lines)

    def age(self, cursor: Any, now_us: int) -> None:
        """A trade stays."""
