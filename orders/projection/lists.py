"""Order lists, as they were placed. What becomes of them stands in their orders."""

from collections.abc import Sequence
from typing import Any, Final

from matching.bulk import copy_rows, copy_text
from matching.projection import Handler
from orders.projection.orders import CLIENT_ID_LENGTH_MAX

COLUMNS: Final = ("id", "account_id", "market_id", "kind", "legs", "client_id", "created_us", "sequence")


class Lists:
    """Read model OrderList."""

    tables = ("orders_orderlist",)

    def __init__(self) -> None:
        self._lines: list[str] = []

    def handlers(self) -> dict[str, Handler]:
        return {"list": self._list}

    def load(self) -> None:
        self._lines = []

    def _list(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, id, account, market, kind, orders, client_id = event
        client_id = copy_text(client_id[:CLIENT_ID_LENGTH_MAX])
        self._lines.append(f"{id}\t{account}\t{market}\t{kind}\t{len(orders)}\t{client_id}\t{time_us}\t{sequence}")

    def write(self, cursor: Any, now_us: int) -> None:
        lines, self._lines = self._lines, []
        copy_rows(cursor, "orders_orderlist", COLUMNS, lines)

    def age(self, cursor: Any, now_us: int) -> None:
        """A list stays."""
