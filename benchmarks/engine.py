"""Engine alone: balances, fees and all events, on tapes, beside matching engines of PyPI.

`python -m benchmarks engine`. CPU time of one process, garbage collector off for all (the matcher runs so), median of
the rounds. The peers know no accounts, balances, holds, fees, client ids, market rules, stops or replay: they do less.
Before the clock runs, each peer plays a prefix and must trade the same lots as we do.
"""

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from statistics import median
from typing import Any

from benchmarks import hostile
from benchmarks.peers import PEERS, Peer
from benchmarks.tapes import MAKERS, START_US, STEP_US, Message, Tape, make
from matching.engine import Engine

MESSAGES = 200_000
ROUNDS = 5
PEER_ROUNDS = 3
PEER_SECONDS = 1.5  # a peer that needs more than this for a tape is measured on the prefix it gets through
CHECKED = 2_000
TARGET = 400_000
TARGET_AHEAD = 2
RESTING = 300_000
TARGET_BYTES = 1_000
Row = tuple[str, str, str]


def run() -> list[Row]:
    """All rows: our speed by tape, the peers', how time grows, memory, restart."""
    rows: list[Row] = []
    peers: list[Row] = []
    for name in MAKERS:
        tape = make(name, MESSAGES)
        rates = [our_rate(tape) for _ in range(ROUNDS)]
        ours = median(rates)
        rows.append((f"{name}: commands/s", f"{ours:,.0f} (best {max(rates):,.0f})", f"{TARGET:,}"))
        peers += peer_rows(tape, ours)
    return rows + peers + growth_rows() + memory_rows()


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
        problem = disagreement(tape, kind)
        if problem:
            yield label, problem, ""
            continue
        results = [peer_rate(tape.messages, kind()) for _ in range(PEER_ROUNDS)]
        rate, played = median(rate for rate, _ in results), min(played for _, played in results)
        part = "" if played == len(tape.messages) else f"; first {played:,} messages only"
        target = f"at most 1/{TARGET_AHEAD}" if kind.language == "Python" else ""
        yield label, f"{rate:,.0f}, 1/{ours / rate:.1f} of ours{part}", target


def peer_rate(messages: list[Message], peer: Peer) -> tuple[float, int]:
    """Messages a second of a peer, and how many it got through in its time."""
    handlers = peer.handlers
    played = 0

    def work() -> None:
        nonlocal played
        end = time.process_time() + PEER_SECONDS
        while played < len(messages) and time.process_time() < end:
            part = messages[played : played + 500]
            for message in part:
                handlers[message.operation](message)
            played += len(part)

    taken = seconds(work)
    return played / taken, played


def disagreement(tape: Tape, kind: type[Peer]) -> str:
    """What is wrong with a peer's lots on the beginning of a tape, if anything."""
    engine = our_engine(tape)
    expected = 0
    for command in tape.commands[:CHECKED]:
        expected += sum(event[4] for event in engine.apply(command, START_US) if event[0] == "trade")
    traded = kind().traded(tape.messages[:CHECKED])
    return "" if traded == expected else f"trades {traded:,} lots where we trade {expected:,}"


def growth_rows() -> Iterator[Row]:
    """Time per command at n and 4n: what is linear stays, what is quadratic grows fourfold."""
    for name in MAKERS:
        few, many = make(name, MESSAGES // 4), make(name, MESSAGES)
        pair = [min(1e6 / our_rate(tape) for _ in range(3)) for tape in (few, many)]
        yield growth_row(name, MESSAGES // 4, pair)
    for name, scenario in hostile.SCENARIOS.items():
        pair = []
        for size in (hostile.SIZE, 4 * hostile.SIZE):
            commands = scenario(size)
            engine = hostile.engine()
            pair.append(seconds(lambda: play(engine, commands)) / len(commands) * 1e6)  # noqa: B023 - used at once
        yield growth_row(name, hostile.SIZE, pair)


def growth_row(name: str, size: int, pair: list[float]) -> Row:
    """A row of two times per command."""
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
