"""The state manager on a journal: blocks, checkpoints and offset move together, and a restart finds each root."""

import random

import pytest

from matching.projection import offset
from rollup import blocks
from rollup.models import Block, BlockRequest, Checkpoint, ProvingTask
from rollup.projection import NAME, make_part
from rollup.rebuilding import rebuild
from rollup.state.ledger import Ledger
from rollup.state.parameters import TINY
from rollup.state.published import apply_block
from tests.projections import catch_up
from tests.rollup.exchange import Exchange, close_and_catch_up, make
from tests.rollup.journals import Authority, totals_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange(1)


def published_state() -> Ledger:
    """From what was published alone."""
    ledger = Ledger(TINY, 0)
    for data in Block.objects.order_by("number").values_list("data", flat=True):
        apply_block(ledger, [int(word) for word in data])
    return ledger


def stored() -> list[tuple[object, ...]]:
    """What must never change of blocks, and the checkpoints' roots."""
    return list(Block.objects.order_by("number").values_list("number", "old_root", "new_root", "data", "inputs"))


def test_blocks_hold_what_the_engine_holds(exchange):
    projection = make()
    for _ in range(4):
        exchange.go_on(60)
        close_and_catch_up(projection)
        assert totals_of(published_state()) == exchange.totals()
    assert offset(NAME) == exchange.writer.engine.sequence
    assert Block.objects.count() == ProvingTask.objects.count() > 4
    assert not BlockRequest.objects.exists()


def test_a_restart_at_any_place_goes_on_as_if_nothing_had_been(exchange):
    chance = random.Random(5)
    projection = make()
    for _ in range(6):
        exchange.go_on(chance.randrange(10, 60))
        catch_up(projection)
        if chance.randrange(2):
            blocks.request_block()
            projection.age()
        projection = make()
        # The new process finds what was open in the journal, and every root that was stored.
        projection.load()
    close_and_catch_up(projection)
    assert totals_of(published_state()) == exchange.totals()
    rows = stored()
    assert rebuild(make_part(parameters=TINY, authority=Authority())) == Block.objects.last().last_sequence
    assert stored() == rows


def test_without_checkpoints_all_is_replayed_and_the_roots_found(exchange):
    exchange.go_on(200)
    close_and_catch_up(make())
    rows = stored()
    Checkpoint.objects.all().delete()
    exchange.go_on(100)
    close_and_catch_up(make())
    assert stored()[: len(rows)] == rows
    assert totals_of(published_state()) == exchange.totals()
