"""What the engine keeps for its own speed stays in proportion to what is there: heaps, levels, client ids, ranges."""

import gc
import random
from itertools import pairwise

import pytest

from benchmarks import hostile
from benchmarks.tapes import MAKERS, MID, START_US, make
from matching.engine import Engine
from matching.engine import commands as c
from matching.engine.book import DEAD_SPARE
from matching.engine.clients import DROP_EVERY
from matching.engine.due import DEAD_SPARE as DEAD_DUE_SPARE
from matching.engine.ids import IdRanges
from matching.engine.state import DAY_US, Order
from matching.engine.stops import DEAD_SPARE as DEAD_STOPS_SPARE
from matching.engine.trailing import SPARE as DEAD_TRAILS_SPARE

N = 2_000


def played(commands: list[list[object]]) -> Engine:
    engine = hostile.engine()
    for at, command in enumerate(commands):
        engine.apply(command, START_US + at)
    return engine


@pytest.mark.parametrize("name", hostile.SCENARIOS)
def test_a_hostile_history_leaves_a_sound_engine(name: str) -> None:
    engine = played(hostile.SCENARIOS[name](N))
    engine.validate()
    assert Engine.load(engine.dump()).state_hash() == engine.state_hash()


@pytest.mark.parametrize("name", MAKERS)
def test_a_tape_is_the_same_every_time_and_never_refused(name: str) -> None:
    tape, again = make(name, N), make(name, N)
    assert tape.commands == again.commands
    assert len(tape.messages) == len(tape.commands) == N
    engine = Engine()
    for command in tape.opening:
        engine.apply(command, START_US)
    kinds = {event[0] for command, time_us in tape.steps() for event in engine.apply(command, time_us)}
    engine.validate()
    assert "rest" in kinds
    assert "rejected" not in kinds


def test_dead_due_entries_do_not_pile_up() -> None:
    for scenario in (hostile.dead_man, hostile.expiries):
        engine = played(scenario(N))
        assert len(engine.due) <= 2 * engine.due_live + DEAD_DUE_SPARE


def test_canceled_stops_do_not_pile_up() -> None:
    engine = played(hostile.stops_that_come_and_go(N))
    assert engine.markets[1].stops.waiting == 0
    assert max(map(len, engine.markets[1].stops.heaps)) <= DEAD_STOPS_SPARE


def test_ended_trailing_orders_do_not_pile_up() -> None:
    for scenario in (hostile.trails_that_come_and_go, hostile.trails_up_and_down):
        engine = played(scenario(N))
        for trails in engine.markets[1].stops.trails:
            assert trails.entries <= 2 * trails.live + DEAD_TRAILS_SPARE
            assert len(trails.groups) <= trails.entries + 1
            assert len(trails.tops) <= 2 * len(trails.groups) + DEAD_TRAILS_SPARE + 1


def test_empty_levels_go_at_once() -> None:
    places = [hostile.place(1, c.BUY, MID - 1 - n) for n in range(N)]
    engine = played(places + [c.cancel(account=1, order=n + 1) for n in range(N)])
    bids = engine.markets[1].bids
    assert bids.levels == {}
    assert len(bids.heap) <= N + 1
    assert bids.best() is None
    assert len(bids.heap) == 1


@pytest.mark.parametrize("name", hostile.SCENARIOS)
def test_orders_that_ended_go_without_the_garbage_collector(name: str) -> None:
    """The matcher runs with it off: an order that ended must not be part of a cycle."""
    commands = hostile.SCENARIOS[name](N)
    gc.collect()
    gc.disable()
    try:
        engine = played(commands)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        assert [order.id for order in gc.garbage if isinstance(order, Order)] == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    engine.validate()


def test_dead_keys_do_not_pile_up() -> None:
    """A quote that comes and goes, at one price or at many, leaves keys behind but not for long."""
    engine = played(hostile.flicker(N))
    bids = engine.markets[1].bids
    assert len(bids.heap) <= bids.heap_max <= 2 * len(bids.levels) + 4 * DEAD_SPARE
    for _ in range(N):
        engine.apply(hostile.place(3, c.BUY, MID - 1), START_US + N)
        engine.apply(c.cancel(account=3, order=engine.last_order), START_US + N)
    assert len(bids.heap) <= bids.heap_max <= 2 * len(bids.levels) + 4 * DEAD_SPARE


def test_old_client_ids_are_dropped_and_young_ones_are_not() -> None:
    engine = played(hostile.client_ids(N))
    for n in range(N):
        late = hostile.place(2, c.BUY, MID - 1, tif=c.IOC, client_id=f"late-{n}")
        engine.apply(late, START_US + N + DAY_US)
    clients = {account: engine.accounts_by_id[account].clients for account in (1, 2)}
    assert len(clients[1]) <= DROP_EVERY
    assert len(clients[2]) == N
    assert len(engine.closed) == len(clients[1]) + N


def test_an_account_with_a_used_up_name_keeps_only_the_new_order() -> None:
    """The record of an id that was used again after a day must not take the new one with it when it is dropped."""
    engine = hostile.engine()
    engine.apply(hostile.place(1, c.BUY, MID - 1, tif=c.IOC, client_id="name", fingerprint=1), START_US)
    again = hostile.place(1, c.BUY, MID - 1, client_id="name", fingerprint=2)
    assert engine.apply(again, START_US + DAY_US)[-1][0] == "rest"
    for n in range(2 * DROP_EVERY):
        engine.apply(hostile.place(2, c.BUY, MID - 1, tif=c.IOC, client_id=f"other-{n}"), START_US + DAY_US)
    order = engine.open_orders(1)[0]
    assert engine.apply(again, START_US + DAY_US) == [("duplicate", order, engine.sequence - 2 * DROP_EVERY - 1)]
    engine.validate()


def test_id_ranges_are_a_set() -> None:
    chance = random.Random(1)
    numbers = [chance.randint(1, 400) for _ in range(600)]
    ranges, plain = IdRanges(), set[int]()
    for number in numbers:
        assert (number in ranges) == (number in plain)
        if number not in plain:
            ranges.add(number)
            plain.add(number)
    assert [n for n in range(-1, 403) if n in ranges] == sorted(plain)
    dump = ranges.dump()
    assert all(a[1] + 1 < b[0] for a, b in pairwise(dump))
    assert IdRanges(dump).dump() == dump


def test_a_clock_that_falls_or_an_unknown_command_changes_nothing() -> None:
    engine = hostile.engine()
    engine.apply(c.tick(), START_US + 5)
    before = engine.state_hash()
    with pytest.raises(ValueError, match="time falls"):
        engine.apply(c.tick(), START_US + 4)
    with pytest.raises(KeyError):
        engine.apply(["nonsense", 0], START_US + 6)
    assert engine.state_hash() == before
