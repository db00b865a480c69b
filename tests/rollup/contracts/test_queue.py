"""Accounts and the queue: what is taken in, in which order, and what is refused."""

import boa
import pytest
from eth_abi import encode
from eth_utils import keccak

from rollup.state.babyjubjub import BASE, IDENTITY
from rollup.state.field import MODULUS
from rollup.state.parameters import TINY
from rollup.state.slots import DEPOSIT, FORCED_EXIT, SET_KEY, Slot
from tests.rollup.contracts.world import BOND, FEE, MINIMUM, PENDING_MAX, World, key, put, reverts, source

NOBODY = "0x" + "00" * 20


def test_accounts_are_numbered_in_order_and_their_keys_queued(world: World) -> None:
    assert (world.register(1), world.register(2, world.bob)) == (1, 2)
    assert (world.rollup.owner_of(1), world.rollup.owner_of(2)) == (world.alice, world.bob)
    assert (world.rollup.next_account(), world.rollup.queue_length(), world.rollup.pending()) == (3, 2, 2)


def test_account_0_is_the_operators_from_the_start(world: World) -> None:
    assert world.rollup.owner_of(0) == world.operator
    world.refused("not_account_owner", world.alice, "set_key", 0, *key(1))
    assert world.by(world.operator, "set_key", 0, *key(1)) == 1


def test_a_batch_is_registered_by_the_operator_for_one_owner(world: World) -> None:
    keys = [list(key(number)) for number in (1, 2, 3)]
    assert world.by(world.operator, "register_many", keys, world.bob) == 1
    assert [world.rollup.owner_of(account) for account in (1, 2, 3)] == [world.bob] * 3
    assert world.rollup.queue_length() == 3
    world.refused("not_operator", world.alice, "register_many", keys, world.alice)
    world.refused("no_keys", world.operator, "register_many", [], world.bob)
    world.refused("key_off_curve", world.operator, "register_many", [list(key(4)), [1, 2]], world.bob)


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        (BASE.x, BASE.y + 1, "key_off_curve"),
        (1, 2, "key_off_curve"),
        (0, IDENTITY.y, "key_of_low_order"),
        (0, MODULUS - 1, "key_of_low_order"),
        (BASE.x + MODULUS, BASE.y, "not_a_field_element"),
        (BASE.x, BASE.y + MODULUS, "not_a_field_element"),
        (2**256 - 1, 2**256 - 1, "not_a_field_element"),
    ],
)
def test_what_is_no_key_is_refused(world: World, x: int, y: int, reason: str) -> None:
    world.refused(reason, world.alice, "register", x, y, world.alice, value=FEE)
    world.register()
    world.refused(reason, world.alice, "set_key", 1, x, y)


def test_an_account_has_an_owner(world: World) -> None:
    world.refused("no_owner", world.alice, "register", *key(1), NOBODY, value=FEE)


def test_there_are_as_many_accounts_as_the_tree_has_leaves(world: World) -> None:
    for first in range(1, TINY.accounts, 3):
        keys = [list(key(number)) for number in range(first, min(first + 3, TINY.accounts))]
        account = world.by(world.operator, "register_many", keys, world.bob)
        slots = [
            Slot(op=SET_KEY, account=account + at, new_key=key(first + at), nonce=(account + at) << 32)
            for at in range(len(keys))
        ]
        world.submit(*slots)
    assert world.rollup.next_account() == TINY.accounts
    world.refused("no_accounts_left", world.alice, "register", *key(1), world.alice, value=FEE)


def test_only_its_owner_changes_an_account(world: World) -> None:
    world.register()
    world.refused("not_account_owner", world.bob, "set_key", 1, *key(2))
    world.refused("not_account_owner", world.bob, "request_exit", 1, 1, value=BOND)
    world.refused("not_account_owner", world.bob, "link_owner", 1, world.bob)
    world.refused("not_account_owner", world.alice, "set_key", 2, *key(2))
    world.refused("no_owner", world.alice, "link_owner", 1, NOBODY)
    world.by(world.alice, "link_owner", 1, world.bob)
    world.refused("not_account_owner", world.alice, "set_key", 1, *key(2))
    assert world.by(world.bob, "set_key", 1, *key(2)) == 2


def test_a_deposit_is_locked_and_queued(world: World) -> None:
    world.register()
    assert world.deposit(amount=1_000) == 2
    assert world.rollup.locked(1) == world.tokens[1].balanceOf(world.rollup.address) == 1_000
    # Anybody may pay in for anybody.
    world.give(world.tokens[1], world.bob)
    assert world.by(world.bob, "deposit", 1, 1, 500) == 3
    assert world.rollup.locked(1) == 1_500
    world.check_backing()


@pytest.mark.parametrize(
    ("account", "token", "amount", "reason"),
    [
        (0, 1, 1_000, "unknown_account"),
        (2, 1, 1_000, "unknown_account"),
        (2**256 - 1, 1, 1_000, "unknown_account"),
        (1, 0, 1_000, "unknown_token"),
        (1, 3, 1_000, "unknown_token"),
        (1, 1, 0, "below_minimum"),
        (1, 1, MINIMUM - 1, "below_minimum"),
        (1, 1, 2**96, "amount_out_of_range"),
        (1, 1, 2**256 - 1, "amount_out_of_range"),
    ],
)
def test_deposits_that_are_refused(world: World, account: int, token: int, amount: int, reason: str) -> None:
    world.register()
    world.refused(reason, world.alice, "deposit", account, token, amount)


def test_no_token_exceeds_what_a_balance_can_hold(world: World) -> None:
    world.register()
    world.deposit(amount=2**96 - 1 - MINIMUM)
    world.refused("too_much_locked", world.alice, "deposit", 1, 1, MINIMUM + 1)
    world.deposit(amount=MINIMUM)
    assert world.rollup.locked(1) == 2**96 - 1


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("fee", "transfer_of_another_amount"), ("silent", "transfer_failed"), ("gift", "transfer_of_another_amount")],
)
def test_tokens_that_deliver_something_else_are_refused(world: World, kind: str, reason: str) -> None:
    token = put(source("odd_token.vy", kind=f'KIND: constant(String[8]) = "{kind}"\n'))
    world.by(world.owner, "add_token", 3, token.address, MINIMUM)
    world.register()
    world.refused(reason, world.alice, "deposit", 1, 3, 1_000)


def test_a_token_that_says_nothing_is_accepted(world: World) -> None:
    token = put(source("quiet_token.vy"))
    world.by(world.owner, "add_token", 3, token.address, MINIMUM)
    world.register()
    assert world.by(world.alice, "deposit", 1, 3, 1_000) == 2


def test_a_token_cannot_call_back(world: World) -> None:
    token = put(source("odd_token.vy", kind='KIND: constant(String[8]) = "greedy"\n'))
    world.by(world.owner, "add_token", 3, token.address, MINIMUM)
    world.register()
    before = world.snapshot()
    with reverts(""):
        world.by(world.alice, "deposit", 1, 3, 1_000)
    assert world.snapshot() == before


def test_without_tokens_no_deposit(world: World) -> None:
    world.register()
    world.give(world.tokens[1], world.bob, 999)
    world.refused("insufficient_balance", world.bob, "deposit", 1, 1, 1_000)


def test_deposits_and_keys_wait_up_to_a_limit_and_exits_without_one(world: World) -> None:
    world.register()
    for _ in range(PENDING_MAX - 1):
        world.deposit()
    world.refused("too_many_pending", world.alice, "deposit", 1, 1, 1_000)
    world.refused("too_many_pending", world.alice, "register", *key(2), world.alice, value=FEE)
    world.refused("too_many_pending", world.alice, "set_key", 1, *key(2))
    assert world.exit(token=1) == PENDING_MAX + 1
    assert world.exit(token=2) == PENDING_MAX + 2
    # Taking entries makes room again.
    world.submit(
        Slot(op=SET_KEY, account=1, new_key=key(1), nonce=1 << 32),
        Slot(op=DEPOSIT, account=1, tokens=(1, 0), amounts=(1_000, 0)),
    )
    assert world.rollup.pending() == PENDING_MAX - 2
    world.deposit()


@pytest.mark.parametrize("value", [0, BOND - 1, BOND + 1])
def test_an_exit_lays_down_exactly_the_bond(world: World, value: int) -> None:
    world.register()
    world.refused("wrong_bond", world.alice, "request_exit", 1, 1, value=value)


def test_one_exit_of_an_account_and_token_at_a_time(world: World) -> None:
    world.register()
    index = world.exit()
    assert world.rollup.pending_exit(1, 1) == index == 2
    world.refused("exit_pending", world.alice, "request_exit", 1, 1, value=BOND)
    world.refused("unknown_token", world.alice, "request_exit", 1, 3, value=BOND)
    world.exit(token=2)
    world.submit(
        Slot(op=SET_KEY, account=1, new_key=key(1), nonce=1 << 32),
        Slot(op=FORCED_EXIT, account=1, tokens=(1, 0)),
    )
    assert world.exit() == 4


@pytest.mark.parametrize("value", [0, FEE - 1, FEE + 1])
def test_registering_costs_exactly_the_fee(world: World, value: int) -> None:
    world.refused("wrong_fee", world.alice, "register", *key(1), world.alice, value=value)


def test_fees_are_the_operators(world: World) -> None:
    world.register(1)
    world.register(2, world.bob)
    assert world.rollup.claimable(world.operator, 0) == 2 * FEE
    # Another operator has the later ones.
    world.by(world.owner, "set_operator", world.owner)
    world.register(3)
    assert (world.rollup.claimable(world.operator, 0), world.rollup.claimable(world.owner, 0)) == (2 * FEE, FEE)


def test_the_operator_registers_free_of_charge(world: World) -> None:
    world.by(world.operator, "register_many", [list(key(1))], world.bob)
    assert world.rollup.claimable(world.operator, 0) == 0


def test_the_owner_sets_the_fee_up_to_its_maximum(world: World) -> None:
    most = world.rollup.REGISTRATION_FEE_MAX()
    world.refused("not_owner", world.operator, "set_registration_fee", 0)
    world.refused("fee_out_of_range", world.owner, "set_registration_fee", most + 1)
    world.refused("fee_out_of_range", world.owner, "set_registration_fee", 2**256 - 1)
    world.by(world.owner, "set_registration_fee", most)
    world.by(world.alice, "register", *key(1), world.alice, value=most)
    world.by(world.owner, "set_registration_fee", 0)
    world.refused("wrong_fee", world.alice, "register", *key(2), world.alice, value=1)
    world.by(world.alice, "register", *key(2), world.alice)
    assert world.rollup.claimable(world.operator, 0) == most


def test_entries_are_a_chain_of_hashes(world: World) -> None:
    """What anybody can compute from the events alone."""
    world.register()
    world.deposit(amount=1_000)
    world.exit()
    words = [8 | 1 << 4, 7 | 1 << 4 | 1 << 28 | 1_000 << 44, 9 | 1 << 4 | 1 << 28]
    points = [tuple(key(1)), (0, 0), (0, 0)]
    link = 0
    for index, (word, (x, y)) in enumerate(zip(words, points, strict=True), 1):
        link = int.from_bytes(keccak(encode(["uint256"] * 4, [link, word, x, y])), "big") >> 40 << 40
        assert world.rollup.entries(index) == link | boa.env.timestamp
    assert world.rollup.entries(0) == world.rollup.entries(4) == 0
