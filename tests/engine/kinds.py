"""The kinds of random histories there are, and histories of a given length from a seed."""

from collections.abc import Iterator
from contextlib import contextmanager

from matching.engine import limits
from tests.engine.chain import ChainGenerator, chain_opening
from tests.engine.crowd import CrowdGenerator, crowd_opening
from tests.engine.generate import Generator, SeededChoice, Step, opening
from tests.engine.reference import ReferenceEngine
from tests.engine.tangle import TangleGenerator, tangle_opening

KINDS = {
    "mixed": (Generator, opening),
    "crowd": (CrowdGenerator, crowd_opening),
    "chain": (ChainGenerator, chain_opening),
    "tangle": (TangleGenerator, tangle_opening),
    "tight": (TangleGenerator, tangle_opening),
}


# Limits of a command that are reached all the time: by their names in matching.engine.limits.
TIGHT = {"MEETINGS": 4, "FILL_OR_KILL": 3, "TURNS": 2, "TURN_TRADES": 3, "DUE": 3, "DUE_EVENTS": 4}


@contextmanager
def limits_of(kind: str) -> Iterator[None]:
    """The limits of a command that both engines keep in histories of a kind."""
    before = {name: getattr(limits, name) for name in TIGHT}
    try:
        _limit(TIGHT if kind == "tight" else before)
        yield
    finally:
        _limit(before)


def _limit(values: dict[str, int]) -> None:
    for name, value in values.items():
        setattr(limits, name, value)
        setattr(ReferenceEngine, f"max_{name.lower()}", value)


def history(seed: int | str, length: int, *, kind: str = "mixed") -> list[Step]:
    """The opening and `length` random steps after it."""
    engine = ReferenceEngine()
    make, opens = KINDS[kind]
    steps = opens()
    for command, time_us in steps:
        engine.apply(command, time_us)
    generator = make(SeededChoice(seed), engine)
    for _ in range(length):
        steps.append(generator.step())
        engine.apply(*steps[-1])
    return steps
