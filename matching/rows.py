"""A journal row: its bytes, its hash, its SQL. Pure but for the connection that is handed in.

The body is one JSON object: first, last, session, number, time, epoch, commands, events. It is made by the standard
library's encoder (orjson ends at 64 bits), once, and its parts go to the gateway as they are.
"""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson

BATCH_COMMANDS_MAX: Final = 500
BATCH_BYTES_MAX: Final = 1_000_000
GENESIS_HASH: Final = bytes(32)

encode_json = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
decode_json = json.loads

_COMMANDS: Final = b',"commands":'
# Cannot occur inside the commands: JSON text has a backslash before every quote within a string,
# and outside of strings an array of arrays has no colon.
_EVENTS: Final = b',"events":'


def encode_commands(commands: Sequence[Any]) -> str:
    """Commands as JSON text, as encode_json makes it or in the same sense.

    Most have no integer beyond 64 bits and no letter beyond ASCII, and orjson makes them in a fifth of the time.
    """
    try:
        text = orjson.dumps(commands).decode()
    except TypeError:
        return encode_json(commands)
    return text if text.isascii() else encode_json(commands)


class Row(NamedTuple):
    """One batch as stored. `session` is empty and `number` 0 for the matcher's own commands."""

    first: int
    last: int
    session: str
    number: int
    time_us: int
    epoch: int
    body: bytes
    hash: bytes

    @property
    def commands_json(self) -> bytes:
        """The commands, a JSON array, as they were sent."""
        return self.body[self.body.index(_COMMANDS) + len(_COMMANDS) : self.body.index(_EVENTS)]

    @property
    def events_json(self) -> bytes:
        """One JSON array of events for each command."""
        return self.body[self.body.index(_EVENTS) + len(_EVENTS) : -1]


def make_row(
    *, first: int, last: int, session: str, number: int, time_us: int, epoch: int, commands_json: str,
    events_json: str, previous_hash: bytes,
) -> Row:  # fmt: skip
    """Build a row and chain it. Both JSON texts must be ASCII, as encode_json makes them."""
    head = _head((first, last, session, number, time_us, epoch))
    body = f'{head},"commands":{commands_json},"events":{events_json}}}'.encode("ascii")
    return Row(first, last, session, number, time_us, epoch, body, chain(previous_hash, body))


def _head(columns: tuple[Any, ...]) -> str:
    return '{"first":%d,"last":%d,"session":"%s","number":%d,"time":%d,"epoch":%d' % columns  # noqa: UP031  of a tuple


def chain(previous_hash: bytes, body: bytes) -> bytes:
    """The hash of a row, over the hash of the row before it and its own bytes."""
    return sha256(previous_hash + body).digest()


def head_matches(row: Row) -> bool:
    """Whether the columns say what the hashed body says."""
    head = _head(row[:6]).encode()
    return row.body.startswith(head + _COMMANDS)


COLUMNS: Final = "first, last, session, number, time_us, epoch, body, hash"
# `first` is the key; as no batch is longer than BATCH_COMMANDS_MAX, this finds the row that holds after + 1 by it.
_SELECT: Final = (
    f"SELECT {COLUMNS} FROM matching_journal"  # noqa: S608  constants only
    f" WHERE first > %s - {BATCH_COMMANDS_MAX} AND first <= %s AND last > %s ORDER BY first LIMIT %s"
)
# The same, but only as many of the first rows as have this many bytes together, and always one.
_SELECT_BYTES: Final = (
    f"SELECT {COLUMNS} FROM (SELECT *, sum(octet_length(body)) OVER (ORDER BY first) - octet_length(body) AS before"  # noqa: S608
    f" FROM ({_SELECT}) AS found) AS counted WHERE before < %s ORDER BY first"
)
_NO_END: Final = 2**63 - 1


def select_rows(
    connection: Any, *, after: int, limit: int, up_to: int | None = None, bytes_max: int | None = None
) -> list[Row]:
    """Rows with a command of after < sequence <= up_to, in order. `connection`: psycopg's or Django's.

    With `bytes_max`, no more rows once their bodies have that many bytes; there is always one, if there is any.
    """
    where = (after, _NO_END if up_to is None else up_to, after, limit)
    with connection.cursor() as cursor:
        if bytes_max is None:
            cursor.execute(_SELECT, where)
        else:
            cursor.execute(_SELECT_BYTES, (*where, bytes_max))
        return [Row._make((*columns[:6], bytes(columns[6]), bytes(columns[7]))) for columns in cursor.fetchall()]
