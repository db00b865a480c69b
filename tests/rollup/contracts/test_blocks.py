"""Blocks: each builds on the one before, takes the queue in order, and pays out what it says."""

import boa
import pytest
from eth.exceptions import Revert

from rollup.calldata import submit_arguments
from rollup.state.field import MODULUS
from rollup.state.parameters import TINY
from rollup.state.slots import DEPOSIT, FORCED_EXIT, NET, SET_KEY, WITHDRAW, Slot, words
from tests.rollup.contracts.world import BOND, NO_PROOF, WINDOW_S, World, key, reverts

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


def test_a_withdrawal_becomes_claimable(funded: World) -> None:
    funded.submit(taken_out(300, funded.bob), taken_out(200, funded.bob), taken_out(100, funded.alice))
    claimable = funded.rollup.claimable
    assert (claimable(funded.bob, 1), claimable(funded.alice, 1)) == (500, 100)
    assert funded.rollup.locked(1) == 400
    funded.check_backing()


def test_more_than_came_in_cannot_go_out_whatever_a_proof_says(funded: World) -> None:
    before = funded.snapshot()
    arguments = submit_arguments(funded.data([taken_out(1_001, funded.bob)]), 7, NO_PROOF)
    with reverts(""):
        funded.by(funded.operator, "submit_block", *arguments)
    assert funded.snapshot() == before


@pytest.mark.parametrize("recipient", [0, 2**160, MODULUS - 1])
def test_a_withdrawal_goes_to_an_address(funded: World, recipient: int) -> None:
    funded.block_refused(
        "recipient_is_no_address",
        Slot(op=WITHDRAW, account=1, tokens=(1, 0), amounts=(10, 0), recipient=recipient),
    )


def test_an_exit_pays_the_owner_and_gives_the_bond_back(funded: World) -> None:
    funded.exit()
    funded.by(funded.alice, "link_owner", 1, funded.bob)
    funded.submit(forced_out(1_000))
    assert (funded.rollup.claimable(funded.bob, 1), funded.rollup.claimable(funded.bob, 0)) == (1_000, BOND)
    assert (funded.rollup.locked(1), funded.rollup.pending_exit(1, 1)) == (0, 0)
    funded.check_backing()


def test_an_exit_of_nothing_gives_the_bond_back(funded: World) -> None:
    funded.exit(token=2)
    funded.submit(forced_out(0, token=2))
    assert (funded.rollup.claimable(funded.alice, 2), funded.rollup.claimable(funded.alice, 0)) == (0, BOND)


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
