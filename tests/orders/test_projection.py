"""The read models of orders say what the engine says, after any history, in transactions of any size."""

from collections import defaultdict

import pytest
from django.db import transaction

from matching import journal
from matching.engine import commands
from matching.engine.events import as_dict
from matching.engine.icebergs import left_of
from matching.money import MAX_AMOUNT
from matching.projection import advance, grouped, offset
from matching.rebuild import rebuild
from orders import selectors
from orders.models import Candle, Market, Order, Ticker24h, Trade
from tests.projections import RandomExchange, catch_up, orders_projection, rows_of

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE_US = 60_000_000
DAY_US = 1440 * MINUTE_US


def assert_open_orders_equal(engine) -> None:
    in_engine = {
        order.id: (account, order.seat.market.id, order.side, order.price, order.size, left_of(order))
        for account in engine.accounts()
        for order in engine.accounts_by_id[account].orders.values()
    }
    in_rows = {
        row.id: (row.account_id, row.market_id, row.side, row.price, row.size, row.remaining)
        for row in Order.objects.filter(selectors.OPEN)
    }
    assert in_rows == in_engine


def naive_orders() -> dict[int, dict]:
    """What the events say of each order, one event after the other, in dictionaries."""
    orders: dict[int, dict] = {}
    for batch in journal.read(after=0, limit=10**6):
        for sequence, events in enumerate(batch.events, batch.first):
            for event in map(as_dict, events):
                for order, facts in naive_facts(event, orders):
                    orders.setdefault(order, {}).update(facts, sequence=sequence, updated_us=batch.time_us)
    return orders


def naive_facts(event, orders):
    kind = event["kind"]
    if kind == "new":
        yield event["order"], {
            "size": event["size"], "price": event["price"], "status": "open", "done_reason": "", "filled_lots": 0,
            "filled_quote": 0, "fee": 0, "remaining": event["size"], "client_id": event["client_id"],
            "trigger": event["trigger"], "trail_ppm": event["trail"], "display": min(event["display"], MAX_AMOUNT),
            "hidden": 0, "list_id": orders.get(event["order"], {}).get("list_id", 0),
        }  # fmt: skip
    elif kind == "trade":
        for side in ("taker", "maker"):
            # Read again for each side: an order can trade with nobody but another.
            was = orders[event[side + "_order"]]
            facts = {
                "filled_lots": was["filled_lots"] + event["lots"],
                "filled_quote": was["filled_quote"] + event["quote_atoms"],
                "fee": was["fee"] + event[side + "_fee"],
            }
            if side == "maker":
                facts["remaining"] = event["maker_remaining"]
                if not event["maker_remaining"]:
                    facts |= {"status": "filled", "done_reason": "filled"}
            yield event[side + "_order"], facts
    elif kind == "rest":
        yield event["order"], {"remaining": event["remaining"], "status": "open"}
    elif kind == "list":
        for order in event["orders"]:
            yield order, {"list_id": event["list"]}
    elif kind == "show":
        yield event["order"], {"hidden": event["hidden"]}
    elif kind in ("wait", "pend"):
        yield event["order"], {"status": {"wait": "waiting", "pend": "pending"}[kind]}
    elif kind in ("trigger", "activate"):
        yield event["order"], {"status": "open"}
    elif kind == "reduce":
        size = orders[event["order"]]["size"] - event["lots"]
        yield event["order"], {"remaining": event["remaining"], "size": size}
    elif kind == "amend":
        yield event["order"], {name: event[name] for name in ("price", "size", "remaining")}
    elif kind == "done":
        status = {"filled": "filled", "expired": "expired"}.get(event["reason"], "canceled")
        yield event["order"], {"remaining": event["remaining"], "status": status, "done_reason": event["reason"]}


def assert_orders_equal_events() -> None:
    rows = {
        row.id: {
            "size": row.size, "price": row.price, "status": row.status_name, "done_reason": row.done_reason,
            "filled_lots": row.filled_lots, "filled_quote": row.filled_quote, "fee": row.fee,
            "remaining": row.remaining, "client_id": row.client_id, "sequence": row.sequence,
            "updated_us": row.updated_us, "trigger": row.trigger, "trail_ppm": row.trail_ppm,
            "display": row.display, "hidden": row.hidden, "list_id": row.list_id,
        }
        for row in Order.objects.all()
    }  # fmt: skip
    assert rows == naive_orders()


def journaled_trades() -> list[tuple[int, dict]]:
    return [
        (batch.time_us, as_dict(event))
        for batch in journal.read(after=0, limit=10**6)
        for events in batch.events
        for event in events
        if event[0] == "trade"
    ]


def bars(trades) -> tuple[int, ...]:
    prices = [trade["price"] for _, trade in trades]
    base, quote = (sum(trade[name] for _, trade in trades) for name in ("base_atoms", "quote_atoms"))
    return (prices[0], max(prices), min(prices), prices[-1], base, quote, len(trades))


def bought(trades) -> tuple[int, ...]:
    by_takers = [trade for _, trade in trades if trade["taker_side"] == commands.BUY]
    return tuple(sum(trade[name] for trade in by_takers) for name in ("base_atoms", "quote_atoms"))


def assert_candles_equal_trades() -> None:
    expected = defaultdict(list)
    for time_us, trade in journaled_trades():
        for seconds in (60, 300, 900, 3600, 14_400, 86_400, 604_800):
            monday_us = 4 * DAY_US if seconds == 604_800 else 0
            length_us = seconds * 1_000_000
            start_us = (time_us - monday_us) // length_us * length_us + monday_us
            expected[trade["market"], seconds, start_us].append((time_us, trade))
    rows = {
        (c.market_id, c.interval, c.open_us):
        (c.open, c.high, c.low, c.close, c.base_volume, c.quote_volume, c.trades, c.taker_base_volume,
         c.taker_quote_volume)
        for c in Candle.objects.all()
    }  # fmt: skip
    assert rows == {key: (*bars(trades), *bought(trades)) for key, trades in expected.items()}


def assert_tickers_equal_trades(now_us: int) -> None:
    as_of_us = now_us - now_us % MINUTE_US
    everything = journaled_trades()
    for market in Market.objects.all():
        mine = [(time_us, trade) for time_us, trade in everything if trade["market"] == market.id]
        counted = [(time_us, trade) for time_us, trade in mine if time_us >= as_of_us - DAY_US + MINUTE_US]
        last = mine[-1][1]["price"] if mine else None
        expected = bars(counted) if counted else (last, last, last, last, 0, 0, 0)
        t = Ticker24h.objects.get(market_id=market.id)
        assert (t.open, t.high, t.low, t.last, t.base_volume, t.quote_volume, t.trades) == expected
        assert t.as_of_us == as_of_us


@pytest.mark.parametrize("seed", range(6))
def test_rows_equal_the_engine_whatever_the_transactions(seed):
    exchange = RandomExchange(seed)
    projection = orders_projection()
    for _ in range(4):
        exchange.go_on(150)
        catch_up(projection, chance=exchange.random)
        assert_open_orders_equal(exchange.engine)
        assert_tickers_equal_trades(exchange.engine.time_us)
    assert offset("orders") == exchange.engine.sequence
    assert_orders_equal_events()
    assert_candles_equal_trades()
    assert Trade.objects.count() == len(journaled_trades()) > 20


def test_markets_and_states_equal_the_engine():
    exchange = RandomExchange(21)
    exchange.go_on(400)
    catch_up(orders_projection(), chance=exchange.random)
    for id, market in exchange.engine.markets.items():
        row = Market.objects.get(id=id)
        names = ("symbol", "lot_atoms", "unit", "min_lots", "max_lots", "min_notional", "band_ppm", "fees", "state")
        assert [getattr(row, name) for name in names] == [getattr(market, name) for name in names]
        assert row.state_until_us == market.until
        assert (row.base_code, row.base_scale) == {1: ("BTC", 8), 3: ("ETH", 18)}[market.base]


def test_a_crash_before_the_commit_leaves_rows_and_offset_as_they_were_and_the_next_resumes():
    exchange = RandomExchange(7)
    exchange.go_on(300)
    projection = orders_projection()
    catch_up(projection)
    tables = [*projection.tables, "matching_projectionoffset"]
    before = rows_of(tables)
    exchange.go_on(300)

    class Killed(Exception):
        pass

    with pytest.raises(Killed), transaction.atomic():
        assert advance(projection, journal.read(after=projection.sequence, limit=20))
        raise Killed
    assert rows_of(tables) == before
    # The process is gone; another one takes over.
    catch_up(orders_projection(), chance=exchange.random)
    assert_orders_equal_events()
    assert_candles_equal_trades()


def test_two_projectors_at_once_write_everything_once():
    exchange = RandomExchange(8)
    exchange.go_on(200)
    one, other = orders_projection(), orders_projection()
    one.load()
    other.load()
    batches = journal.read(after=0, limit=500)
    assert advance(one, batches[:10])
    after_first = rows_of(one.tables)
    assert not advance(other, batches[:20])
    assert rows_of(one.tables) == after_first
    other.load()
    assert advance(other, [batch for batch in batches if batch.first > other.sequence])
    assert_orders_equal_events()
    assert_candles_equal_trades()


def test_a_batch_that_is_read_again_counts_once():
    exchange = RandomExchange(9)
    exchange.go_on(100)
    projection = orders_projection()
    projection.load()
    batches = journal.read(after=0, limit=500)
    assert advance(projection, batches)
    rows = rows_of(projection.tables)
    assert advance(projection, batches[-3:])
    assert rows_of(projection.tables) == rows


def test_a_rebuild_gives_the_same_rows():
    exchange = RandomExchange(10)
    exchange.go_on(500)
    projection = orders_projection(now_us=exchange.engine.time_us)
    catch_up(projection, chance=exchange.random)
    rows = rows_of(projection.tables)
    seen = []
    assert (
        rebuild(
            orders_projection(now_us=exchange.engine.time_us), progress=lambda done, head: seen.append((done, head))
        )
        == exchange.engine.sequence
    )
    assert rows_of(projection.tables) == rows
    assert seen[-1] == (exchange.engine.sequence, exchange.engine.sequence)


def test_a_rebuild_repairs_rows_that_were_damaged_and_the_projector_goes_on():
    exchange = RandomExchange(11)
    exchange.go_on(300)
    running = orders_projection()
    catch_up(running)
    exchange.go_on(100)
    Order.objects.update(filled_lots=0)
    Trade.objects.all().delete()
    rebuild(orders_projection())
    assert_orders_equal_events()
    # The running projector stood at an older sequence: it must not write what it has folded onto the new rows.
    assert not advance(running, journal.read(after=running.sequence))
    exchange.go_on(100)
    catch_up(running)
    assert_orders_equal_events()
    assert_candles_equal_trades()


def test_old_trades_leave_the_ticker_though_nothing_happens():
    exchange = RandomExchange(12)
    exchange.go_on(300)
    start_us = exchange.engine.time_us
    catch_up(orders_projection())
    assert_tickers_equal_trades(start_us)
    assert Ticker24h.objects.filter(trades__gt=0).exists()
    # Each minute with a trade leaves exactly when the day after it is over: not a microsecond before.
    ends_us = {time_us - time_us % MINUTE_US + DAY_US for time_us, _ in journaled_trades()}
    edges_us = {edge_us for end_us in ends_us for edge_us in (end_us - 1, end_us)}
    for now_us in sorted({start_us + DAY_US // 2, *edges_us, start_us + 5 * DAY_US}):
        # A clock that goes on, and no event.
        projection = orders_projection(now_us=now_us)
        projection.load()
        projection.age()
        assert_tickers_equal_trades(now_us)
    assert not Ticker24h.objects.filter(trades__gt=0).exists()
    assert offset("orders") == exchange.engine.sequence


def test_groups_keep_the_order_and_bound_a_transaction():
    exchange = RandomExchange(13)
    exchange.go_on(100)
    batches = journal.read(after=0, limit=500)
    assert [batch for group in grouped(batches) for batch in group] == batches


def test_text_that_the_database_cannot_hold_does_not_stop_the_projector():
    exchange = RandomExchange(14)
    names = ["tab\there", "line\nbreak", "back\\slash", "nul\x00", "lone\ud800", "\\N", "x" * 5_000, "čeština"]
    market = exchange.engine.markets[1]
    orders = [
        commands.place(
            account=1, market=1, side=commands.BUY, price=market.last - 1, size=30, client_id=name, fingerprint=number
        )
        for number, name in enumerate(names)
    ]
    events = exchange.writer.write(orders, exchange.engine.time_us)
    assert all(event[0][0] == "new" for event in events)
    catch_up(orders_projection())
    stored = list(Order.objects.order_by("id").values_list("client_id", flat=True))
    assert stored == [
        "tab\there", "line\nbreak", "back\\slash", "nul\ufffd", "lone?", "\\N", "x" * 128, "čeština",
    ]  # fmt: skip
