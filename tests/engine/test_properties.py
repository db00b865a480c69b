"""What must hold after every command, whatever the commands: money, books, refusals, and that events tell it all."""

import json
from typing import Any

import pytest
from hypothesis import given

from matching.engine import Engine
from matching.engine import commands as c
from tests.engine.follower import Follower
from tests.engine.generate import Step, opening
from tests.engine.kinds import history
from tests.engine.settings import EXAMPLES, LONG, PATIENT
from tests.engine.strategies import histories

pytestmark = PATIENT


def copy(engine: Engine) -> Engine:
    return Engine.load(json.loads(json.dumps(engine.dump())))


def check_money(engine: Engine, follower: Follower) -> None:
    """Nothing is negative, everything is somewhere, and held is what orders and withdrawals hold."""
    sums: dict[int, int] = {}
    for account in engine.accounts():
        for asset, (available, held) in engine.balances(account).items():
            assert available >= 0, (account, asset)
            assert held >= 0, (account, asset)
            assert (available, held) == follower.balance(account, asset)
            sums[asset] = sums.get(asset, 0) + available + held
        assert sorted(engine.open_orders(account)) == follower.open_orders(account)
    assert {asset: total for asset, total in sums.items() if total} == {
        asset: total for asset, total in follower.supply.items() if total
    }


def check_books(engine: Engine, follower: Follower) -> None:
    for market in engine.markets:
        bids, asks = engine.depth(market)
        assert all(lots > 0 for _, lots in [*bids, *asks])
        assert not bids or not asks or bids[0][0] < asks[0][0], "the book is crossed"
        assert ([tuple(level) for level in bids], [tuple(level) for level in asks]) == follower.depth(market)
        assert engine.markets[market].state == follower.states[market]


def follow(steps: list[Step]) -> None:
    engine, follower = Engine(), Follower()
    for command, time_us in steps:
        follower.follow(engine.apply(command, time_us))
        check_money(engine, follower)
        check_books(engine, follower)
        engine.validate()


@EXAMPLES
@given(histories())
def test_money_and_books_hold_after_every_command_and_follow_from_the_events(steps: list[Step]) -> None:
    follow(steps)


@pytest.mark.parametrize("kind", ["mixed", "tangle", "chain"])
def test_money_and_books_hold_on_a_long_history(kind: str) -> None:
    follow(history("properties", 10_000 if LONG else 1_000, kind=kind))


@EXAMPLES
@given(histories(longest=20))
def test_a_refused_command_changes_nothing(steps: list[Step]) -> None:
    """It leaves the state that a tick at the same time leaves: what was due, the sequence and the time."""
    engine = Engine()
    for number, (command, time_us) in enumerate(steps):
        ticked = copy(engine) if number >= len(opening()) else None
        events = engine.apply(command, time_us)
        if ticked and events and events[-1][0] in ("rejected", "duplicate"):
            due = ticked.apply(c.tick(), time_us)
            assert due == events[:-1]
            assert ticked.state_hash() == engine.state_hash(), command


def test_time_that_falls_is_an_error_and_changes_nothing() -> None:
    engine = Engine()
    for command, time_us in opening():
        engine.apply(command, time_us)
    before = engine.state_hash()
    try:
        engine.apply(c.tick(), engine.time_us - 1)
    except ValueError:
        assert engine.state_hash() == before
    else:
        raise AssertionError("a falling time was taken")


@pytest.mark.parametrize("kind", ["mixed", "tangle"])
def test_fill_or_kill_fills_exactly_when_immediate_or_cancel_fills_whole(kind: str) -> None:
    """What the look ahead promises is what matching does, through icebergs and own orders too."""
    engine, seen = Engine(), set[bool]()
    for command, time_us in history("fill or kill", 5_000 if LONG else 1_200, kind=kind):
        fields = dict(zip(c.PLACE_FIELDS, command[2:], strict=True)) if command[0] == "place" else {}
        plain = fields.get("type") == c.LIMIT and fields["stop"] == fields["trail"] == fields["display"] == 0
        if plain and not fields["post_only"] and fields["expires"] == 0:
            filled = takes(copy(engine), [*command[:6], c.FOK, *command[7:]], time_us)
            seen.add(filled)
            assert filled == takes(copy(engine), [*command[:6], c.IOC, *command[7:]], time_us)
        engine.apply(command, time_us)
    assert seen == {True, False}


def takes(engine: Engine, command: list[Any], time_us: int) -> bool:
    """Whether the order is filled whole, and by trades alone."""
    events = engine.apply(command, time_us)
    new = [event[1] for event in events if event[0] == "new"]
    reduced = [event for event in events if event[0] == "reduce" and event[1] in new]
    return bool(new) and not reduced and ("filled" in [event[-1] for event in events if event[:2] == ("done", *new)])
