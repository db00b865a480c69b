"""Orders: new ones are copied in as they stand at the end of the transaction, old ones get what changed.

Events say what changed without naming what was, so an order's row is never read.
"""

from collections.abc import Sequence
from typing import Any, Final

from matching.bulk import array, copy_rows, copy_text
from matching.money import MAX_AMOUNT
from matching.projection import Handler
from orders.models import Order
from orders.placed import new_fields

PENDING, WAITING, OPEN, FILLED, CANCELED, EXPIRED = Order.Status.values
STATUS_OF_REASON: Final = {"filled": FILLED, "expired": EXPIRED}  # all others: CANCELED

# The engine bounds neither; a row must not be impossible to write.
MAX_TIME_US: Final = 2**63 - 1
CLIENT_ID_LENGTH_MAX: Final = 128

COLUMNS: Final = (
    "id", "account_id", "market_id", "side", "type", "tif", "stop", "quote", "post_only", "stp", "expires_us",
    "trigger", "trail_ppm", "display", "client_id", "created_us", "list_id", "price", "size", "filled_lots",
    "filled_quote", "fee", "remaining", "hidden", "status", "done_reason", "updated_us", "sequence",
)  # fmt: skip

UPDATE: Final = """
UPDATE orders_order AS o SET
    price = coalesce(c.price, o.price), size = coalesce(c.size, o.size) + c.size_change,
    filled_lots = o.filled_lots + c.filled_lots, filled_quote = o.filled_quote + c.filled_quote, fee = o.fee + c.fee,
    remaining = coalesce(c.remaining, o.remaining), hidden = coalesce(c.hidden, o.hidden),
    status = coalesce(c.status, o.status),
    done_reason = coalesce(c.done_reason, o.done_reason), updated_us = c.updated_us, sequence = c.sequence
FROM unnest(%s::bigint[], %s::bigint[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[],
            %s::numeric[], %s::numeric[], %s::smallint[], %s::text[], %s::bigint[], %s::bigint[])
  AS c (id, price, size, size_change, filled_lots, filled_quote, fee, remaining, hidden, status, done_reason,
        updated_us, sequence)
WHERE o.id = c.id
"""


class Change:
    """What happened to one order in this transaction; None: as it was."""

    __slots__ = (
        "done_reason", "fee", "filled_lots", "filled_quote", "head", "hidden", "list_id", "price", "remaining",
        "sequence", "size", "size_change", "status", "updated_us",
    )  # fmt: skip

    def __init__(self) -> None:
        # For an order that is new in this transaction, its first columns as COPY text.
        self.head = ""
        self.price: int | None = None
        self.size: int | None = None
        self.size_change = self.filled_lots = self.filled_quote = self.fee = 0
        self.remaining: int | None = None
        self.hidden: int | None = None
        # Known before the order's `new`, and never changed.
        self.list_id = 0
        self.status: int | None = None
        self.done_reason: str | None = None
        self.updated_us = self.sequence = 0


class Orders:
    """Read model Order."""

    tables = ("orders_order",)

    def __init__(self) -> None:
        self._changes: dict[int, Change] = {}

    def handlers(self) -> dict[str, Handler]:
        return {
            "new": self._new, "trade": self._trade, "rest": self._rest, "wait": self._wait, "trigger": self._goes_on,
            "reduce": self._reduce, "amend": self._amend, "done": self._done, "list": self._list, "pend": self._pend,
            "activate": self._goes_on, "show": self._show,
        }  # fmt: skip

    def load(self) -> None:
        self._changes = {}

    def _touch(self, order: int, sequence: int, time_us: int) -> Change:
        change = self._changes.get(order)
        if change is None:
            change = self._changes[order] = Change()
        change.sequence = sequence
        change.updated_us = time_us
        return change

    def _new(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        (order, account, market, side, type_, tif, price, stop, size, quote, post_only, stp, expires, trigger, trail,
         display, client_id) = new_fields(event)  # fmt: skip
        change = self._touch(order, sequence, time_us)
        client_id = copy_text(client_id[:CLIENT_ID_LENGTH_MAX])
        change.head = (
            f"{order}\t{account}\t{market}\t{side}\t{type_}\t{tif}\t{stop}\t{quote}\t{post_only}\t{stp}"
            f"\t{min(expires, MAX_TIME_US)}\t{trigger}\t{trail}\t{min(display, MAX_AMOUNT)}\t{client_id}\t{time_us}"
        )
        change.price = price
        change.size = change.remaining = size
        # Until its own command ends, which says what became of it.
        change.status = OPEN
        change.done_reason = ""

    def _list(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        for order in event[5]:
            self._touch(order, sequence, time_us).list_id = event[1]

    def _pend(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        self._touch(event[1], sequence, time_us).status = PENDING

    def _show(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        self._touch(event[1], sequence, time_us).hidden = event[7]

    def _trade(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        (_, _, _, _, lots, _, quote_atoms, _, taker_order, _, maker_order, _, taker_fee, maker_fee,
         maker_remaining) = event  # fmt: skip
        taker = self._touch(taker_order, sequence, time_us)
        taker.filled_lots += lots
        taker.filled_quote += quote_atoms
        taker.fee += taker_fee
        maker = self._touch(maker_order, sequence, time_us)
        maker.filled_lots += lots
        maker.filled_quote += quote_atoms
        maker.fee += maker_fee
        maker.remaining = maker_remaining
        if maker_remaining == 0:
            maker.status = FILLED
            maker.done_reason = "filled"

    def _rest(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        change = self._touch(event[1], sequence, time_us)
        change.remaining = event[6]
        change.status = OPEN

    def _wait(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        self._touch(event[1], sequence, time_us).status = WAITING

    def _goes_on(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        self._touch(event[1], sequence, time_us).status = OPEN

    def _reduce(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        change = self._touch(event[1], sequence, time_us)
        change.size_change -= event[6]
        change.remaining = event[7]

    def _amend(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        change = self._touch(event[1], sequence, time_us)
        change.price, change.size, change.remaining = event[7], event[8], event[9]
        change.size_change = 0

    def _done(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        change = self._touch(event[1], sequence, time_us)
        change.remaining = event[6]
        change.done_reason = reason = event[9]
        change.status = STATUS_OF_REASON.get(reason, CANCELED)

    def write(self, cursor: Any, now_us: int) -> None:
        changes, self._changes = self._changes, {}
        copy_rows(cursor, "orders_order", COLUMNS, [_line(change) for change in changes.values() if change.head])
        old = [(order, change) for order, change in changes.items() if not change.head]
        if old:
            cursor.execute(UPDATE, _arrays(old))

    def age(self, cursor: Any, now_us: int) -> None:
        """Orders change by events only; even expiry is one."""


def _line(change: Change) -> str:
    size = (change.size or 0) + change.size_change
    return (
        f"{change.head}\t{change.list_id}\t{change.price}\t{size}\t{change.filled_lots}\t{change.filled_quote}"
        f"\t{change.fee}\t{change.remaining}\t{change.hidden or 0}\t{change.status}\t{change.done_reason}"
        f"\t{change.updated_us}\t{change.sequence}"
    )


def _arrays(old: list[tuple[int, Change]]) -> list[str]:
    columns = zip(
        *(
            (order, c.price, c.size, c.size_change, c.filled_lots, c.filled_quote, c.fee, c.remaining, c.hidden,
             c.status, c.done_reason, c.updated_us, c.sequence)
            for order, c in old
        ),
        strict=True,
    )  # fmt: skip
    return [array(column) for column in columns]
