"""Blocks: each builds on the one before, takes the queue in order, and pays out what it says."""

from dataclasses import replace

import boa
import pytest
from eth.exceptions import Revert

from rollup.calldata import submit_arguments
from rollup.state.field import MODULUS
from rollup.state.parameters import TINY
from rollup.state.slots import DEPOSIT, FORCED_EXIT, NET, SET_KEY, WITHDRAW, Slot, words
from tests.rollup.contracts.world import NO_PROOF, WINDOW_S, World, key, put, reverts, source

SKEW_S = 900
KEY_1 = Slot(op=SET_KEY, account=1, new_key=key(1), nonce=1 << 32)
ALICE_S_NET = Slot(op=NET, account=1, tokens=(1, 2), amounts=(2**96 - 1, 5), credits=(1, 1), fees=(9, 2**96 - 1))


def paid_in(amount: int = 1_000, token: int = 1, account: int = 1) -> Slot:
    return Slot(op=DEPOSIT, account=account, tokens=(token, 0), amounts=(amount, 0))


def taken_out(amount: int, recipient: str, token: int = 1) -> Slot:
    return Slot(op=WITHDRAW, account=1, tokens=(token, 0), amounts=(amount, 0), recipient=int(recipient, 16))


def forced_out(amount: int, token: int = 1, account: int = 1) -> Slot:
    return Slot(op=FORCED_EXIT, account=account, tokens=(token, 0), amounts=(amount, 0))


@pytest.fixture
def funded(world: World) -> World:
    """Alice's account 1 has 1,000 atoms of token 1, in a first block."""
    world.register()
    world.deposit()
    world.submit(KEY_1, paid_in())
    return world


def test_a_block_changes_root_number_and_time(world: World) -> None:
    now = boa.env.timestamp
    world.submit(ALICE_S_NET, new_root=77, timestamp=now)
    assert (world.rollup.root(), world.rollup.block_number(), world.rollup.timestamp()) == (77, 1, now)


def test_only_the_operator_submits(world: World) -> None:
    arguments = submit_arguments(world.data(), 7, NO_PROOF)
    world.refused("not_operator", world.alice, "submit_block", *arguments)
    world.refused("not_operator", world.owner, "submit_block", *arguments)


def test_a_block_is_a_transactions_and_stands_in_its_calldata(world: World) -> None:
    between = put(source("passing_on.vy"))
    world.by(world.owner, "set_operator", between.address)
    whole = world.rollup.submit_block.prepare_calldata(*submit_arguments(world.data(), 7, NO_PROOF))
    before = world.snapshot()
    with boa.env.prank(world.alice), reverts("not_a_transaction"):
        between.pass_on(world.rollup.address, whole)
    # Nor that of an account which has code, as a delegated one.
    world.refused("not_a_transaction", between.address, "submit_block", *submit_arguments(world.data(), 7, NO_PROOF))
    assert world.snapshot() == before


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ({"domain": 0}, "wrong_domain"),
        ({"old_root": 1}, "stale_root"),
        ({"number": 2}, "wrong_number"),
        ({"number": 0}, "wrong_number"),
        ({"new_root": MODULUS}, "not_a_field_element"),
        ({"new_root": 2**256 - 1}, "not_a_field_element"),
    ],
)
def test_the_words_that_the_contract_knows_cannot_be_forged(world: World, head: dict[str, int], reason: str) -> None:
    world.block_refused(reason, **head)


def test_a_block_of_another_contract_or_chain_is_refused(world: World) -> None:
    domain = world.rollup.DOMAIN()
    world.block_refused("wrong_domain", domain=domain + 1)
    world.block_refused("wrong_domain", domain=domain + (1 << 160))


def test_a_block_cannot_come_twice(world: World) -> None:
    arguments = submit_arguments(world.data(), 7, NO_PROOF)
    world.by(world.operator, "submit_block", *arguments)
    world.refused("stale_root", world.operator, "submit_block", *arguments)


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("slot", [0, TINY.slots - 1])
@pytest.mark.parametrize("more", [0, 1, 2**256 - 1 - MODULUS])
def test_no_word_is_beyond_the_field(world: World, place: int, slot: int, more: int) -> None:
    data = world.data()
    data[5 + 3 * slot + place] = MODULUS + more
    world.refused("not_a_field_element", world.operator, "submit_block", *submit_arguments(data, 7, NO_PROOF))


def test_neither_is_the_commitment(world: World) -> None:
    world.refused(
        "not_a_field_element", world.operator, "submit_block", *submit_arguments(world.data(), MODULUS, NO_PROOF)
    )


def test_calldata_has_exactly_the_length_of_a_block(world: World) -> None:
    whole = world.rollup.submit_block.prepare_calldata(*submit_arguments(world.data(), 7, NO_PROOF))
    before = world.snapshot()
    for calldata in (whole[:-1], whole[:-32], whole + b"\x00", whole + bytes(32), whole[:4]):
        with boa.env.prank(world.operator), pytest.raises(Revert):
            boa.env.raw_call(world.rollup.address, data=calldata)
        assert world.snapshot() == before
    with boa.env.prank(world.operator):
        boa.env.raw_call(world.rollup.address, data=whole)
    assert world.rollup.block_number() == 1


def test_a_wrong_proof_changes_nothing(funded: World) -> None:
    with boa.env.prank(funded.owner):
        funded.verifier.set_answer(False)
    funded.exit()
    funded.block_refused("wrong_proof", taken_out(10, funded.bob), forced_out(990))


def test_time_does_not_go_back_nor_far_ahead(funded: World) -> None:
    last, now = funded.rollup.timestamp(), boa.env.timestamp
    funded.block_refused("timestamp_goes_back", timestamp=last - 1)
    funded.block_refused("timestamp_ahead", timestamp=now + SKEW_S + 1)
    funded.submit(timestamp=now + SKEW_S)
    funded.block_refused("timestamp_goes_back", timestamp=now)
    funded.submit(timestamp=now + SKEW_S)


def test_a_block_is_no_older_than_the_window(world: World) -> None:
    begun = boa.env.timestamp
    world.wait(WINDOW_S + 1)
    world.block_refused("timestamp_too_old", timestamp=begun)
    world.submit(timestamp=begun + 1)


def test_the_queue_is_taken_in_order(world: World) -> None:
    world.register()
    world.deposit(amount=1_000)
    world.deposit(amount=2_000)
    world.submit(KEY_1)
    assert world.rollup.next_entry() == 2
    world.block_refused("not_the_next_entry", paid_in(2_000))  # skipped
    world.block_refused("not_the_next_entry", paid_in(2_000), paid_in(1_000))  # reordered
    world.block_refused("not_the_next_entry", paid_in(1_000), paid_in(2_000), paid_in(3_000))  # invented
    world.submit(ALICE_S_NET, paid_in(1_000), ALICE_S_NET, paid_in(2_000))
    assert (world.rollup.next_entry(), world.rollup.pending()) == (4, 0)
    world.block_refused("not_the_next_entry", paid_in(2_000))  # taken already


@pytest.mark.parametrize(
    "slot",
    [
        paid_in(1_001),
        paid_in(999),
        paid_in(token=2),
        replace(paid_in(), tokens=(1, 2)),
        replace(paid_in(), amounts=(1_000, 1)),
        paid_in(account=0),
        paid_in(account=2),
        forced_out(1_000),
        Slot(op=SET_KEY, account=1, new_key=key(1), nonce=2 << 32),
    ],
)
def test_an_entry_is_taken_as_it_is(world: World, slot: Slot) -> None:
    world.register()
    world.deposit()
    world.submit(KEY_1)
    world.block_refused("not_the_next_entry", slot)


def test_a_key_is_the_one_that_was_queued(world: World) -> None:
    world.register()
    other_x, other_y = (Slot(op=SET_KEY, account=1, new_key=pair, nonce=1 << 32) for pair in (
        key(1)._replace(x=key(2).x), key(1)._replace(y=key(2).y),
    ))  # fmt: skip
    world.block_refused("not_the_next_entry", other_x)
    world.block_refused("not_the_next_entry", other_y)
    world.submit(KEY_1)


@pytest.mark.parametrize("nonce", [0, 1, 2 << 32, (1 << 32) + 1, (1 << 32) - 1, (1 << 32) + 2**63])
def test_nonces_of_a_key_begin_at_its_entry(world: World, nonce: int) -> None:
    world.register()
    world.block_refused("wrong_nonce", Slot(op=SET_KEY, account=1, new_key=key(1), nonce=nonce))


def test_what_a_withdrawal_pays_stays_locked_until_it_is_claimed(funded: World) -> None:
    funded.submit(taken_out(300, funded.bob), taken_out(200, funded.bob), taken_out(100, funded.alice))
    assert funded.rollup.locked(1) == 1_000
    funded.by(funded.owner, "claim", *funded.claim_of(0, 2))
    assert (funded.tokens[1].balanceOf(funded.bob), funded.rollup.locked(1)) == (300, 600)
    funded.check_backing()


def test_only_blocks_that_pay_out_keep_a_word_of_it(funded: World) -> None:
    assert funded.rollup.payouts_of(1) == 0
    funded.submit(ALICE_S_NET)
    assert funded.rollup.payouts_of(2) == 0
    funded.submit(taken_out(300, funded.bob))
    assert funded.rollup.payouts_of(3) != 0


def test_more_than_came_in_cannot_go_out_whatever_a_proof_says(funded: World) -> None:
    funded.submit(taken_out(1_001, funded.bob), taken_out(1_000, funded.alice), taken_out(1, funded.bob))
    before = funded.snapshot()
    for positions in ((0,), (1, 2), (2, 1), (0, 1, 2)):
        with reverts(""):
            funded.by(funded.bob, "claim", *funded.claim_of(*positions))
        assert funded.snapshot() == before
    funded.by(funded.bob, "claim", *funded.claim_of(1))
    with reverts(""):
        funded.by(funded.bob, "claim", *funded.claim_of(2))
    assert funded.tokens[1].balanceOf(funded.rollup.address) == funded.rollup.locked(1) == 0


@pytest.mark.parametrize("recipient", [0, 2**160, MODULUS - 1])
def test_a_withdrawal_goes_to_an_address(funded: World, recipient: int) -> None:
    funded.block_refused(
        "recipient_is_no_address",
        Slot(op=WITHDRAW, account=1, tokens=(1, 0), amounts=(10, 0), recipient=recipient),
    )


def test_exits_are_taken_with_whatever_amount_they_have_and_nothing_else_of_another(funded: World) -> None:
    funded.exit()
    for wrong in (forced_out(1_000, token=2), forced_out(1_000, account=2), replace(forced_out(5), tokens=(1, 2))):
        funded.block_refused("not_the_next_entry", wrong)
    funded.block_refused("not_the_next_entry", replace(forced_out(5), amounts=(5, 1)))
    funded.submit(forced_out(1_000))
    assert funded.rollup.next_entry() == 4


def test_entries_that_a_block_takes_are_not_taken_again_by_the_same_block(funded: World) -> None:
    funded.deposit(amount=500)
    funded.block_refused("not_the_next_entry", paid_in(500), paid_in(500))
    funded.submit(paid_in(500))


def test_a_chain_of_entries_goes_on_where_the_last_block_ended(funded: World) -> None:
    for amount in (100, 200, 300, 400):
        funded.deposit(amount=amount)
    funded.submit(paid_in(100))
    funded.submit()
    funded.block_refused("not_the_next_entry", paid_in(300))
    funded.submit(paid_in(200), paid_in(300))
    # Later entries are chained to what was taken meanwhile.
    funded.deposit(amount=600)
    funded.submit(paid_in(400), paid_in(600))
    assert (funded.rollup.next_entry(), funded.rollup.pending()) == (8, 0)


def test_an_op_that_is_none_is_refused(world: World) -> None:
    data = world.data()
    data[5] = 10
    world.refused("unknown_op", world.operator, "submit_block", *submit_arguments(data, 7, NO_PROOF))


def test_words_that_only_look_like_the_queues_are_left_alone(world: World) -> None:
    # Amounts and accounts of a slot must not be taken for its op.
    slot = Slot(op=NET, account=63, tokens=(3, 3), amounts=(2**96 - 1, 2**96 - 1), credits=(1, 1), fees=(7, 7))
    assert words(slot)[0] & 15 == NET
    world.submit(slot)
    assert world.rollup.next_entry() == 1
