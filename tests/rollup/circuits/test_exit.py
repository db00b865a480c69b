"""The escape circuit: what stands under the root, and nothing else."""

from copy import deepcopy

import pytest

from rollup.state.exits import exit_inputs
from rollup.state.field import MODULUS
from rollup.state.parameters import TINY
from tests.rollup.circuits import world
from tests.rollup.circuits.test_inputs import get, leaves, put
from tests.rollup.circuits.world import ALICE, BOB, GOLD, NOBODY, SILVER, WEALTH, deposit, settle


@pytest.fixture
def ledger():
    ledger = world.new_ledger()
    ledger.apply(deposit(7, account=BOB, token=SILVER), world.NOW)
    ledger.apply(settle(), world.NOW)
    return ledger


@pytest.fixture
def accepts(exit_program, exit_constraints):
    return lambda inputs: exit_constraints.broken(exit_program.witness(inputs)) is None


@pytest.mark.parametrize(
    ("account", "token", "amount"),
    [
        (ALICE, GOLD, WEALTH - 100), (ALICE, SILVER, WEALTH + 500), (BOB, SILVER, WEALTH + 7), (BOB, 3, 0),
        (NOBODY, GOLD, 0), (TINY.accounts - 1, TINY.tokens - 1, 0), (0, 0, 0),
    ],
)  # fmt: skip
def test_what_an_account_has(exit_program, exit_constraints, ledger, account, token, amount):
    inputs = exit_inputs(ledger, account, token)
    witness = exit_program.witness(inputs)
    assert exit_constraints.broken(witness) is None
    assert witness[1:5] == [ledger.root, account, token, amount]


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("amount", WEALTH + 1), ("amount", 0), ("amount", MODULUS - 1), ("account", BOB),
        ("account", TINY.accounts + ALICE),
        ("token", SILVER), ("token", TINY.tokens + GOLD), ("nonce", 0), ("orderRoot", 0), ("root", 0),
    ],
)  # fmt: skip
def test_what_it_has_not(accepts, ledger, name, new):
    inputs = exit_inputs(ledger, ALICE, GOLD)
    assert accepts(inputs)
    inputs[name] = new
    assert not accepts(inputs)


@pytest.mark.parametrize("name", ["key", "accountPath", "tokenPath"])
def test_every_element_of_key_and_paths_counts(accepts, ledger, name):
    inputs = exit_inputs(ledger, ALICE, GOLD)
    for path in leaves(inputs[name]):
        changed = deepcopy(inputs)
        put(changed, name, path, get(inputs[name], path) + 1)
        assert not accepts(changed)


def test_not_on_a_root_that_was(accepts, ledger):
    inputs = exit_inputs(ledger, ALICE, GOLD)
    ledger.apply(deposit(1, account=BOB), world.NOW)
    inputs["root"] = ledger.root
    assert not accepts(inputs)


@pytest.mark.parametrize(("account", "token"), [(TINY.accounts, 0), (0, TINY.tokens), (-1, 0)])
def test_there_is_no_such_leaf(ledger, account, token):
    with pytest.raises(IndexError):
        exit_inputs(ledger, account, token)
