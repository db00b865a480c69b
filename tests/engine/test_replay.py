"""Replay: the same commands give the same events and state, from the start, from any snapshot, in any process."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.engine import Engine
from tests.engine.generate import Step, opening
from tests.engine.kinds import history
from tests.engine.settings import EXAMPLES, LONG, PATIENT
from tests.engine.strategies import histories

pytestmark = PATIENT
ROOT = Path(__file__).parents[2]
IN_ANOTHER_PROCESS = """
import hashlib, json, sys
from matching.engine import Engine
engine, events = Engine(), []
for command, time_us in json.load(sys.stdin):
    events.append(engine.apply(command, time_us))
print(engine.state_hash(), hashlib.sha256(json.dumps(events).encode()).hexdigest())
"""


def play(engine: Engine, steps: list[Step]) -> list[list[tuple[object, ...]]]:
    return [list(engine.apply(command, time_us)) for command, time_us in steps]


@EXAMPLES
@given(histories())
def test_replay_gives_the_same_events_and_state(steps: list[Step]) -> None:
    """The replayed commands went through JSON, as the journal's do."""
    first, second = Engine(), Engine()
    events = play(first, steps)
    assert json.dumps(events) == json.dumps(play(second, json.loads(json.dumps(steps))))
    assert first.state_hash() == second.state_hash()


@EXAMPLES
@given(histories(), st.data())
def test_going_on_from_a_snapshot_equals_never_stopping(steps: list[Step], data: st.DataObject) -> None:
    cut = data.draw(st.integers(len(opening()), len(steps)))
    unbroken, stopped = Engine(), Engine()
    play(unbroken, steps[:cut])
    play(stopped, steps[:cut])
    text = json.dumps(stopped.dump())
    resumed = Engine.load(json.loads(text))
    resumed.validate()
    assert json.dumps(resumed.dump()) == text
    assert resumed.state_hash() == unbroken.state_hash()
    assert json.dumps(play(resumed, steps[cut:])) == json.dumps(play(unbroken, steps[cut:]))
    assert resumed.state_hash() == unbroken.state_hash()


@pytest.mark.parametrize("kind", ["mixed", "tangle", "chain"])
def test_a_snapshot_after_every_command_changes_nothing(kind: str) -> None:
    steps = history("snapshots", 3_000 if LONG else 400, kind=kind)
    unbroken, broken = Engine(), Engine()
    for command, time_us in steps:
        broken = Engine.load(json.loads(json.dumps(broken.dump())))
        assert broken.apply(command, time_us) == unbroken.apply(command, time_us)
        assert broken.state_hash() == unbroken.state_hash()


@pytest.mark.parametrize(("hash_seed", "kind"), [("0", "mixed"), ("1", "tangle"), ("random", "mixed")])
def test_another_process_comes_to_the_same_state(hash_seed: str, kind: str) -> None:
    """Python's hash seed moves the order of sets; nothing may depend on it."""
    steps = history("processes", 1_500, kind=kind)
    engine = Engine()
    events = play(engine, steps)
    other = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        input=json.dumps(steps), capture_output=True, text=True, check=True, cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )  # fmt: skip
    assert other.stdout.split() == [engine.state_hash(), hashlib.sha256(json.dumps(events).encode()).hexdigest()]


def test_state_hash_tells_states_apart() -> None:
    """Every accepted command changes it, and so does a refused one: by its sequence."""
    engine, hashes = Engine(), set()
    steps = history("hashes", 300)
    for command, time_us in steps:
        engine.apply(command, time_us)
        hashes.add(engine.state_hash())
    assert len(hashes) == len(steps)
