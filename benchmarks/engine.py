"""Engine alone: balances, fees and all events, on tapes, beside matching engines of PyPI.

`python -m benchmarks engine`. CPU time of one process, garbage collector off for all (the matcher runs so), median of
the rounds. The peers know no accounts, balances, holds, fees, client ids, market rules, stops or replay: they do less.
Before the clock runs, each peer plays the beginning of a tape and must trade the same lots as we do. All of it takes
a few minutes: a peer that is slow is measured on the part of the tape that it gets through.
"""

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from multiprocessing import get_context
from statistics import median
from typing import Any

from benchmarks import hostile
from benchmarks.peers import PEERS, Peer
from benchmarks.tapes import MAKERS, START_US, STEP_US, Message, Tape, make
from matching.engine import Engine

MESSAGES = 100_000
ROUNDS = 5
PEER_TAPES = ("mixed", "deep book", "swings", "IOC storm")
PEER_ROUNDS = 3
PEER_SECONDS = 1.0  # of a round
PEER_STEP = 100  # messages between two looks at the clock
PEER_LIMIT_S = 15  # for all of its rounds and the check
CHECKED = 2_000
CHECK_SECONDS = 2.0
TARGET = 400_000
TARGET_AHEAD = 2
RESTING = 300_000
TARGET_BYTES = 1_000
Row = tuple[str, str, str]


def run() -> list[Row]:
    """All rows: our speed by tape, the peers', how time grows, memory, restart."""
    rows: list[Row] = []
    peers: list[Row] = []
    growth: list[Row] = []
    for name in MAKERS:
        tape = make(name, MESSAGES)
        rates = [our_rate(tape) for _ in range(ROUNDS)]
        ours = median(rates)
        target = f">= {TARGET:,}" if name == "mixed" else ""
        rows.append((f"{name}: commands/s", f"{ours:,.0f} (best {max(rates):,.0f})", target))
        if name in PEER_TAPES:
            peers += peer_rows(tape, ours)
        few = make(name, MESSAGES // 4)
        best_of_few = max(our_rate(few) for _ in range(ROUNDS))
        growth.append(growth_row(name, MESSAGES // 4, [1e6 / best_of_few, 1e6 / max(rates)]))
    return [*rows, *peers, *growth, *hostile_rows(), *memory_rows()]


def our_engine(tape: Tape) -> Engine:
    """An engine with the tape's market, accounts and deposits."""
    engine = Engine()
    for command in tape.opening:
        engine.apply(command, START_US)
    return engine


def our_rate(tape: Tape) -> float:
    """Commands a second of our engine on a whole tape."""
    engine = our_engine(tape)
    return len(tape.commands) / seconds(lambda: play(engine, tape.commands))


def play(engine: Engine, commands: list[list[Any]]) -> None:
    """Apply commands, one every STEP_US."""
    apply, now = engine.apply, START_US
    for command in commands:
        now += STEP_US
        apply(command, now)


def seconds(work: Callable[[], Any]) -> float:
    """CPU seconds of a piece of work, without the garbage collector."""
    gc.collect()
    gc.disable()
    begun = time.process_time()
    work()
    taken = time.process_time() - begun
    gc.enable()
    return taken


def peer_rows(tape: Tape, ours: float) -> Iterator[Row]:
    """Each peer on the same tape."""
    for kind in PEERS:
        label = f"{tape.name}: {kind.name} {version(kind.name)} ({kind.language})"
        found = in_child(lambda: measure_peer(tape, kind), PEER_LIMIT_S)  # noqa: B023 - used at once
        if found is None or isinstance(found, str):
            yield label, found or f"not measured: more than {PEER_LIMIT_S} s", ""
            continue
        rate, played = found
        part = "" if played == len(tape.messages) else f"; first {played:,} messages only"
        target = f"ours >= ×{TARGET_AHEAD}" if kind.language == "Python" else ""
        yield label, f"{rate:,.0f}; ours is ×{ours / rate:.2f}{part}", target


def in_child(work: Callable[[], Any], limit_s: float) -> Any:
    """What `work` gives, done in a process of its own; None if that takes too long: some calls never come back."""
    context = get_context("fork")
    ear, mouth = context.Pipe(duplex=False)
    child = context.Process(target=lambda: mouth.send(work()))
    child.start()
    mouth.close()
    try:
        return ear.recv() if ear.poll(limit_s) else None
    finally:
        child.kill()
        child.join()


def measure_peer(tape: Tape, kind: type[Peer]) -> str | tuple[float, int]:
    """Messages a second and how many it got through; or what is wrong with it."""
    problem = disagreement(tape, kind)
    if problem:
        return problem
    results = [peer_rate(tape.messages, kind()) for _ in range(PEER_ROUNDS)]
    return median(rate for rate, _ in results), min(played for _, played in results)


def peer_rate(messages: list[Message], peer: Peer) -> tuple[float, int]:
    """Messages a second of a peer, and how many it got through in its time."""
    handlers = peer.handlers
    played = 0

    def work() -> None:
        nonlocal played
        end = time.process_time() + PEER_SECONDS
        while played < len(messages) and time.process_time() < end:
            part = messages[played : played + PEER_STEP]
            for message in part:
                handlers[message.operation](message)
            played += len(part)

    taken = seconds(work)
    return played / taken, played


def disagreement(tape: Tape, kind: type[Peer]) -> str:
    """What is wrong with a peer's lots on the beginning of a tape, if anything."""
    played, traded = kind().traded(tape.messages[:CHECKED], CHECK_SECONDS)
    engine = our_engine(tape)
    expected = 0
    for command in tape.commands[:played]:
        expected += sum(event[4] for event in engine.apply(command, START_US) if event[0] == "trade")
    return "" if traded == expected else f"trades {traded:,} lots where we trade {expected:,}"


def hostile_rows() -> Iterator[Row]:
    """Time per command of histories made to be slow."""
    for name, scenario in hostile.SCENARIOS.items():
        pair = []
        for size in (hostile.SIZE, 4 * hostile.SIZE):
            commands = scenario(size)
            engine = hostile.engine()
            pair.append(seconds(lambda: play(engine, commands)) / len(commands) * 1e6)  # noqa: B023 - used at once
        yield growth_row(name, hostile.SIZE, pair)


def growth_row(name: str, size: int, pair: list[float]) -> Row:
    """A row of times per command at n and at 4n: what is linear stays, what is quadratic grows fourfold."""
    return (
        f"{name}: µs per command at {size:,} and at four times as many",
        f"{pair[0]:.2f} and {pair[1]:.2f}: ×{pair[1] / pair[0]:.2f}",
        "far from ×4",
    )


def memory_rows() -> list[Row]:
    """Memory and restart, measured in a process of their own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.engine_memory", str(RESTING)], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    return [
        (
            f"memory of a resting order with a client id, {RESTING:,} of them",
            f"{found['bytes_per_order']:,.0f} bytes",
            f"{TARGET_BYTES:,}",
        ),
        (f"dump of {RESTING:,} resting orders", f"{found['dump_s']:.2f} s, {found['megabytes']:.0f} MB as JSON", ""),
        (f"load of {RESTING:,} resting orders", f"{found['load_s']:.2f} s", ""),
        (f"state hash of {RESTING:,} resting orders", f"{found['hash_s']:.2f} s", ""),
    ]
