"""The state manager on a journal: blocks, checkpoints and offset move together, and a restart finds each root."""

import random

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from matching import journal
from matching.projection import advance, offset
from rollup import alarm, blocks, projection
from rollup.models import Block, BlockRequest, Checkpoint, ProvingTask
from rollup.projection import NAME, make_part, make_projection
from rollup.state.book import StateWrong
from rollup.state.ledger import Ledger
from rollup.state.parameters import DEV, TINY
from rollup.state.published import apply_block
from rollup.state.slots import domain_of
from rollup.verification import rebuild
from tests.projections import catch_up, rows_of
from tests.rollup.exchange import Exchange, all_proven, close_and_catch_up, make
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
    here = make()
    for _ in range(4):
        exchange.go_on(60)
        close_and_catch_up(here)
        assert totals_of(published_state()) == exchange.totals()
    assert offset(NAME) == exchange.writer.engine.sequence
    assert Block.objects.count() == ProvingTask.objects.count() > 4
    assert not BlockRequest.objects.exists()


def test_a_restart_at_any_place_goes_on_as_if_nothing_had_been(exchange):
    chance = random.Random(5)
    here = make()
    for _ in range(6):
        exchange.go_on(chance.randrange(10, 60))
        catch_up(here)
        if chance.randrange(2):
            all_proven()
            blocks.request_block()
            here.age()
        here = make()
        # The new process finds what was open in the journal, and every root that was stored.
        here.load()
    close_and_catch_up(here)
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


def everything() -> dict[str, list[tuple[object, ...]]]:
    return rows_of(["rollup_block", "rollup_checkpoint", "rollup_provingtask", "matching_projectionoffset"])


def test_a_crash_before_the_commit_leaves_everything_as_it_was_and_the_next_resumes(exchange):
    exchange.go_on(60)
    here = make()
    close_and_catch_up(here)
    before = everything()
    exchange.go_on(200)
    blocks.request_block()

    class Killed(Exception):
        pass

    with pytest.raises(Killed), transaction.atomic():
        assert advance(here, journal.read(after=here.sequence, limit=500))
        assert Block.objects.count() > len(before["rollup_block"])
        raise Killed
    assert everything() == before
    close_and_catch_up(make())
    assert totals_of(published_state()) == exchange.totals()


def test_of_two_that_run_at_once_one_seals(exchange):
    exchange.go_on(60)
    one, other = make(), make()
    catch_up(one)
    other.load()
    exchange.go_on(100)
    batches = journal.read(after=one.sequence, limit=500)
    assert advance(one, batches)
    rows = everything()
    assert not advance(other, batches)
    assert everything() == rows
    exchange.go_on(50)
    close_and_catch_up(other)
    assert totals_of(published_state()) == exchange.totals()
    assert list(Block.objects.order_by("number").values_list("number", flat=True)) == list(
        range(1, Block.objects.count() + 1)
    )


def test_a_request_closes_what_is_open_once_and_nothing_where_nothing_is(exchange):
    exchange.go_on(60)
    here = make()
    close_and_catch_up(here)
    all_proven()
    count = Block.objects.count()
    blocks.request_block()
    blocks.request_block()
    assert BlockRequest.objects.count() == 1
    here.age()
    assert (Block.objects.count(), BlockRequest.objects.count()) == (count, 0)


def test_while_proofs_lag_the_open_block_covers_more(exchange):
    exchange.go_on(60)
    here = make()
    catch_up(here)
    count = Block.objects.count()
    assert count >= blocks.UNPROVEN_MAX
    blocks.request_block()
    here.age()
    assert Block.objects.count() == count
    # The request stands, and is honoured as soon as the provers have caught up.
    all_proven()
    here.age()
    assert (Block.objects.count(), BlockRequest.objects.count()) == (count + 1, 0)


def test_a_block_is_on_the_disk_before_anybody_hears_of_it(exchange):
    """Other projections may lose their last rows with the machine; a block that was proven must not come out anew."""
    exchange.go_on(60)
    here = make()
    here.load()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        here.fold(journal.read(after=0, limit=500))
        here.write(cursor)
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
    assert Block.objects.exists()


@pytest.fixture
def often(monkeypatch) -> None:
    """Checkpoints at every second block."""
    monkeypatch.setattr(projection, "CHECKPOINT_BLOCKS", 2)


@pytest.mark.usefixtures("often")
def test_a_start_reads_the_journal_from_the_last_checkpoint_on_and_not_before(exchange):
    exchange.go_on(150)
    close_and_catch_up(make())
    newest = Checkpoint.objects.latest("block_id")
    assert newest.block_id > 1
    assert offset(blocks.CHECKPOINT_NAME) == newest.sequence - 1
    # What lies before may be archived.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM matching_journal WHERE last < %s", [newest.sequence])
    make().load()
    exchange.go_on(50)
    close_and_catch_up(make())
    assert totals_of(published_state()) == exchange.totals()


@pytest.mark.usefixtures("often")
def test_few_checkpoints_are_kept_among_them_the_one_before_the_last_final_block(exchange):
    for _ in range(8):
        exchange.go_on(30)
        close_and_catch_up(make())
        Block.objects.filter(number__lte=Block.objects.count() - 3).update(status=Block.Status.FINAL)
    assert Checkpoint.objects.order_by("block_id").first().block_id > 1
    assert Checkpoint.objects.count() <= blocks.CHECKPOINTS_KEPT + 1
    final = Block.objects.filter(status=Block.Status.FINAL).latest("number")
    assert Checkpoint.objects.filter(block_id__lte=final.number).exists()


# ---- what is wrong


def add_to_word(number: int, place: int, add: int) -> None:
    block = Block.objects.get(number=number)
    block.data[place] = str(int(block.data[place]) + add)
    block.save()


DAMAGE = {
    "root_differs": lambda: add_to_word(Block.objects.latest("number").number, 2, 1),
    "slots_differ": lambda: add_to_word(Block.objects.latest("number").number, 5, 1 << 44),
    "boundary_differs": lambda: Block.objects.filter(number=Block.objects.latest("number").number - 1).delete(),
}


@pytest.mark.parametrize("code", DAMAGE)
def test_a_damaged_block_stops_start_and_rebuild_and_nothing_is_written(exchange, redis_client, settings, code):
    settings.ROLLUP_PARAMETERS = TINY.name
    exchange.go_on(150)
    close_and_catch_up(make())
    Checkpoint.objects.all().delete()
    DAMAGE[code]()
    before = everything()
    with pytest.raises(StateWrong, match=code):
        make().load()
    assert alarm.reason().startswith(code)
    with pytest.raises(CommandError, match=code):
        call_command("rebuild", "rollup")
    assert everything() == before


@pytest.mark.parametrize("field", ["root", "state"])
def test_a_damaged_checkpoint_stops_the_start_until_a_rebuild(exchange, redis_client, settings, field):
    settings.ROLLUP_PARAMETERS = TINY.name
    exchange.go_on(150)
    close_and_catch_up(make())
    blocks_before = stored()
    if field == "root":
        Checkpoint.objects.update(root=1)
    else:
        Checkpoint.objects.update(state=b"nothing")
    with pytest.raises(StateWrong, match="checkpoint_differs"):
        make().load()
    assert alarm.reason().startswith("checkpoint_differs")
    call_command("rebuild", "rollup")
    make().load()
    assert alarm.reason() == ""
    assert stored() == blocks_before


def test_events_that_cannot_be_stop_it_before_anything_is_written(exchange, redis_client, monkeypatch):
    exchange.go_on(60)
    close_and_catch_up(make())
    exchange.go_on(200)
    before = everything()

    def lost(self: Authority, number: int) -> None:
        raise LookupError("lost")

    monkeypatch.setattr(Authority, "key", lost)
    here = make()
    with pytest.raises(StateWrong, match="key_missing"):
        catch_up(here)
    assert everything() == before
    assert alarm.reason().startswith("key_missing")
    monkeypatch.undo()
    close_and_catch_up(make())
    assert alarm.reason() == ""
    assert totals_of(published_state()) == exchange.totals()


def test_another_contract_does_not_go_on_with_these_blocks(exchange, redis_client, monkeypatch):
    exchange.go_on(60)
    close_and_catch_up(make())
    exchange.go_on(60)
    all_proven()
    before = everything()
    monkeypatch.setattr(Authority, "domain", lambda self: domain_of(31337, 0x5678))
    here = make()
    blocks.request_block()
    with pytest.raises(StateWrong, match="deployment_differs"):
        catch_up(here)
    assert everything() == before


def test_trees_of_another_size_do_not_go_on_with_these_blocks(exchange, redis_client):
    exchange.go_on(60)
    close_and_catch_up(make())
    with pytest.raises(StateWrong, match="checkpoint_differs"):
        make_projection(parameters=DEV, authority=Authority()).load()
