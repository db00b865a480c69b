"""What one command may set off (docs/protocol.md, 4, 6, 7 and 8), on both engines, with low limits and real ones."""

from collections.abc import Iterator

import pytest

from matching.engine import NEVER, Engine, limits
from matching.engine import commands as c
from tests.engine.compare import Pair
from tests.engine.generate import START_US
from tests.engine.kinds import TIGHT, limits_of
from tests.engine.reference import ReferenceEngine
from tests.engine.test_edges import do, fund, pair, rules
from tests.engine.test_edges_lists import AT_MARKET, buy, sell

__all__ = ["pair"]


@pytest.fixture
def tight() -> Iterator[None]:
    """A taker meets 4 orders, one that is fill-or-kill 3; of a queue 2 take their turn, none after 3 trades."""
    with limits_of("tight"):
        yield


@pytest.fixture
def rich(pair: Pair) -> Pair:
    for account in (1, 2):
        for asset in (1, 2):
            fund(pair, account, asset, 10**6)
    return pair


def test_both_engines_have_the_limits_of_the_page() -> None:
    assert {name: getattr(limits, name) for name in TIGHT} == {
        "MEETINGS": 10_000, "FILL_OR_KILL": 1_000, "TURNS": 100, "TURN_TRADES": 1_000, "DUE": 1_000,
        "DUE_EVENTS": 10_000,
    }  # fmt: skip
    assert all(getattr(ReferenceEngine, f"max_{name.lower()}") == getattr(limits, name) for name in TIGHT)


@pytest.mark.usefixtures("tight")
def test_a_taker_that_would_meet_one_more_ends(rich: Pair) -> None:
    for _ in range(5):
        do(rich, sell(price=1000, size=1))
    events = do(rich, buy(price=1000, size=9))
    assert [event[0] for event in events] == ["new", "trade", "trade", "trade", "trade", "done"]
    assert events[-1] == ("done", 6, 2, 1, 0, 1000, 5, 0, 0, "unfilled")
    assert rich.fast.depth(1) == ([], [(1000, 1)])


@pytest.mark.usefixtures("tight")
def test_a_taker_that_meets_all_there_are_rests_as_ever(rich: Pair) -> None:
    for _ in range(4):
        do(rich, sell(price=1000, size=1))
    assert do(rich, buy(price=1000, size=5))[-1] == ("rest", 5, 2, 1, 0, 1000, 1, 1000)


@pytest.mark.usefixtures("tight")
def test_steps_of_self_trade_prevention_count(rich: Pair) -> None:
    for _ in range(5):
        do(rich, buy(price=1000, size=1))
    events = do(rich, c.place(account=2, market=1, side=c.SELL, price=1000, size=5, stp=c.STP_OLDEST))
    assert [event[-1] for event in events[1:]] == ["stp", "stp", "stp", "stp", "unfilled"]


@pytest.mark.usefixtures("tight")
def test_parts_of_an_iceberg_count(rich: Pair) -> None:
    do(rich, sell(price=1000, size=6, display=1))
    events = do(rich, buy(size=6, **AT_MARKET))
    assert [event[0] for event in events] == ["new", *["trade", "show"] * 4, "done"]
    assert events[-1][6] == 2


@pytest.mark.usefixtures("tight")
@pytest.mark.parametrize(("orders", "fills"), [(3, True), (4, False)])
def test_fill_or_kill_is_killed_when_it_could_meet_too_many(rich: Pair, orders: int, fills: bool) -> None:
    for _ in range(orders):
        do(rich, sell(price=1000, size=1))
    # Three would suffice; but all of the level count.
    assert do(rich, buy(price=1000, size=3, tif=c.FOK))[-1][-1] == ("filled" if fills else "fok")


@pytest.mark.usefixtures("tight")
def test_fill_or_kill_counts_the_parts_of_icebergs(rich: Pair) -> None:
    do(rich, sell(price=1000, size=7, display=2))
    assert do(rich, buy(price=1000, size=2, tif=c.FOK))[-1][-1] == "fok"
    do(rich, c.amend(account=1, order=1, size=6))
    assert do(rich, buy(price=1000, size=6, tif=c.FOK))[-1][-1] == "filled"


@pytest.mark.usefixtures("tight")
def test_a_long_queue_goes_on_with_the_next_commands(rich: Pair) -> None:
    for _ in range(5):
        do(rich, buy(stop=1001, price=1001, size=1))
    do(rich, sell(price=1001, size=1))
    events = do(rich, buy(price=1001, size=1))
    assert [event[0] for event in events] == ["new", "trade", "done", "trigger", "rest", "trigger", "rest"]
    assert rich.fast.next_due == START_US
    # What is due comes first, whatever the command is; one that is left can still be canceled.
    events = do(rich, c.cancel(account=2, order=5), START_US + 1)
    assert [event[0] for event in events] == ["trigger", "rest", "trigger", "rest", "done"]
    assert events[-1] == ("done", 5, 2, 1, 0, 1001, 1, 1001, 2, "canceled")
    assert rich.fast.next_due == START_US + 1
    assert do(rich, c.tick(), START_US + 2) == []
    assert rich.fast.next_due == NEVER


@pytest.mark.usefixtures("tight")
def test_a_queue_that_waits_for_its_next_go_survives_a_snapshot_and_a_halt(rich: Pair) -> None:
    for _ in range(5):
        do(rich, buy(stop=1001, price=1001, size=1))
    do(rich, sell(price=1001, size=1))
    do(rich, buy(price=1001, size=1))
    before = rich.fast.state_hash()
    rich.fast = Engine.load(rich.fast.dump())
    assert rich.fast.state_hash() == before
    halted = do(rich, c.state(market=1, state="halted"))
    assert [event[0] for event in halted] == ["trigger", "rest", "trigger", "rest", "state"], "what is due comes first"
    assert rich.fast.next_due == NEVER
    assert [event[0] for event in do(rich, c.state(market=1, state="open"))] == ["state", "trigger", "rest"]


@pytest.mark.usefixtures("tight")
def test_trades_end_a_go_before_its_turns_do(rich: Pair) -> None:
    do(rich, buy(stop=1001, price=1002, size=3))
    do(rich, buy(stop=1001, price=1001, size=1))
    for price in (1001, 1002, 1002, 1002):
        do(rich, sell(price=price, size=1))
    events = do(rich, buy(price=1001, size=1))
    assert [event[0] for event in events] == ["new", "trade", "done", "trigger", "trade", "trade", "trade", "done"]
    assert [event[0] for event in do(rich, c.tick())] == ["trigger", "rest"]


def overdue(pair: Pair, *orders: list[object]) -> int:
    """Let `orders` be due behind so much else that the next command leaves them standing; the time it is then."""
    for account in range(11, 18):
        do(pair, c.deadman(account=account, timeout_us=1))
    for order in orders:
        do(pair, order)
    return START_US + 9


@pytest.mark.usefixtures("tight")
def test_an_order_whose_time_has_come_never_trades(rich: Pair) -> None:
    good = {"tif": c.GTD, "expires_us": START_US + 2}
    now = overdue(rich, sell(price=1000, size=2, **good), sell(price=1000, size=5, display=1, **good))
    do(rich, sell(price=1001, size=2))
    events = do(rich, buy(price=1001, size=2), now)
    assert [event[0] for event in events] == [*["deadman_fired"] * 3, "new", "done", "show", "done", "trade", "done"]
    assert events[4] == ("done", 1, 1, 1, 1, 1000, 2, 2, 1, "expired")


@pytest.mark.usefixtures("tight")
@pytest.mark.parametrize(("size", "ends"), [(2, "filled"), (3, "fok")])
def test_fill_or_kill_does_not_count_an_order_whose_time_has_come(rich: Pair, size: int, ends: str) -> None:
    now = overdue(rich, sell(price=1000, size=2, tif=c.GTD, expires_us=START_US + 2))
    do(rich, sell(price=1000, size=2))
    assert do(rich, buy(price=1001, size=size, tif=c.FOK), now)[-1][-1] == ends


@pytest.mark.usefixtures("tight")
def test_an_order_whose_time_has_come_is_not_amendable_but_can_be_canceled(rich: Pair) -> None:
    now = overdue(rich, sell(price=1000, size=2, tif=c.GTD, expires_us=START_US + 2))
    assert do(rich, c.amend(account=1, order=1, price=999), now)[-1] == ("rejected", "not_amendable")
    before = rich.fast.state_hash()
    rich.fast = Engine.load(rich.fast.dump())
    assert rich.fast.state_hash() == before
    assert do(rich, c.cancel(account=1, order=1), now)[-1][-1] == "canceled"


@pytest.mark.usefixtures("tight")
def test_an_order_in_a_queue_whose_time_has_come_does_not_take_its_turn(rich: Pair) -> None:
    do(rich, c.state(market=1, state="open"))
    do(rich, buy(stop=1001, price=1001, size=1, tif=c.GTD, expires_us=START_US + 2))
    do(rich, sell(price=1001, size=1))
    do(rich, rules(breaker_ppm=1, breaker_window_us=10**6, halt_us=0))
    do(rich, sell(price=999, size=1))
    do(rich, buy(price=999, size=1))
    assert do(rich, buy(price=1001, size=1))[-1][:3] == ("state", 1, "halted"), "the stop is in the queue, which waits"
    now = overdue(rich)
    events = do(rich, c.state(market=1, state="open"), now)
    assert [event[0] for event in events] == [*["deadman_fired"] * 3, "state", "done"]
    assert events[-1][8:] == (2, "expired")


def test_own_icebergs_swept_by_their_owner_make_few_events(pair: Pair) -> None:
    """What once gave 300,000 events in one command: 900 icebergs of as many parts as there can be."""
    do(pair, rules(max_orders=1_000))
    engine = pair.fast
    for account in (1, 2):
        for asset in (1, 2):
            fund(pair, account, asset, 10**8)
    for _ in range(900):
        engine.apply(sell(price=1000, size=10, display=1), START_US)
    sweep = c.place(account=1, market=1, side=c.BUY, price=1000, size=10_000, stp=c.STP_DECREMENT)
    assert len(engine.apply(sweep, START_US)) <= 3 * 900 + 2
    for _ in range(900):
        engine.apply(sell(price=1001, size=10, display=1), START_US)
    traded = engine.apply(buy(price=1001, size=9_000), START_US)
    assert len(traded) == 1 + 900 * (10 + 9) + 1, "other people's are taken part by part"
