"""The state from the chain alone has the contract's root."""

import pytest
from django.core.management import CommandError, call_command

from rollup.models import Block
from rollup.rebuild import rebuild
from tests.rollup.made import ALICE, BOB


def test_calldata_alone_gives_the_contracts_root(proven, capsys):
    proven.another()
    while proven.view("block_number") < 2:
        proven.settle()
    # Our own rows are of no use for it.
    Block.objects.all().delete()
    found = rebuild(proven.deployed)
    assert found.is_right
    assert found.blocks == 2
    assert found.ledger.root == proven.view("root") == proven.maker.ledger.root
    assert found.ledger.account(ALICE).balances.get(1) == 499
    assert found.ledger.account(BOB).balances.get(1) == 1
    call_command("rebuild_state", "--from-l1")
    said = capsys.readouterr().out
    assert said.startswith("2 blocks, ")
    assert f"BTC: {500 / 10**8:.6f}" in said
    assert said.endswith("equal to the contract's\n")


def test_a_chain_without_blocks_gives_the_empty_state(world):
    found = rebuild(world.deployed)
    assert (found.blocks, found.is_right) == (0, True)


def test_a_chain_that_is_away_is_told(world, settings):
    settings.CHAIN_RPC_URL = "http://127.0.0.1:9"
    with pytest.raises(CommandError):
        call_command("rebuild_state", "--from-l1")
