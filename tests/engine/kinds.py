"""The kinds of random histories there are, and histories of a given length from a seed."""

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
}


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
