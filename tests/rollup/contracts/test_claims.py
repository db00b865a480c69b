"""Payouts of blocks: presented as the block's data has them, paid to whom they belong, once."""

from collections.abc import Sequence

import boa
import pytest

from rollup.state.slots import FORCED_EXIT, NET, WITHDRAW, Slot
from tests.rollup.contracts.test_blocks import KEY_1, forced_out, paid_in, taken_out
from tests.rollup.contracts.world import BOND, FEE, World, key, put, reverts, source


@pytest.fixture
def paying(world: World) -> World:
    """A second block pays 300 to bob and 200 to alice from account 1, and its exit of token 2, empty, to alice."""
    world.register()
    world.deposit()
    world.submit(KEY_1, paid_in())
    world.exit(token=2)
    world.submit(taken_out(300, world.bob), taken_out(200, world.alice), Slot(op=NET), forced_out(0, token=2))
    return world


def test_a_claim_pays_its_recipient_once(paying: World) -> None:
    # Anybody may have it paid, to whom it belongs.
    paying.by(paying.owner, "claim", *paying.claim_of(0))
    assert paying.tokens[1].balanceOf(paying.bob) == 300
    paying.refused("nothing_to_claim", paying.bob, "claim", *paying.claim_of(0))
    paying.check_backing()


def test_several_are_claimed_at_once_each_of_them_once(paying: World) -> None:
    rich = paying.tokens[1].balanceOf(paying.alice)
    paying.by(paying.bob, "claim", *paying.claim_of(1, 0, 1, 2))
    assert (paying.tokens[1].balanceOf(paying.bob), paying.tokens[1].balanceOf(paying.alice)) == (300, rich + 200)
    assert paying.rollup.claimable(paying.alice, 0) == BOND
    for positions in ((0,), (1,), (2,), (0, 1, 2)):
        paying.refused("nothing_to_claim", paying.bob, "claim", *paying.claim_of(*positions))
    paying.check_backing()


def test_those_that_somebody_was_faster_with_are_passed_over(paying: World) -> None:
    paying.by(paying.alice, "claim", *paying.claim_of(0))
    paying.by(paying.bob, "claim", *paying.claim_of(0, 1))
    assert paying.tokens[1].balanceOf(paying.bob) == 300
    assert paying.rollup.locked(1) == 500
    paying.check_backing()


def test_a_claim_names_what_it_claims(paying: World) -> None:
    paying.refused("nothing_to_claim", paying.bob, "claim", *paying.claim_of())
    for position in (3, 39, 40, 255, 256, 2**256 - 1):
        paying.refused("unknown_position", paying.bob, "claim", *paying.claim_of(position))
        paying.refused("unknown_position", paying.bob, "claim", *paying.claim_of(0, position))


def test_the_list_is_the_blocks(paying: World) -> None:
    _, listed, _ = paying.claim_of()
    more = [listed[0][0] + (1 << 44), listed[0][1]]
    other = [listed[0][0], int(paying.alice, 16)]
    lists: Sequence[list[list[int]]] = (
        [], listed[:1], listed[:2], listed[1:], [*listed, listed[0]], listed[::-1], [more, *listed[1:]],
        [other, *listed[1:]], [[0, 0], *listed], [[listed[0][1], listed[0][0]], *listed[1:]],
    )  # fmt: skip
    for wrong in lists:
        paying.refused("not_the_payouts", paying.bob, "claim", 2, wrong, [0])
    for number in (0, 1, 3, 2**256 - 1):
        paying.refused("not_the_payouts", paying.bob, "claim", number, listed, [0])
        paying.refused("not_the_payouts", paying.bob, "claim", number, [], [])


def test_blocks_that_pay_the_same_are_claimed_one_by_one(paying: World) -> None:
    again = (taken_out(300, paying.bob), taken_out(100, paying.bob))
    paying.submit(*again)
    paying.submit(taken_out(300, paying.bob))
    paying.by(paying.bob, "claim", *paying.claim_of(0, number=4))
    paying.refused("nothing_to_claim", paying.bob, "claim", *paying.claim_of(0, number=4))
    paying.by(paying.bob, "claim", *paying.claim_of(0, number=2))
    assert paying.tokens[1].balanceOf(paying.bob) == 600
    paying.check_backing()


def test_an_exit_pays_the_accounts_owner_and_gives_the_bond_back(paying: World) -> None:
    paying.exit()
    paying.by(paying.alice, "link_owner", 1, paying.bob)
    paying.submit(forced_out(500))
    paying.by(paying.operator, "claim", *paying.claim_of(0))
    assert paying.tokens[1].balanceOf(paying.bob) == 500
    assert (paying.rollup.claimable(paying.bob, 0), paying.rollup.claimable(paying.alice, 0)) == (BOND, 0)
    paying.refused("nothing_to_claim", paying.bob, "claim", *paying.claim_of(0))
    paying.check_backing()


def test_an_exit_can_be_asked_for_again_as_soon_as_a_block_took_it(paying: World) -> None:
    assert paying.exit(token=2) == 4
    paying.refused("exit_pending", paying.alice, "request_exit", 1, 2, value=BOND)
    paying.submit(forced_out(0, token=2))
    paying.exit(token=2)


def test_an_exit_of_nothing_needs_no_transfer(world: World) -> None:
    # A token that refuses every transfer does not keep the bond.
    token = put(source("odd_token.vy", kind='KIND: constant(String[8]) = "silent"\n'))
    world.by(world.owner, "add_token", 3, token.address, 1)
    world.register()
    world.exit(token=3)
    world.submit(KEY_1, forced_out(0, token=3))
    world.by(world.bob, "claim", *world.claim_of(0))
    assert world.rollup.claimable(world.alice, 0) == BOND


def test_a_token_that_refuses_keeps_nobody_from_the_other_payouts(world: World) -> None:
    token = put(source("stuck_token.vy"))
    world.by(world.owner, "add_token", 3, token.address, 1)
    world.register()
    world.deposit()
    world.by(world.alice, "deposit", 1, 3, 1_000)
    world.submit(KEY_1, paid_in(), paid_in(token=3))
    world.submit(taken_out(10, world.bob, token=3), taken_out(300, world.bob), taken_out(20, world.bob, token=3))
    before = world.snapshot()
    for positions in ((0,), (0, 1), (1, 0), (1, 2)):
        with reverts("stuck"):
            world.by(world.bob, "claim", *world.claim_of(*positions))
        assert world.snapshot() == before
    world.by(world.bob, "claim", *world.claim_of(1))
    assert world.tokens[1].balanceOf(world.bob) == 300
    token.let_go()
    world.by(world.bob, "claim", *world.claim_of(0, 2))
    assert token.balanceOf(world.bob) == 30


def test_a_withdrawal_of_the_chains_coin_takes_nobodys_bond(paying: World) -> None:
    # No token has the number 0: nothing is locked of it, whatever a proof says.
    paying.exit()
    paying.submit(taken_out(BOND, paying.bob, token=0))
    before = paying.snapshot()
    with reverts(""):
        paying.by(paying.bob, "claim", *paying.claim_of(0))
    assert paying.snapshot() == before


def test_a_recipient_cannot_claim_twice_by_calling_back(world: World) -> None:
    token = put(source("calling_token.vy"))
    world.by(world.owner, "add_token", 3, token.address, 1)
    world.register()
    world.by(world.alice, "deposit", 1, 3, 1_000)
    world.submit(KEY_1, paid_in(token=3))
    world.submit(taken_out(400, world.bob, token=3), taken_out(300, world.bob, token=3))
    number, listed, _ = world.claim_of()
    token.remember(number, listed, [0, 1])
    before = world.snapshot()
    with reverts(""):
        world.by(world.bob, "claim", number, listed, [0])
    assert world.snapshot() == before


def test_bonds_and_fees_are_collected_in_the_chains_coin(paying: World) -> None:
    paying.by(paying.bob, "claim", *paying.claim_of(2))
    before = boa.env.get_balance(paying.alice), boa.env.get_balance(paying.operator)
    paying.by(paying.bob, "collect", paying.alice, 0)
    paying.by(paying.bob, "collect", paying.operator, 0)
    after = boa.env.get_balance(paying.alice), boa.env.get_balance(paying.operator)
    assert after == (before[0] + BOND, before[1] + FEE)
    assert boa.env.get_balance(paying.rollup.address) == 0
    paying.refused("nothing_to_claim", paying.alice, "collect", paying.alice, 0)
    paying.refused("nothing_to_claim", paying.alice, "collect", paying.alice, 1)


def test_a_collector_cannot_collect_twice_by_calling_back(world: World) -> None:
    thief = put(source("thief.vy"), name="thief")
    boa.env.set_balance(thief.address, BOND)
    world.by(world.alice, "register", *key(1), thief.address, value=FEE)
    thief.ask_for_exit(world.rollup.address, 1, 1)
    # Another one's bond is there to be stolen.
    world.register(2)
    world.exit(account=2)
    world.submit(KEY_1, forced_out(0))
    world.by(world.bob, "claim", *world.claim_of(0))
    with reverts(""):
        world.by(world.bob, "collect", thief.address, 0)
    assert world.rollup.claimable(thief.address, 0) == BOND
    assert boa.env.get_balance(world.rollup.address) == 2 * BOND + 2 * FEE


def test_words_beside_those_of_a_payout_are_what_the_block_had(paying: World) -> None:
    assert [payout.word & 15 for payout in paying.payouts[2]] == [WITHDRAW, WITHDRAW, FORCED_EXIT]
    assert [payout.recipient for payout in paying.payouts[2]] == [int(paying.bob, 16), int(paying.alice, 16), None]
