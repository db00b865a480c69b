"""Who administers the contract, and what even they cannot do."""

import boa
import pytest

from rollup import compiling
from rollup.calldata import submit_arguments
from rollup.deployment import empty_root
from rollup.state.field import MODULUS
from rollup.state.parameters import TINY
from tests.rollup.contracts.world import (
    BOND,
    FEE,
    MINIMUM,
    NO_PROOF,
    PENDING_MAX,
    TIMELOCK_S,
    WINDOW_S,
    World,
    key,
    put,
    reverts,
    switch,
)

NOBODY = "0x" + "00" * 20


def test_ownership_passes_in_two_steps(world: World) -> None:
    world.refused("not_owner", world.alice, "transfer_ownership", world.alice)
    world.by(world.owner, "transfer_ownership", world.bob)
    assert world.rollup.owner() == world.owner
    world.refused("not_pending_owner", world.alice, "accept_ownership")
    world.by(world.bob, "accept_ownership")
    assert (world.rollup.owner(), world.rollup.pending_owner()) == (world.bob, NOBODY)
    world.refused("not_owner", world.owner, "pause")
    world.refused("not_pending_owner", world.bob, "accept_ownership")


def test_an_offer_of_ownership_is_taken_back(world: World) -> None:
    world.by(world.owner, "transfer_ownership", world.bob)
    world.by(world.owner, "transfer_ownership", NOBODY)
    world.refused("not_pending_owner", world.bob, "accept_ownership")


@pytest.mark.parametrize("by", ["alice", "operator"])
def test_only_the_owner_administers(world: World, by: str) -> None:
    person, verifier, token = getattr(world, by), world.verifier.address, world.mintable("T").address
    for function, *arguments in (
        ("pause",), ("unpause",), ("set_operator", person), ("set_verifiers", verifier, verifier),
        ("accept_verifiers",), ("withdraw_proposal",), ("add_token", 3, token, 1), ("transfer_ownership", person),
    ):  # fmt: skip
        world.refused("not_owner", person, function, *arguments)


def test_another_operator(world: World) -> None:
    world.refused("no_operator", world.owner, "set_operator", NOBODY)
    world.by(world.owner, "set_operator", world.bob)
    world.block_refused("not_operator")
    world.by(world.bob, "submit_block", *submit_arguments(world.data(), 7, NO_PROOF))
    assert world.rollup.block_number() == 1


def test_a_pause_stops_deposits_and_blocks_alone(world: World) -> None:
    world.register()
    world.refused("not_paused", world.owner, "unpause")
    world.by(world.owner, "pause")
    world.refused("paused", world.owner, "pause")
    world.refused("paused", world.alice, "deposit", 1, 1, 1_000)
    world.block_refused("paused")
    assert (world.exit(), world.register(2), world.by(world.alice, "set_key", 1, *key(3))) == (2, 2, 4)
    world.by(world.owner, "unpause")
    world.deposit()


def test_the_first_verifiers_are_used_at_once_and_blocks_need_them() -> None:
    with boa.env.anchor():
        owner, operator = boa.env.generate_address(), boa.env.generate_address()
        with boa.env.prank(owner):
            rollup = put(
                compiling.rollup_contract(TINY),
                operator,
                empty_root(TINY),
                WINDOW_S,
                TIMELOCK_S,
                BOND,
                PENDING_MAX,
                FEE,
            )
            arguments = [rollup.DOMAIN(), rollup.root(), 5, boa.env.timestamp, 1], [[0] * 3] * TINY.slots, 7, [1] * 8
            with reverts("no_verifier"), boa.env.prank(operator):
                rollup.submit_block(*arguments)
            with reverts("not_a_contract"):
                rollup.set_verifiers(owner, owner)
            yes, escape = switch(3), switch(4)
            rollup.set_verifiers(yes.address, escape.address)
        with boa.env.prank(operator):
            rollup.submit_block(*arguments)
        assert rollup.block_number() == 1


def test_other_verifiers_wait_for_the_timelock(world: World) -> None:
    other, escape = switch(3), switch(4)
    world.refused("nothing_proposed", world.owner, "accept_verifiers")
    world.by(world.owner, "set_verifiers", other.address, escape.address)
    assert world.rollup.block_verifier() == world.verifier.address
    world.wait(TIMELOCK_S - 1)
    world.refused("timelock", world.owner, "accept_verifiers")
    world.wait(1)
    world.by(world.owner, "accept_verifiers")
    assert (world.rollup.block_verifier(), world.rollup.escape_verifier()) == (other.address, escape.address)
    world.refused("nothing_proposed", world.owner, "accept_verifiers")


def test_a_proposal_starts_the_timelock_anew_and_can_be_taken_back(world: World) -> None:
    world.by(world.owner, "set_verifiers", world.verifier.address, world.verifier.address)
    world.wait(TIMELOCK_S)
    world.by(world.owner, "set_verifiers", world.escape_verifier.address, world.verifier.address)
    world.refused("timelock", world.owner, "accept_verifiers")
    world.by(world.owner, "withdraw_proposal")
    world.wait(TIMELOCK_S)
    world.refused("nothing_proposed", world.owner, "accept_verifiers")


def test_a_token_is_added_once_under_one_number(world: World) -> None:
    third = world.mintable("T3").address
    known = world.tokens[1].address
    world.refused("token_out_of_range", world.owner, "add_token", 0, third, MINIMUM)
    world.refused("token_out_of_range", world.owner, "add_token", TINY.tokens, third, MINIMUM)
    world.refused("token_number_taken", world.owner, "add_token", 1, third, MINIMUM)
    world.refused("token_known", world.owner, "add_token", 3, known, MINIMUM)
    world.refused("not_a_contract", world.owner, "add_token", 3, world.bob, MINIMUM)
    world.refused("minimum_out_of_range", world.owner, "add_token", 3, third, 0)
    world.refused("minimum_out_of_range", world.owner, "add_token", 3, third, 2**96)
    world.by(world.owner, "add_token", 3, third, MINIMUM)
    assert (world.rollup.token_address(3), world.rollup.token_number(third)) == (third, 3)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"operator": NOBODY}, "no_operator"),
        ({"root": MODULUS}, "not_a_field_element"),
        ({"window_s": 0}, "timelock_too_short"),
        ({"timelock_s": WINDOW_S}, "timelock_too_short"),
        ({"pending_max": 0}, "nothing_may_wait"),
        ({"registration_fee": 10**16 + 1}, "fee_out_of_range"),
    ],
)
def test_deployments_that_are_refused(world: World, changed: dict[str, object], reason: str) -> None:
    right: dict[str, object] = {
        "operator": world.operator, "root": 1, "window_s": WINDOW_S, "timelock_s": TIMELOCK_S, "bond": BOND,
        "pending_max": PENDING_MAX, "registration_fee": FEE,
    }  # fmt: skip
    with reverts(reason):
        put(compiling.rollup_contract(TINY), *(right | changed).values())
