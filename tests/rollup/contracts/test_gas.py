"""What settling a dev block costs, whatever its 16 slots are. Gas is a matter of the code alone: the same anywhere.

The verifier is a real one; the circuit of its proofs has the binding of the data alone, so that its keys are made soon.
"""

from collections.abc import Iterator

import pytest

from benchmarks.contracts import OWNER, Bound, deposits, exits, nets, rollups, set_keys, withdrawals, word_gas
from rollup.deployment import EXIT_BOND_WEI
from rollup.state.parameters import DEV
from rollup.state.slots import Slot
from tests.ports import free_ports

# Together on one worker: their contracts take a while to make, and each test goes on with what the one before left.
pytestmark = pytest.mark.xdist_group("gas")
GAS_MAX = 300_000
GAS_OF_WORD_MAX = 150
COUNT = DEV.slots


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Bound, Bound]]:
    """Rollups of tiny and dev; dev's has 34 accounts whose keys wait."""
    with rollups(free_ports()[0]) as (tiny, dev):
        numbers = range(1, 2 * COUNT + 3)
        keys = [list(slot.new_key) for slot in set_keys(numbers)]
        for at in range(0, len(keys), COUNT):
            dev.send(dev.rollup.functions.register_many(keys[at : at + COUNT], OWNER))
        yield tiny, dev


def gas(dev: Bound, slots: list[Slot]) -> int:
    """Of a block of these slots, without its calldata."""
    used, calldata = dev.submit(slots)
    return used - calldata


def test_no_block_of_16_slots_costs_more_than_300_000_gas(pair: tuple[Bound, Bound]) -> None:
    _, dev = pair
    call = dev.rollup.functions
    one, full = {}, {}
    full["set_key"] = gas(dev, set_keys(range(1, COUNT + 1)))  # the contract's very first block
    one["set_key"] = gas(dev, set_keys([COUNT + 1]))
    again = gas(dev, set_keys(range(COUNT + 2, 2 * COUNT + 2)))
    assert again <= full["set_key"]
    for _ in range(COUNT + 1):
        dev.send(call.deposit(1, 1, 10**9))
    left = set_keys([2 * COUNT + 2])
    full["deposit"] = gas(dev, left + deposits(COUNT - 1))
    one["deposit"] = gas(dev, deposits(1))
    dev.submit(deposits(1))
    full["nothing"], one["nothing"] = gas(dev, nets(COUNT)), gas(dev, nets(1))
    full["withdraw"], one["withdraw"] = gas(dev, withdrawals(COUNT)), gas(dev, withdrawals(1))
    for account in range(1, COUNT + 2):
        dev.send(call.request_exit(account, 1), EXIT_BOND_WEI)
    full["exit"], one["exit"] = gas(dev, exits(range(1, COUNT + 1))), gas(dev, exits([COUNT + 1]))
    assert max(full.values()) < GAS_MAX, full
    # An exit touches all that any slot does: what the first one costs is all that a block pays once. So no mix of slots
    # costs more than that and fifteen of the dearest slots.
    each = max((full[op] - one[op]) / (COUNT - 1) for op in full)
    assert one["exit"] >= max(one.values())
    assert one["exit"] + (COUNT - 1) * each < GAS_MAX, (one, full)


def test_a_mixed_block_costs_no_more(pair: tuple[Bound, Bound]) -> None:
    _, dev = pair
    call = dev.rollup.functions
    # The keys, where no test before took them.
    waiting = range(call.next_entry().call(), call.queue_length().call() + 1)
    for at in range(0, len(waiting), COUNT):
        dev.submit(set_keys(waiting[at : at + COUNT]))
    for account in range(1, 9):
        dev.send(call.request_exit(account, 1), EXIT_BOND_WEI)
    for _ in range(3):
        dev.send(call.deposit(1, 1, 10**9))
    mixed = [*exits(range(1, 9)), *deposits(3), *withdrawals(4), *nets(1)]
    assert len(mixed) == COUNT
    assert gas(dev, mixed) < GAS_MAX


def test_one_more_word_costs_no_more_than_150_gas(pair: tuple[Bound, Bound]) -> None:
    assert word_gas(*pair) <= GAS_OF_WORD_MAX
