"""What a command did to an order, read from its events alone, equals what the engine knows of it."""

import pytest

from accounts.problems import Problem
from matching import defaults
from matching.engine import Engine, commands
from orders import placed

ALICE, BOB = 1, 2
M = defaults.BTC_USDT.id


class Desk:
    """An engine with two rich accounts; `do` gives sequence, time and events as a gateway's result does."""

    def __init__(self):
        self.engine = Engine()
        self.time_us = 1_000_000
        for command in defaults.commands_for_all():
            self.do(command)
        index = 0
        for account in (ALICE, BOB):
            for asset in defaults.ASSETS:
                index += 1
                self.do(commands.deposit(source=1, index=index, account=account, asset=asset.id, amount=10**24))

    def do(self, command, wait_us=1):
        self.time_us += wait_us
        events = [list(event) for event in self.engine.apply(command, self.time_us)]
        return {"events": events, "time_us": self.time_us, "sequence": self.engine.sequence}

    def place(self, account, side, price=0, size=0, wait_us=1, **more):
        command = commands.place(account=account, market=M, side=side, price=price, size=size, **more)
        return placed.read_placed(**self.do(command, wait_us))


@pytest.fixture
def desk():
    return Desk()


def figures(order):
    return order.status_name, order.remaining, order.filled_lots, order.filled_quote, order.fee, order.done_reason


def test_an_order_that_rests(desk):
    made = desk.place(ALICE, commands.BUY, 600_000, 500, client_id="a")
    assert figures(made.order) == ("open", 500, 0, 0, 0, "")
    assert (made.order.client_id, made.order.sequence, made.order.created_us) == (
        "a",
        desk.engine.sequence,
        desk.time_us,
    )
    assert made.fills == []


def test_a_taker_that_fills_and_rests(desk):
    first = desk.place(BOB, commands.SELL, 600_000, 300)
    made = desk.place(ALICE, commands.BUY, 600_010, 500)
    quote = 300 * 600_000
    assert figures(made.order) == ("open", 200, 300, quote, 300 * 1_000 * 1_500 // 10**6, "")
    (fill,) = made.fills
    assert (fill.order_id, fill.price, fill.lots, fill.quote_atoms, fill.is_maker) == (
        made.order.id,
        600_000,
        300,
        quote,
        False,
    )
    assert first.order.id != made.order.id


def test_a_filled_taker(desk):
    desk.place(BOB, commands.SELL, 600_000, 300)
    made = desk.place(ALICE, commands.BUY, 600_000, 300)
    assert figures(made.order)[:3] == ("filled", 0, 300)
    assert made.order.done_reason == "filled"


def test_what_an_ioc_leaves(desk):
    desk.place(BOB, commands.SELL, 600_000, 300)
    made = desk.place(ALICE, commands.BUY, 600_000, 500, tif=commands.IOC)
    assert (made.order.status_name, made.order.done_reason, made.order.remaining) == ("canceled", "unfilled", 200)


def test_a_market_order_by_amount(desk):
    desk.place(BOB, commands.SELL, 600_000, 300)
    made = desk.place(ALICE, commands.BUY, type=commands.MARKET, tif=commands.IOC, quote=600_000 * 100)
    assert figures(made.order)[:4] == ("filled", 0, 100, 600_000 * 100)


def test_a_stop_waits(desk):
    made = desk.place(ALICE, commands.BUY, 650_000, 100, stop=640_000)
    assert made.order.status_name == "waiting"


@pytest.mark.parametrize(("size", "status", "remaining"), [(100, "open", 53), (47, "filled", 0)])
def test_an_order_that_rests_and_is_hit_by_a_stop_that_it_triggered(desk, size, status, remaining):
    """The taker's own trade wakes a stop, which then sells into what rests of the taker: one order, both sides."""
    desk.place(BOB, commands.SELL, 599_000, 40, stop=599_500)
    desk.place(BOB, commands.SELL, 599_400, 7)
    made = desk.place(ALICE, commands.BUY, 599_900, size)
    assert [(fill.lots, fill.price, fill.is_maker) for fill in made.fills] == [(7, 599_400, False), (40, 599_900, True)]
    assert figures(made.order)[:4] == (status, remaining, 47, 7 * 599_400 + 40 * 599_900)
    assert made.order.fee == 7 * 1_000 * 1_500 // 10**6 + 40 * 1_000 * 1_000 // 10**6


def test_self_trade_prevention_ends_the_newest(desk):
    desk.place(ALICE, commands.SELL, 600_000, 300)
    made = desk.place(ALICE, commands.BUY, 600_000, 500, stp=commands.STP_NEWEST)
    assert (made.order.status_name, made.order.done_reason, made.order.remaining) == ("canceled", "stp", 500)


def test_self_trade_prevention_shrinks_both(desk):
    desk.place(ALICE, commands.SELL, 600_000, 300)
    made = desk.place(ALICE, commands.BUY, 600_000, 500, stp=commands.STP_DECREMENT)
    assert (made.order.status_name, made.order.size, made.order.remaining) == ("open", 200, 200)


def test_a_replacement_names_what_it_replaced(desk):
    old = desk.place(ALICE, commands.BUY, 600_000, 500)
    command = commands.replace(
        target_order=old.order.id, account=ALICE, market=M, side=commands.BUY, price=599_000, size=100
    )
    made = placed.read_placed(**desk.do(command))
    assert (made.replaced, made.order.status_name, made.order.remaining) == (old.order.id, "open", 100)


def test_what_was_due_before_is_another_story(desk):
    """Another's order expires by the same command; its events come first and are not the new order's."""
    other = desk.place(BOB, commands.BUY, 590_000, 10, tif=commands.GTD, expires_us=desk.time_us + 1_000)
    result = desk.do(commands.place(account=ALICE, market=M, side=0, price=600_000, size=5), wait_us=10_000)
    assert result["events"][0][:2] == ["done", other.order.id]
    made = placed.read_placed(**result)
    assert (made.order.account_id, made.order.status_name, made.replaced) == (ALICE, "open", 0)


def test_a_rejection_has_the_engines_code_and_its_sequence(desk):
    with pytest.raises(Problem) as caught:
        desk.place(ALICE, commands.BUY, 600_000, 10**9)
    assert (caught.value.code, caught.value.extra["sequence"]) == ("size_too_large", desk.engine.sequence)


def test_amends(desk):
    order = desk.place(ALICE, commands.BUY, 600_000, 500).order
    kept = placed.read_amended(**desk.do(commands.amend(account=ALICE, order=order.id, size=400)))
    assert (kept.kept_priority, kept.size, kept.remaining, kept.status_name) == (True, 400, 400, "open")
    desk.place(BOB, commands.SELL, 601_000, 150)
    moved = placed.read_amended(**desk.do(commands.amend(account=ALICE, order=order.id, price=601_000)))
    assert (moved.kept_priority, moved.price, moved.remaining, moved.status_name) == (False, 601_000, 250, "open")
    assert [(fill.lots, fill.is_maker) for fill in moved.fills] == [(150, False)]
    desk.place(BOB, commands.SELL, 602_000, 250)
    filled = placed.read_amended(**desk.do(commands.amend(account=ALICE, order=order.id, price=602_000)))
    assert (filled.status_name, filled.done_reason, filled.remaining) == ("filled", "filled", 0)


def test_cancels(desk):
    order = desk.place(ALICE, commands.BUY, 600_000, 500).order
    others = [desk.place(ALICE, commands.SELL, 610_000 + i, 5).order.id for i in range(3)]
    canceled = placed.read_canceled(**desk.do(commands.cancel(account=ALICE, order=order.id)))
    assert (canceled.id, canceled.remaining) == (order.id, 500)
    assert placed.read_canceled_all(**desk.do(commands.cancel_all(account=ALICE))).order_ids == others
    assert placed.read_canceled_all(**desk.do(commands.cancel_all(account=ALICE))).order_ids == []
    with pytest.raises(Problem) as caught:
        placed.read_canceled(**desk.do(commands.cancel(account=ALICE, order=order.id)))
    assert caught.value.code == "unknown_order"
