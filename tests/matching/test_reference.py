"""The journal of a real matcher, gateway to disk, against the reference engine: every command, tick and event."""

import json
import time
from collections import Counter

import pytest

from matching import journal
from tests.engine.generate import Generator, SeededChoice, opening
from tests.engine.reference import ReferenceEngine
from tests.matching.harness import MatcherProcess, execute
from tests.projections import is_usual

BATCHES = 120
COMMANDS = 12


class RealTimeGenerator(Generator):
    """Its commands are for now: the matcher stamps the time, nobody jumps."""

    def next_time(self) -> int:
        return max(self.engine.time_us, time.time_ns() // 1_000)


def follow(engine: ReferenceEngine, seen: Counter[str]) -> None:
    """Apply what the journal has since; it must say what the reference does."""
    while batches := journal.read(after=engine.sequence):
        for batch in batches:
            assert batch.first == engine.sequence + 1
            for command, events in zip(batch.commands, batch.events, strict=True):
                expected = json.loads(json.dumps(engine.apply(command, batch.time_us)))
                assert events == expected, f"sequence {engine.sequence}: {command}"
                seen.update([f"command {command[0]}", *(f"event {event[0]}" for event in events)])


@pytest.mark.process
def test_a_real_matchers_journal_is_what_the_reference_engine_does(bare_matcher: MatcherProcess) -> None:
    engine, seen = ReferenceEngine(), Counter[str]()
    execute(*(command for command, _ in opening() if is_usual(command)))
    follow(engine, seen)
    generator = RealTimeGenerator(SeededChoice("matcher"), engine)
    for _ in range(BATCHES):
        commands = [generator.step()[0] for _ in range(COMMANDS)]
        results = execute(*filter(is_usual, commands))
        follow(engine, seen)
        assert results[-1].sequence <= engine.sequence
    # Orders of a few seconds expire by the matcher's own ticks.
    end = time.monotonic() + 20
    while engine.next_due is not None and engine.next_due < engine.time_us + 5_000_000 and time.monotonic() < end:
        time.sleep(0.1)
        follow(engine, seen)
    assert seen["command tick"] > 0
    assert seen["event trade"] > 50
    assert seen["event rejected"] < sum(seen[f"command {kind}"] for kind in ("place", "amend", "replace"))
