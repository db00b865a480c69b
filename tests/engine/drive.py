"""Long random drives of both engines from a seed; a failing seed prints a minimal reproducer.

    python -m tests.engine.drive --seed 7 --steps 200000

Every step compares events and state (compare.py). Now and then the fast engine is validated, dumped and loaded.
The last line counts what was seen, so that a drive that reaches too little shows it.
"""

import argparse
import json
import sys
import time
from collections import Counter

from matching.engine import Engine
from tests.engine.compare import Pair, disagreement, shrink
from tests.engine.generate import SeededChoice, Step
from tests.engine.kinds import KINDS, limits_of

VALIDATE_EVERY = 100
RELOAD_EVERY = 500


def drive(
    seed: int | str, steps: int, *, kind: str = "mixed", seconds: float = float("inf")
) -> tuple[Counter[str], list[Step], str | None]:
    """Run up to `steps` random steps of a kind of KINDS.

    Gives what was seen, the steps taken, and what went wrong, if anything.
    """
    with limits_of(kind):
        return _drive(seed, steps, kind, seconds)


def _drive(seed: int | str, steps: int, kind: str, seconds: float) -> tuple[Counter[str], list[Step], str | None]:
    pair, seen, taken = Pair(), Counter[str](), list[Step]()
    make, opens = KINDS[kind]
    generator, start = make(SeededChoice(seed), pair.slow), opens()
    until = time.monotonic() + seconds
    for number in range(len(start) + steps):
        command, time_us = start[number] if number < len(start) else generator.step()
        taken.append((command, time_us))
        try:
            events = pair.apply(command, time_us)
            if number % VALIDATE_EVERY == 0:
                pair.fast.validate()
            if number % RELOAD_EVERY == 0:
                reload(pair)
        except Exception as error:  # whatever goes wrong is what a drive looks for
            return seen, taken, f"{type(error).__name__}: {error}"
        count(seen, command[0], events)
        if number % 256 == 0 and time.monotonic() > until:
            break
    return seen, taken, None


def reload(pair: Pair) -> None:
    """Go on with a copy of the engine that went through its snapshot's text."""
    before = pair.fast.state_hash()
    pair.fast = Engine.load(json.loads(json.dumps(pair.fast.dump())))
    assert pair.fast.state_hash() == before, "a loaded engine has another state"


def count(seen: Counter[str], kind: str, events: list[tuple[object, ...]]) -> None:
    seen[f"command {kind}"] += 1
    for event in events:
        seen[f"event {event[0]}"] += 1
        if event[0] == "rejected":
            seen[f"rejected {event[1]}"] += 1
            seen[f"{kind} rejected {event[1]}"] += 1
        elif event[0] == "done":
            seen[f"done {event[9]} {event[8]}"] += 1


def report(steps: list[Step], problem: str) -> str:
    """The fewest of these steps that still go wrong, as Python to paste into a test."""
    fewest = shrink(steps, disagreement)
    lines = "".join(f"    ({json.dumps(command)}, {time_us}),\n" for command, time_us in fewest)
    return f"{problem}\n\nminimal steps, which give:\n{disagreement(fewest)}\n[\n{lines}]"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", default="1", help="the first seed; --runs takes it and the following numbers")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop a run after this time")
    parser.add_argument(
        "--kind",
        choices=KINDS,
        default="mixed",
        help="mixed: many rules; crowd: deep books; tangle: lists and icebergs; chain: registered accounts; "
        "tight: a tangle with low limits",
    )
    options = parser.parse_args()
    total = Counter[str]()
    for seed in range(int(options.seed), int(options.seed) + options.runs):
        seen, taken, problem = drive(seed, options.steps, kind=options.kind, seconds=options.seconds)
        total += seen
        if problem:
            with limits_of(options.kind):
                print(f"seed {seed} goes wrong at step {len(taken)}: {report(taken, problem)}")
            return 1
    print(", ".join(f"{what}: {times}" for what, times in sorted(total.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
