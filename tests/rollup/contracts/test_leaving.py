"""What is left to everybody when the operator is gone: freeze, escapes, refunds."""

import boa
import pytest

from tests.rollup.contracts.test_blocks import KEY_1, forced_out, paid_in, taken_out
from tests.rollup.contracts.world import BOND, FEE, NO_PROOF, TIMELOCK_S, WINDOW_S, World, key, reverts


@pytest.fixture
def funded(world: World) -> World:
    """Alice's account 1 has 1,000 atoms of token 1, in a first block."""
    world.register()
    world.deposit()
    world.submit(KEY_1, paid_in())
    return world


@pytest.fixture
def frozen(funded: World) -> World:
    """The same, frozen over an exit of token 2 (entry 3), with a deposit behind it (entry 4)."""
    funded.exit(token=2)
    funded.deposit(amount=500)
    funded.freeze()
    return funded


def test_freezing_needs_an_entry_that_waits_for_too_long(funded: World) -> None:
    funded.wait(WINDOW_S * 10)
    funded.refused("nothing_waits", funded.bob, "freeze")
    funded.exit()
    funded.wait(WINDOW_S)
    funded.refused("window_open", funded.bob, "freeze")
    funded.wait(1)
    funded.by(funded.bob, "freeze")
    assert funded.rollup.is_frozen()
    funded.refused("frozen", funded.bob, "freeze")


def test_an_entry_that_was_taken_does_not_freeze(funded: World) -> None:
    funded.exit()
    funded.wait(WINDOW_S - 10)
    funded.deposit(amount=500)
    funded.submit(forced_out(1_000))
    funded.wait(11)
    # What waits now came later.
    funded.refused("window_open", funded.bob, "freeze")


def test_a_pause_does_not_stop_the_clock(funded: World) -> None:
    funded.by(funded.owner, "pause")
    funded.exit()
    funded.freeze()
    assert funded.rollup.is_frozen()


def test_frozen_is_frozen(frozen: World) -> None:
    frozen.block_refused("frozen")
    frozen.refused("frozen", frozen.alice, "deposit", 1, 1, 1_000)
    frozen.refused("frozen", frozen.alice, "register", *key(2), frozen.alice, value=FEE)
    frozen.refused("frozen", frozen.alice, "set_key", 1, *key(2))
    frozen.refused("frozen", frozen.alice, "request_exit", 1, 1, value=BOND)
    frozen.refused("frozen", frozen.owner, "set_verifiers", frozen.verifier.address, frozen.verifier.address)


def test_a_proposed_verifier_is_of_no_use_after_a_freeze(funded: World) -> None:
    funded.by(funded.owner, "set_verifiers", funded.verifier.address, funded.verifier.address)
    funded.exit()
    funded.freeze()
    funded.wait(TIMELOCK_S)
    funded.refused("frozen", funded.owner, "accept_verifiers")


def test_an_escape_pays_the_owner_once(frozen: World) -> None:
    frozen.by(frozen.bob, "escape", 1, 1, 1_000, NO_PROOF)
    assert frozen.rollup.claimable(frozen.alice, 1) == 1_000
    frozen.refused("escaped", frozen.bob, "escape", 1, 1, 1_000, NO_PROOF)
    frozen.refused("escaped", frozen.bob, "escape", 1, 1, 1, NO_PROOF)
    frozen.by(frozen.bob, "collect", frozen.alice, 1)
    frozen.check_backing()


def test_escaping_needs_a_freeze_and_a_proof_and_a_balance(funded: World) -> None:
    funded.refused("not_frozen", funded.alice, "escape", 1, 1, 1_000, NO_PROOF)
    funded.exit(token=2)
    funded.freeze()
    with boa.env.prank(funded.owner):
        funded.escape_verifier.set_answer(False)
    funded.refused("wrong_proof", funded.alice, "escape", 1, 1, 1_000, NO_PROOF)
    funded.refused("nothing_to_claim", funded.alice, "escape", 1, 1, 0, NO_PROOF)


def test_escapes_never_exceed_what_came_in(frozen: World) -> None:
    before = frozen.snapshot()
    with reverts(""):
        frozen.by(frozen.alice, "escape", 1, 1, 1_501, NO_PROOF)
    assert frozen.snapshot() == before


def test_what_waited_is_given_back_once(frozen: World) -> None:
    frozen.refused("not_that_entry", frozen.alice, "refund", 4, 1, 1, 501)
    frozen.refused("not_that_entry", frozen.alice, "refund", 4, 1, 2, 500)
    frozen.refused("not_that_entry", frozen.alice, "refund", 4, 2, 1, 500)
    frozen.refused("not_that_entry", frozen.alice, "refund", 4, 1, 1, 0)
    frozen.refused("not_that_entry", frozen.alice, "refund", 3, 1, 2, 500)
    frozen.refused("not_that_entry", frozen.alice, "refund", 5, 1, 1, 500)
    frozen.by(frozen.bob, "refund", 4, 1, 1, 500)
    frozen.by(frozen.bob, "refund", 3, 1, 2, 0)
    assert (frozen.rollup.claimable(frozen.alice, 1), frozen.rollup.claimable(frozen.alice, 0)) == (500, BOND)
    frozen.refused("given_back", frozen.alice, "refund", 4, 1, 1, 500)
    frozen.refused("given_back", frozen.alice, "refund", 3, 1, 2, 0)
    frozen.check_backing()


def test_what_a_block_took_is_not_given_back(frozen: World) -> None:
    frozen.refused("entry_taken", frozen.alice, "refund", 2, 1, 1, 1_000)


def test_nothing_is_given_back_while_the_exchange_runs(funded: World) -> None:
    funded.deposit(amount=500)
    funded.refused("not_frozen", funded.alice, "refund", 3, 1, 1, 500)


def test_all_get_out_and_nothing_is_left(frozen: World) -> None:
    frozen.by(frozen.bob, "escape", 1, 1, 1_000, NO_PROOF)
    frozen.by(frozen.bob, "refund", 4, 1, 1, 500)
    frozen.by(frozen.bob, "refund", 3, 1, 2, 0)
    frozen.by(frozen.bob, "collect", frozen.alice, 1)
    frozen.by(frozen.bob, "collect", frozen.alice, 0)
    assert frozen.tokens[1].balanceOf(frozen.rollup.address) == frozen.rollup.locked(1) == 0
    frozen.by(frozen.bob, "collect", frozen.operator, 0)
    assert boa.env.get_balance(frozen.rollup.address) == 0


def test_what_blocks_paid_out_is_claimed_after_a_freeze_too(funded: World) -> None:
    funded.submit(taken_out(300, funded.bob))
    funded.exit(token=2)
    funded.freeze()
    funded.by(funded.alice, "escape", 1, 1, 700, NO_PROOF)
    funded.by(funded.alice, "claim", *funded.claim_of(0, number=2))
    assert funded.tokens[1].balanceOf(funded.bob) == 300
    assert (funded.rollup.locked(1), funded.rollup.claimable(funded.alice, 1)) == (0, 700)
    funded.check_backing()


@pytest.mark.parametrize(
    ("account", "token", "amount"),
    [
        (1 | 1 << 24, 0, 500),  # the token's bits in the account's place
        (1, 1 | 1 << 8, 500),
        (1, 1 | 500 << 16, 2**200),
        (1, 1, 500 | 1 << 96),
        (2**256 - 1, 2**256 - 1, 2**256 - 1),
    ],
)
def test_no_other_numbers_make_an_entrys_word(frozen: World, account: int, token: int, amount: int) -> None:
    frozen.refused("out_of_range", frozen.bob, "refund", 4, account, token, amount)


def test_what_is_no_entry_of_the_queue_is_not_given_back(frozen: World) -> None:
    for index in (5, 6, 2**255, 2**256 - 1):
        frozen.refused("not_that_entry", frozen.bob, "refund", index, 1, 1, 500)
    frozen.refused("entry_taken", frozen.bob, "refund", 0, 1, 1, 500)


def test_a_key_that_waited_has_nothing_to_give_back(world: World) -> None:
    world.register()
    world.freeze()
    world.refused("not_that_entry", world.alice, "refund", 1, 1, 0, 0)


def test_giving_back_goes_in_any_order(frozen: World) -> None:
    frozen.by(frozen.bob, "refund", 3, 1, 2, 0)
    frozen.by(frozen.bob, "refund", 4, 1, 1, 500)
    frozen.check_backing()
