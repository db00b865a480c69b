"""Circuits and proofs: sizes, setup, and what a proof costs as trades a block grow.

Real Groth16 proofs of `dev` blocks. A prover is a process of its own with one thread. Keys are made where none are
kept (a minute or two each); the setup times are of when they were made.
"""

import multiprocessing
import resource
import time
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from benchmarks.state import Exchange
from rollup.prover import keys
from rollup.prover.circuits import parameters_of
from rollup.prover.proving import Prover, verify
from rollup.prover.samples import sample_inputs

Row = tuple[str, str, str]
Inputs = dict[str, Any]

NAME = "dev"
SIZES = ("tiny", "dev", "full", "prod", "exit-dev")
TRADES = (10, 100, 1_000, 10_000)
GAMMA = 7
BLOCKS_OF_EACH = 3


class Times(NamedTuple):
    """Of one prover process, in seconds of the wall clock; processor time of the proofs; memory at most, in MB."""

    load: float
    witness: float
    proofs: list[float]
    proofs_cpu: list[float]
    memory_mb: float


def run() -> list[Row]:
    """The figures."""
    return [*_sizes(), *_proofs(), *_workers()]


def _sizes() -> Iterator[Row]:
    for name in SIZES:
        files = keys.ensure(name, lambda text: print("  ", text, flush=True))
        constraints, slots = files.info["constraints"], parameters_of(name).slots
        a_slot = "" if name.startswith("exit") else f"; {constraints / slots:,.0f} a slot"
        target = {"full": "<= 16,500 a slot, < 131,072"}.get(name, "")
        yield f"{name}: constraints", f"{constraints:,}{a_slot}", target
        if name == NAME:
            yield f"{name}: compiled, keys made", f"{files.info['seconds']:.0f} s", "< 120 s"


def _proofs() -> Iterator[Row]:
    blocks = [_block_of(trades) for trades in TRADES]
    times = _in_processes([[inputs for inputs, _ in blocks]])[0]
    yield f"{NAME}: key loaded", f"{times.load:.1f} s", ""
    yield f"{NAME}: witness", f"{times.witness:.2f} s", "< 1 s"
    proof, cpu = min(times.proofs), min(times.proofs_cpu)
    yield f"{NAME}: block of {parameters_of(NAME).slots} slots proven, witness included", f"{proof:.1f} s", "< 20 s"
    yield f"{NAME}: the same, processor time", f"{cpu:.1f} s", ""
    yield f"{NAME}: memory of a prover", f"{times.memory_mb:,.0f} MB", ""
    for trades, (_, slots), seconds in zip(TRADES, blocks, times.proofs_cpu, strict=True):
        cost = f"{slots} slots, {seconds:.1f} s, {seconds / trades * 1e3:,.1f} ms a trade"
        yield f"{trades:,} trades between 6 accounts, one block: processor time", cost, "falls"


def _workers() -> Iterator[Row]:
    inputs = sample_inputs(NAME)
    rates = []
    for workers in (1, 2):
        times = _in_processes([[inputs] * BLOCKS_OF_EACH] * workers)
        rates.append(sum(len(one.proofs) / sum(one.proofs) for one in times))
    one, two = rates
    yield "proofs a minute: one worker, two", f"{one * 60:.1f}, {two * 60:.1f}: {two / one:.2f} times", "nearly 2"


def _block_of(trades: int) -> tuple[Inputs, int]:
    exchange, random = Exchange(6, custody=1), Random(1)
    for _ in range(trades):
        exchange.trade(*random.sample(exchange.accounts, 2))
    block = exchange.manager.close()
    assert block is not None
    assert block.trades == trades
    return {**block.inputs, "gamma": GAMMA}, len(block.slots)


def _in_processes(work: list[list[Inputs]]) -> list[Times]:
    # All load their keys before any begins to prove.
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(len(work)), context.Queue()
    processes = [context.Process(target=_prove, args=(inputs, barrier, results)) for inputs in work]
    for process in processes:
        process.start()
    times = [results.get(timeout=600) for _ in processes]
    for process in processes:
        process.join()
    return times


def _prove(work: list[Inputs], barrier: Any, results: Any) -> None:
    begun = time.monotonic()
    prover = Prover(NAME)
    load = time.monotonic() - begun
    begun = time.monotonic()
    prover.program.witness(work[0])
    witness = time.monotonic() - begun
    barrier.wait()
    proofs, cpu = [], []
    for inputs in work:
        begun, begun_cpu = time.monotonic(), time.process_time()
        proof = prover.prove(inputs)
        proofs.append(time.monotonic() - begun)
        cpu.append(time.process_time() - begun_cpu)
        assert verify(NAME, proof)
    results.put(Times(load, witness, proofs, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000))
