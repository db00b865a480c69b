"""A prover runs for weeks: what a witness took it gives back, whether the circuit refused the inputs or not."""

import gc

import psutil
import pytest

from rollup.prover.witness import WitnessRefused
from tests.rollup.circuits import world
from tests.rollup.circuits.forger import forge
from tests.rollup.circuits.world import NOW, fee, net, settle

# wasmtime reserves so many addresses for the memory of each instance, used or not.
INSTANCE_BYTES = 4 * 1024**3
RUNS = 6


def _reserved() -> int:
    gc.collect()
    return psutil.Process().memory_info().vms


def test_a_witness_gives_its_memory_back(block_program):
    _, inputs = forge(world.new_ledger(), [settle(fee=1), net(100, -500), fee(0, 1)], timestamp=NOW)
    block_program.witness(inputs)
    before = _reserved()
    for _ in range(RUNS):
        block_program.witness(inputs)
    assert _reserved() - before < INSTANCE_BYTES


def test_a_refused_one_too(exit_program):
    before = _reserved()
    for _ in range(RUNS):
        with pytest.raises(WitnessRefused):
            exit_program.witness({"nothing": 1})
    assert _reserved() - before < INSTANCE_BYTES
