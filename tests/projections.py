"""A journal without a matcher process, and projections run by hand: for tests of what is made from a journal."""

import random
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.db import connection

from matching import journal
from matching.engine import Engine
from matching.engine.commands import FIELDS, ORDER_SIGNATURE_FIELDS, SIGNATURE_FIELDS
from matching.projection import Projection, advance
from matching.rows import GENESIS_HASH, Row, encode_json, make_row
from orders.projection import make_projection as make_orders
from tests.engine.generate import SeededChoice
from tests.engine.kinds import KINDS
from tests.engine.reference import ReferenceEngine
from wallets.projection import make_projection as make_wallets

# What only the engine looks at, and what is ranged there.
WIDE = {*ORDER_SIGNATURE_FIELDS, *SIGNATURE_FIELDS, "recipient"}
INSERT = (
    "INSERT INTO matching_journal (first, last, session, number, time_us, epoch, body, hash)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)


class JournalWriter:
    """Applies commands to an engine and journals them as the matcher would, one row for each call of `write`."""

    def __init__(self, *, stores: bool = True) -> None:
        self.engine = Engine()
        self.rows: list[Row] = []
        self._hash = GENESIS_HASH
        self._stores = stores

    def write(self, commands: Sequence[Sequence[Any]], time_us: int) -> list[list[Any]]:
        """One batch, and the events of each of its commands."""
        first = self.engine.sequence + 1
        events = [self.engine.apply(command, time_us) for command in commands]
        row = make_row(
            first=first, last=self.engine.sequence, session="", number=0, time_us=time_us, epoch=1,
            commands_json=encode_json(commands), events_json=encode_json(events), previous_hash=self._hash,
        )  # fmt: skip
        self._hash = row.hash
        self.rows.append(row)
        if self._stores:
            store([row])
        return events


class RandomExchange:
    """A journal of random commands of a kind of tests.engine.kinds, from a seed: batches of one to twelve each."""

    def __init__(self, seed: int | str, *, stores: bool = True, kind: str = "mixed") -> None:
        self.writer = JournalWriter(stores=stores)
        self.random = random.Random(f"batches {seed}")
        self._slow = ReferenceEngine()
        make, opens = KINDS[kind]
        self._generator = make(SeededChoice(seed), self._slow)
        for command, time_us in opens():
            self._slow.apply(command, time_us)
            self.writer.write([command], time_us)

    @property
    def engine(self) -> Engine:
        """The engine at the journal's head."""
        return self.writer.engine

    def go_on(self, commands: int) -> None:
        """Journal at least so many more."""
        until = self.engine.sequence + commands
        while self.engine.sequence < until:
            batch = []
            time_us = self._slow.time_us
            for number in range(self.random.randint(1, 12)):
                command, chosen_us = self._generator.step()
                if not is_usual(command):
                    continue
                # A batch has one time, and the generator must see what each of its commands did.
                time_us = chosen_us if number == 0 else time_us
                time_us = max(time_us, self._slow.time_us)
                self._slow.apply(command, time_us)
                batch.append((command, time_us))
            for at in sorted({time_us for _, time_us in batch}):
                self.writer.write([command for command, time_us in batch if time_us == at], at)


@cache
def recorded(seed: int | str, commands: int) -> tuple[Row, ...]:
    """The journal of a random exchange, made once for all tests that ask for it and not yet stored."""
    exchange = RandomExchange(seed, stores=False)
    exchange.go_on(commands)
    return tuple(exchange.writer.rows)


def store(rows: Iterable[Row]) -> None:
    """Put rows into the journal."""
    with connection.cursor() as cursor:
        cursor.executemany(INSERT, [list(row) for row in rows])


def is_usual(command: Sequence[Any]) -> bool:
    """Whether an interface of the exchange could send it: ids, times and ppm fit into 63 bits, no engine's version."""
    if command[0] == "engine":
        return False
    if command[0] in {"place", "replace", "amend", "cancel"}:
        return True
    named = zip(FIELDS[command[0]], command[2:], strict=True)
    return all(abs(value) < 2**63 for name, value in named if isinstance(value, int) and name not in WIDE)


def orders_projection(now_us: int = 0) -> Projection:
    """`orders` with a clock that stands at `now_us`, so that only the journal's time counts unless it is later."""
    return make_orders(now_us=lambda: now_us)


def catch_up(projection: Projection, *, chance: random.Random | None = None) -> None:
    """Fold what the journal has, in transactions of a random number of batches if `chance` is given."""
    projection.load()
    while batches := journal.read(after=projection.sequence, limit=chance.randint(1, 20) if chance else 500):
        assert advance(projection, batches)


def project_all(*, now_us: int = 0) -> None:
    """Fold the whole journal into the rows of orders and wallets, here and now."""
    for projection in (make_wallets(), orders_projection(now_us)):
        catch_up(projection)


def rows_of(tables: Iterable[str]) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of some tables, sorted."""
    found = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT * FROM {table}")
            found[table] = sorted(cursor.fetchall(), key=repr)
    return found
