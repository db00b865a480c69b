"""A journal of random commands, and the projection `rollup` on it with the tiny trees."""

import itertools

from matching.projection import SECOND_US, Projection
from rollup import blocks
from rollup.models import Block
from rollup.projection import make_projection
from rollup.state.parameters import TINY
from tests.projections import JournalWriter, catch_up
from tests.rollup.journals import Authority, random_steps


class Exchange:
    """A journal that grows by the steps of a random history."""

    def __init__(self, seed: int, commands: int = 400) -> None:
        self.writer = JournalWriter()
        self._steps = iter(random_steps(seed, commands))

    def go_on(self, commands: int) -> None:
        for _ in range(commands):
            command, time_us = next(self._steps)
            self.writer.write([command], time_us)

    def totals(self) -> dict[tuple[int, int], int]:
        engine = self.writer.engine
        return {
            (account, asset): sum(balance)
            for account in engine.accounts()
            for asset, balance in engine.balances(account).items()
            if sum(balance)
        }


def make() -> Projection:
    # Its clock goes on by a second with every look, so that it never finds that it has looked just now.
    seconds = itertools.count(10**10)
    return make_projection(parameters=TINY, authority=Authority(), now_us=lambda: next(seconds) * SECOND_US)


def close_and_catch_up(projection: Projection) -> None:
    """Until the journal's head is in a block."""
    catch_up(projection)
    all_proven()
    blocks.request_block()
    projection.age()


def all_proven() -> None:
    """As if provers had kept up."""
    Block.objects.filter(status=Block.Status.SEALED).update(status=Block.Status.PROVED)
