"""Hypothesis's side of the generator: histories of commands that shrink."""

from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from matching.engine.commands import LEG_FIELDS
from tests.engine.generate import Step
from tests.engine.kinds import KINDS
from tests.engine.reference import ReferenceEngine

T = TypeVar("T")


class DrawnChoice:
    """Decisions drawn by hypothesis, which shrinks them towards lower numbers and earlier options."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def one_of(self, options: Sequence[T]) -> T:
        return options[self.draw(st.integers(0, len(options) - 1))]


@st.composite
def histories(draw: st.DrawFn, *, longest: int = 40, kind: str = "mixed") -> list[Step]:
    """An opening, then up to `longest` commands of a kind, each made for the state that those before it left."""
    engine = ReferenceEngine()
    make, opens = KINDS[kind]
    steps = opens()
    for command, time_us in steps:
        engine.apply(command, time_us)
    generator = make(DrawnChoice(draw), engine)
    for _ in range(draw(st.integers(1, longest))):
        command, time_us = generator.step()
        engine.apply(command, time_us)
        steps.append((command, time_us))
    return steps


def command_values() -> st.SearchStrategy[Any]:
    """Integers of every size that a field may carry, for single commands out of the blue."""
    return st.one_of(
        st.integers(-2, 12), st.sampled_from((-(2**200), -(2**63), 2**48 - 1, 2**48, 2**63, 2**96 - 1, 2**96, 2**200))
    )


def legs() -> st.SearchStrategy[Any]:
    """A leg of a list: its fields have nothing to do with each other."""
    names = st.sampled_from(("", "k", "other"))
    return st.tuples(*(names if name == "client_id" else command_values() for name in LEG_FIELDS)).map(list)
