"""Who signs for an account: its key in the rollup and its next nonce, as of the journal."""

from collections.abc import Sequence
from typing import Any, Final

from matching.bulk import array
from matching.projection import Handler
from wallets.models import NONCES_OF_ENTRY, Signer

UPSERT: Final = """
INSERT INTO wallets_signer (account_id, number, custody, x, y, nonce)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::smallint[], %s::numeric[], %s::numeric[], %s::numeric[])
ON CONFLICT (account_id) DO UPDATE SET
    number = excluded.number, custody = excluded.custody, x = excluded.x, y = excluded.y, nonce = excluded.nonce
"""


class Signers:
    """Read model Signer. All of it is kept in memory: it changes by a row at a time."""

    tables = ("wallets_signer",)

    def __init__(self) -> None:
        self._known: dict[int, list[int]] = {}
        self._changed: set[int] = set()
        # Of the command that is being folded; the next event says whose it was.
        self._nonce: int | None = None

    def handlers(self) -> dict[str, Handler]:
        return {
            "key": self._key, "signature": self._signature, "transfer": self._used_by(2), "hold": self._used_by(2),
        }  # fmt: skip

    def load(self) -> None:
        rows = Signer.objects.values_list("account_id", "number", "custody", "x", "y", "nonce")
        self._known = {account: [number, custody, *map(int, rest)] for account, number, custody, *rest in rows}
        self._changed, self._nonce = set(), None

    def _key(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, _, index, account, number, custody, x, y = event
        self._known[account] = [number, custody, x, y, index * NONCES_OF_ENTRY]
        self._changed.add(account)

    def _signature(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        self._nonce = event[1]

    def _used_by(self, account_at: int) -> Handler:
        def handle(event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
            # A plain transfer or hold has no signature before it.
            if self._nonce is not None:
                account = event[account_at]
                self._known[account][-1] = self._nonce + 1
                self._changed.add(account)
                self._nonce = None

        return handle

    def write(self, cursor: Any, now_us: int) -> None:
        if self._changed:
            rows = [(account, *self._known[account]) for account in sorted(self._changed)]
            cursor.execute(UPSERT, [array(column) for column in zip(*rows, strict=True)])
            self._changed = set()

    def age(self, cursor: Any, now_us: int) -> None:
        """A key stays."""
