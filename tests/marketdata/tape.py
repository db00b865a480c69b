"""Journal batches for tests of folds: random commands through the reference engine, cut into batches."""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from matching.engine.commands import FIELDS
from matching.rows import decode_json, encode_json
from tests.engine.generate import SeededChoice
from tests.engine.kinds import KINDS
from tests.engine.reference import ReferenceEngine
from tests.projections import is_usual

LOT_ATOMS = 2 + FIELDS["market"].index("lot_atoms")


class TapeBatch(NamedTuple):
    """As matching.journal.Batch has them."""

    first: int
    time_us: int
    events: list[list[list[Any]]]


def as_json(event: tuple[Any, ...]) -> list[Any]:
    """An event as it comes back from the journal."""
    found: list[Any] = decode_json(encode_json(event))
    return found


def tape(seed: int, steps: int, engine: ReferenceEngine, *, kind: str = "mixed") -> Iterator[TapeBatch]:
    """Drive `engine` with random commands of a kind; a batch has one time, so it ends when time moves."""
    make, opens = KINDS[kind]
    generator = make(SeededChoice(seed), engine)
    cut = random.Random(seed)
    first, time_us, events = 1, 0, []
    given = opens()
    for number in range(steps):
        command, at = given[number] if number < len(given) else generator.step()
        if not is_usual(command):
            continue
        if command[0] == "market" and command[LOT_ATOMS] == 3:
            # A third is no finite decimal, and such a market is never listed.
            command[LOT_ATOMS] = 5
        if events and (at != time_us or cut.random() < 0.2):
            yield TapeBatch(first, time_us, events)
            first, events = first + len(events), []
        time_us = at
        events.append([as_json(event) for event in engine.apply(command, at)])
    yield TapeBatch(first, time_us, events)
