"""Which signed order used each of an account's leaves last: the next id on a leaf exceeds it."""

from collections.abc import Sequence
from typing import Any, Final

from matching.bulk import array
from matching.projection import Handler

UPSERT: Final = """
INSERT INTO orders_signedleaf (account_id, leaf, number, order_id)
SELECT * FROM unnest(%s::bigint[], %s::integer[], %s::numeric[], %s::bigint[])
ON CONFLICT (account_id, leaf) DO UPDATE SET number = excluded.number, order_id = excluded.order_id
"""


class SignedLeaves:
    """Read model SignedLeaf."""

    tables = ("orders_signedleaf",)

    def __init__(self) -> None:
        self._used: dict[tuple[int, int], tuple[int, int]] = {}

    def handlers(self) -> dict[str, Handler]:
        return {"signed": self._signed}

    def load(self) -> None:
        self._used = {}

    def _signed(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, order, account, _, _, leaves, number, *_ = event
        self._used[account, number % leaves] = (number, order)

    def write(self, cursor: Any, now_us: int) -> None:
        if self._used:
            rows = [(*leaf, *last) for leaf, last in sorted(self._used.items())]
            cursor.execute(UPSERT, [array(column) for column in zip(*rows, strict=True)])
            self._used = {}

    def age(self, cursor: Any, now_us: int) -> None:
        """A leaf stays used."""
