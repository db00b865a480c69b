"""What the prover is free to choose, chosen wrongly: roots, paths, balances, and values that no slot can have."""

from collections import defaultdict
from copy import deepcopy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollup.prover.witness import WitnessRefused
from rollup.state.field import MODULUS
from rollup.state.slots import CREDIT, NET, NOOP
from tests.rollup.circuits import world
from tests.rollup.circuits.forger import forge
from tests.rollup.circuits.world import NOW, deposit, fee, net, settle, transfer, withdraw

HALF = pow(2, -1, MODULUS)
TRADE = [settle(fee=1), net(100, -500, (2, 0)), fee(2, 1)]
# What the state says of a slot, by the names of the circuit's inputs.
STATE = ("key", "nonce", "balance", "oldId", "oldFilled", "accountPath", "tokenPath", "orderPath")


def leaves(value, path=()):
    if isinstance(value, list):
        for index, part in enumerate(value):
            yield from leaves(part, (*path, index))
    else:
        yield path


def get(value, path):
    for index in path:
        value = value[index]
    return value


def put(inputs, name, path, new):
    if not path:
        inputs[name] = new % MODULUS
        return
    get(inputs[name], path[:-1])[path[-1]] = new % MODULUS


@pytest.fixture
def trade(ledger):
    return forge(ledger, TRADE, timestamp=NOW)[1]


def test_the_trade_itself_is_right(accepts, trade):
    assert accepts(trade)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_wrong_state_is_refused(accepts, trade, data):
    """Any one value of what the state was, in any slot: other keys, balances, siblings."""
    name = data.draw(st.sampled_from(STATE))
    path = data.draw(st.sampled_from(list(leaves(trade[name]))))
    old = get(trade[name], path)
    new = data.draw(st.sampled_from([old + 1, old - 1, 0, 1, MODULUS - 1, MODULUS - old, 2**96 + old]))
    inputs = deepcopy(trade)
    put(inputs, name, path, new)
    assert accepts(inputs) == (new % MODULUS == old)


@pytest.mark.parametrize("name", ["oldRoot", "newRoot"])
@pytest.mark.parametrize("by", [1, -1, 2**96])
def test_a_wrong_root_is_refused(accepts, trade, name, by):
    put(trade, name, (), trade[name] + by)
    assert not accepts(trade)


def test_a_noop_does_not_move_the_root(accepts, ledger):
    _, inputs = forge(ledger, [], timestamp=NOW)
    assert accepts(inputs)
    inputs["newRoot"] = 999_999
    assert not accepts(inputs)


def test_a_block_on_a_state_that_was_is_refused(accepts, ledger):
    """Its own roots fit together; what it starts from is the contract's root, here the one after another block."""
    stale = deepcopy(ledger)
    forge(ledger, [deposit()], timestamp=NOW)
    _, inputs = forge(stale, TRADE, timestamp=NOW)
    assert accepts(inputs)
    inputs["oldRoot"] = ledger.root
    assert not accepts(inputs)


def test_a_second_slot_on_the_state_before_the_block_is_refused(accepts, ledger):
    """Alice's 10,000 withdrawn, and once more as if they were still there."""
    slots = [withdraw(world.WEALTH), withdraw(world.WEALTH)]
    _, inputs = forge(ledger, slots, timestamp=NOW)
    for name in STATE:
        inputs[name][1] = deepcopy(inputs[name][0])
    assert not accepts(inputs)


@pytest.mark.parametrize(
    ("slots", "changes"),
    [
        ([settle(), net(100, -500)], {("is", (0, NET)): 1}),
        ([], {("is", (0, NOOP)): 0}),
        ([], {("is", (0, NOOP)): 2, ("is", (0, 9)): -1}),
        ([], {("is", (0, NOOP)): HALF, ("is", (0, 7)): HALF}),
        ([deposit()], {("is", (0, 7)): 0, ("is", (0, NOOP)): 1}),
        ([transfer(), world.credit()], {("is", (1, CREDIT)): 0, ("is", (1, 7)): 1}),
        ([net(0, 0)], {("isCredit", (0, 0)): 2}),
        ([net(0, 0)], {("isCredit", (0, 0)): HALF}),
        ([net(0, 0)], {("isCredit", (0, 1)): -1}),
        ([deposit()], {("isCredit", (0, 0)): 1}),
        ([settle(), net(100, -500)], {("side", (0,)): 2}),
        ([settle(), net(100, -500)], {("side", (0,)): HALF}),
        ([net(0, 0)], {("side", (0,)): 1}),
        ([deposit()], {("id", (0,)): 2**64}),
        ([], {("timestamp", ()): 2**40}),
        ([], {("account", (0,)): 64}),
        ([], {("token", (0, 1)): 4}),
        ([], {("amount", (0, 0)): 2**96}),
        ([], {("feeOrSellTotal", (0,)): 1}),
        ([], {("fee", (0,)): 1}),
    ],
)
def test_values_that_no_slot_can_have(accepts, ledger, slots, changes):
    _, inputs = forge(ledger, slots, timestamp=NOW)
    for (name, path), new in changes.items():
        put(inputs, name, path, new)
    assert not accepts(inputs)


@pytest.mark.parametrize("by", [1, -1, 2**32])
def test_an_orders_leaf_is_read_in_one_way_only(accepts, ledger, by):
    """Of the packed leaf id · 2^96 + filled another pair of the same sum would forget what was filled."""
    forge(ledger, [settle(), net(100, -500)], timestamp=NOW)
    _, inputs = forge(ledger, [settle(debit=50, gross=250), net(50, -250, nonce=world.NONCE + 1)], timestamp=NOW)
    assert accepts(inputs)
    for new_id, new_filled in (
        (inputs["oldId"][0] - by, inputs["oldFilled"][0] + by * 2**96),
        (inputs["oldId"][0] + by * pow(2**96, -1, MODULUS), inputs["oldFilled"][0] - by),
    ):
        changed = deepcopy(inputs)
        put(changed, "oldId", (0,), new_id)
        put(changed, "oldFilled", (0,), new_filled)
        assert not accepts(changed)


@pytest.mark.parametrize(
    "change",
    [
        {"gamma": MODULUS}, {"number": -1}, {"number": [1, 2]}, {"amount": [[0, 0]] * 3}, {"stranger": 1}, {"to": None},
    ],
)  # fmt: skip
def test_what_is_no_input_is_refused(block_program, trade, change):
    inputs = {name: value for name, value in {**trade, **change}.items() if value is not None}
    with pytest.raises(WitnessRefused):
        block_program.witness(inputs)


def test_no_signal_is_free(block_program, block_constraints, ledger):
    """Any one signal of a right witness changed breaks a constraint, but for those that a slot has no use for.

    These are `to` (the last slot has none), `recipient` and two of `newKey`; and the inverse that circomlib's IsZero
    asks for where there is none, the number being zero: two for each right signature, two for each slot without order.
    """
    _, inputs = forge(ledger, TRADE, timestamp=NOW)
    unused = {"to": 11**50, "recipient": 11**51, "newKey": 11**52}
    inputs["to"] = [unused["to"]] * 4
    inputs["recipient"] = [unused["recipient"]] * 4
    inputs["newKey"] = [[unused["newKey"]] * 2] * 4
    witness = block_program.witness(inputs)
    assert block_constraints.broken(witness) is None
    free = [witness[signal] for signal in free_signals(block_constraints, witness)]
    by_value = {value: free.count(value) for value in set(free)}
    inverses = by_value.pop(0)
    assert by_value == {unused["to"]: 3, unused["recipient"]: 4, unused["newKey"]: 8}
    assert inverses == 2 * 2 + 2 * 2


def free_signals(constraints, witness):
    """The signals that can be changed alone, by a value that is no multiple of anything in sight."""
    by = 7**80 % MODULUS
    sums, places = [], defaultdict(dict)
    for number, constraint in enumerate(constraints.all):
        sums.append([sum(witness[signal] * factor for signal, factor in part) % MODULUS for part in constraint])
        for side, part in enumerate(constraint):
            for signal, factor in part:
                places[signal].setdefault(number, [0, 0, 0])[side] += factor * by
    for signal in range(1, constraints.signals):
        for number, changes in places[signal].items():
            a, b, c = (total + change for total, change in zip(sums[number], changes, strict=True))
            if (a * b - c) % MODULUS:
                break
        else:
            yield signal
