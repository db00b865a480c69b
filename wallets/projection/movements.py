"""Outbox rows learn from the journal what became of them, also when their sender died before the reply.

The rows are not read models: a rebuild leaves them, and writes again what they say already.
"""

from collections.abc import Sequence
from typing import Any, Final

from matching.bulk import array
from matching.projection import Handler
from wallets.models import L1_SOURCE, Deposit, InternalTransfer, QueueEntry, Withdrawal

# A hold that is heard of late says nothing new of a withdrawal that has gone on since.
BY_ID: Final = """
UPDATE {table} AS m SET
    status = CASE WHEN c.status = 'held' AND m.status <> 'requested' THEN m.status ELSE c.status END,
    sequence = c.sequence, code = '', updated_at = now()
FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS c (id, status, sequence)
WHERE m.id = c.id AND (m.sequence IS NULL OR m.sequence < c.sequence)
"""
WITHDRAWALS: Final = BY_ID.format(table="wallets_withdrawal")
TRANSFERS: Final = BY_ID.format(table="wallets_internaltransfer")
DEPOSITS: Final = f"""
UPDATE wallets_deposit AS m SET status = '{Deposit.Status.CREDITED}', sequence = c.sequence, code = '', updated_at = now()
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS c (source, index, sequence)
WHERE m.source = c.source AND m.index = c.index AND (m.sequence IS NULL OR m.sequence < c.sequence)
"""  # noqa: S608, E501  constants only
STATUS_OF_KIND: Final = {
    "hold": Withdrawal.Status.HELD.value,
    "release": Withdrawal.Status.RELEASED.value,
    "complete": Withdrawal.Status.COMPLETED.value,
}


ENTRIES: Final = f"""
UPDATE wallets_queueentry AS m SET status = '{QueueEntry.Status.APPLIED}', sequence = c.sequence, code = '', updated_at = now()
FROM unnest(%s::bigint[], %s::bigint[]) AS c (index, sequence)
WHERE m.index = c.index AND (m.sequence IS NULL OR m.sequence < c.sequence)
"""  # noqa: S608, E501  constants only


class Movements:
    """Status and sequence of Deposit, Withdrawal, InternalTransfer and QueueEntry rows."""

    tables = ()

    def __init__(self) -> None:
        self._deposits: dict[tuple[int, int], int] = {}
        self._withdrawals: dict[int, tuple[str, int]] = {}
        self._transfers: dict[int, tuple[str, int]] = {}
        self._entries: dict[int, int] = {}

    def handlers(self) -> dict[str, Handler]:
        return {
            "deposit": self._deposit, "hold": self._withdrawal, "release": self._withdrawal,
            "complete": self._withdrawal, "transfer": self._transfer, "key": self._entry, "exit": self._entry,
        }  # fmt: skip

    def load(self) -> None:
        self._deposits, self._withdrawals, self._transfers, self._entries = {}, {}, {}, {}

    def _deposit(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        self._deposits[event[1], event[2]] = sequence
        self._entry(event, sequence, ordinal, time_us)

    def _entry(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        if event[1] == L1_SOURCE:
            self._entries[event[2]] = sequence

    def _withdrawal(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        self._withdrawals[event[1]] = (STATUS_OF_KIND[event[0]], sequence)

    def _transfer(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        self._transfers[event[1]] = (InternalTransfer.Status.DONE.value, sequence)

    def write(self, cursor: Any, now_us: int) -> None:
        if self._deposits:
            rows = ((*key, sequence) for key, sequence in self._deposits.items())
            cursor.execute(DEPOSITS, [array(column) for column in zip(*rows, strict=True)])
        if self._entries:
            cursor.execute(ENTRIES, [array(column) for column in zip(*self._entries.items(), strict=True)])
        for statement, changes in ((WITHDRAWALS, self._withdrawals), (TRANSFERS, self._transfers)):
            if changes:
                rows_by_id = ((key, *change) for key, change in changes.items())
                cursor.execute(statement, [array(column) for column in zip(*rows_by_id, strict=True)])
        self.load()

    def age(self, cursor: Any, now_us: int) -> None:
        """Rows change by events only."""
