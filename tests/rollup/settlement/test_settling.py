"""Blocks go to the chain in order, once each, and become final."""

import pytest

from rollup import proving
from rollup.models import Block, Submission
from rollup.settlement import LOCK_KEY
from tests.stack import wait_until


def test_a_proven_block_becomes_final_with_its_transaction(world):
    block = world.first()
    assert world.view("root") == block.old_root
    world.settle_until_final()
    block.refresh_from_db()
    assert (block.status, block.reason) == ("final", "")
    assert world.view("root") == block.new_root
    assert world.view("block_number") == 1
    assert world.view("next_entry") == 5
    submission = Submission.objects.get()
    receipt = world.chain.receipt(block.l1_tx)
    assert (submission.tx_hash, submission.status) == (block.l1_tx, "final")
    assert (block.l1_block, block.gas) == (receipt.block_number, receipt.gas_used)
    assert block.submitted_at
    assert block.final_at
    assert world.submitted() == [1]


def test_blocks_go_in_order_each_by_one_transaction(world):
    for make in (world.first, world.another, world.another):
        make()
    before = world.nonce()
    world.settle_until_final()
    assert world.submitted() == [1, 2, 3]
    assert world.transactions() == [(1, "final"), (2, "final"), (3, "final")]
    assert world.nonce() == before + 3
    assert world.view("root") == world.maker.ledger.root
    world.settle()
    assert world.nonce() == before + 3


def test_a_later_block_waits_for_the_proof_of_an_earlier_one(world):
    world.maker.first(time_s=world.now_s())
    assert proving.lease(worker="a slow one")
    world.another()
    assert world.settle() == ("proving", "")
    assert Block.objects.get(number=2).status == "proved"
    assert world.transactions() == []


def test_nothing_is_final_before_it_is_confirmed(proven, settings):
    settings.CHAIN_CONFIRMATIONS = 4
    assert proven.settle()[0] == "submitted"
    assert proven.settle()[0] == "submitted"
    assert proven.transactions() == [(1, "mined")]
    proven.rpc("anvil_mine", "0x2")
    assert proven.settle()[0] == "submitted"
    proven.rpc("anvil_mine", "0x1")
    wait_until(lambda: proven.settle()[0] == "final", "the keeper")


def test_the_next_block_does_not_wait_for_the_last_to_be_final(proven, settings):
    settings.CHAIN_CONFIRMATIONS = 50
    proven.another()
    for _ in range(3):
        proven.settle()
    assert proven.submitted() == [1, 2]
    assert proven.transactions() == [(1, "mined"), (2, "mined")]


def test_only_one_settles_at_a_time(proven, django_db_blocker):
    import psycopg
    from django.db import connection

    parameters = connection.get_connection_params()
    keep = {name: parameters[name] for name in ("dbname", "user", "password", "host", "port") if name in parameters}
    with psycopg.connect(**keep, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        assert proven.settle() == ("proved", "")
        assert proven.transactions() == []
    proven.settle_until_final()


@pytest.mark.parametrize("known", [True, False], ids=["row kept", "row lost"])
def test_a_block_that_is_on_the_chain_already_is_recognised(proven, known):
    proven.settle_until_final()
    nonce = proven.nonce()
    # As after a restored database: the chain has what our rows do not know of.
    if not known:
        Submission.objects.all().delete()
    else:
        Submission.objects.update(status="dropped")
    Block.objects.update(status="proved", l1_tx="", l1_block=None, gas=None)
    proven.settle_until_final()
    block = Block.objects.get()
    receipt = proven.chain.receipt(block.l1_tx)
    assert (block.status, block.gas, block.l1_block) == ("final", receipt.gas_used, receipt.block_number)
    assert proven.nonce() == nonce
    assert proven.submitted() == [1]


def test_another_block_of_the_same_number_on_the_chain_is_a_conflict(proven):
    proven.settle_until_final()
    Submission.objects.all().delete()
    Block.objects.update(status="proved", new_root=5)
    assert proven.settle() == ("failed", "conflict: the contract has another block of this number")
    assert proven.submitted() == [1]
