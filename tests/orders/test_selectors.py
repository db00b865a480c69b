"""Reads page without losing or repeating anything, and show nobody what is another's."""

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.problems import Problem
from accounts.services import create_account
from matching import journal
from orders import selectors
from orders.models import FeeTier, Market, Order, Trade
from orders.pages import market_page
from tests.projections import project_all, recorded, store
from wallets import selectors as wallets
from wallets.models import LedgerEntry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def exchange() -> None:
    store(recorded("selectors", 500))
    project_all()


def pages(read, key, size):
    """Everything, page by page."""
    found, before = [], None
    while page := read(before, size):
        assert len(page) <= size
        found += page
        before = key(page[-1])
    return found


@pytest.mark.parametrize("size", [1, 2, 7])
def test_pages_of_orders_fills_trades_and_ledger_are_the_whole(size):
    for account in (1, 2):
        orders = pages(
            lambda before, limit, account=account: selectors.list_orders(
                account_id=account, before_id=before, limit=limit
            ),
            lambda order: order.id,
            size,
        )
        expected = Order.objects.filter(account_id=account).order_by("-id")
        assert [order.id for order in orders] == list(expected.values_list("id", flat=True))
        fills = pages(
            lambda before, limit, account=account: selectors.list_fills(
                account_id=account, before_id=before, limit=limit
            ),
            lambda fill: fill.id,
            size,
        )
        mine = [
            2 * trade.id + is_taker
            for trade in Trade.objects.order_by("-id")
            for is_taker, owner in ((1, trade.taker_account_id), (0, trade.maker_account_id))
            if owner == account
        ]
        assert [fill.id for fill in fills] == mine
        assert len(mine) > 10
        legs = pages(
            lambda before, limit, account=account: wallets.ledger(account, before_id=before, limit=limit),
            lambda leg: leg.id,
            size,
        )
        assert len(legs) == LedgerEntry.objects.filter(account_id=account).count() > 10
    trades = pages(
        lambda before, limit: selectors.trades(market_id=1, before_number=before, limit=limit),
        lambda trade: trade.number,
        size,
    )
    assert [trade.number for trade in trades] == list(range(len(trades), 0, -1))


def test_fills_of_an_order_add_up_to_it():
    for order in Order.objects.filter(filled_lots__gt=0):
        fills = selectors.list_fills(account_id=order.account_id, order_id=order.id, limit=1_000)
        assert sum(fill.lots for fill in fills) == order.filled_lots
        assert sum(fill.quote_atoms for fill in fills) == order.filled_quote
        assert sum(fill.fee for fill in fills) == order.fee
        assert {fill.side for fill in fills} == {order.side}


def test_a_trade_with_oneself_is_two_fills():
    own = [trade for trade in Trade.objects.all() if trade.taker_account_id == trade.maker_account_id]
    assert own
    for trade in own:
        fills = selectors.list_fills(account_id=trade.taker_account_id, before_id=2 * trade.id + 2, limit=2)
        assert [(fill.number, fill.is_maker) for fill in fills] == [(trade.number, False), (trade.number, True)]
        assert fills[0].side == 1 - fills[1].side


def test_open_and_closed_orders_are_told_apart():
    mine = {"account_id": 1, "limit": 10_000}
    opened = selectors.list_orders(is_open=True, **mine)
    closed = selectors.list_orders(is_open=False, **mine)
    assert {order.status_name for order in opened} <= {"open", "waiting"}
    assert {order.status_name for order in closed} <= {"filled", "canceled", "expired"}
    assert len(opened) + len(closed) == len(selectors.list_orders(**mine))
    assert opened
    assert closed


def test_another_accounts_order_is_unknown():
    order = Order.objects.exclude(client_id="").filter(selectors.OPEN).order_by("id")[0]
    other = order.account_id % 3 + 1
    assert selectors.get_order(account_id=order.account_id, order_id=order.id).id == order.id
    assert selectors.market_of_order(account_id=order.account_id, order_id=order.id) == order.market_id
    for name in ({"order_id": order.id}, {"client_id": "nobody's"}, {}):
        with pytest.raises(Problem) as refused:
            selectors.get_order(account_id=other, **name)
        assert refused.value.code == "unknown_order"
        assert selectors.market_of_order(account_id=other, **name) is None


def test_candles_come_rising_and_the_newest_when_there_are_more():
    everything = selectors.candles(market_id=1, interval_s=60)
    assert [candle.open_us for candle in everything] == sorted(candle.open_us for candle in everything)
    assert selectors.candles(market_id=1, interval_s=60, limit=1)[0].open_us == everything[-1].open_us
    first = everything[0].open_us
    assert selectors.candles(market_id=1, interval_s=60, start_us=first + 1)[:1] == everything[1:2]
    assert [c.open_us for c in selectors.candles(market_id=1, interval_s=60, end_us=first + 1)] == [first]


def test_sequences_say_how_far_the_rows_are():
    head = journal.head()
    assert selectors.sequence() == wallets.sequence() == head
    assert selectors.wait_for_sequence(head, timeout_ms=0) == head
    assert wallets.wait_for_sequence(head + 1, timeout_ms=20) == head


def test_an_unknown_market_or_asset_is_named_so():
    for read, code in (
        (lambda: selectors.get_market(symbol="X-Y"), "unknown_market"),
        (lambda: wallets.get_asset(code="X"), "unknown_asset"),
        (lambda: wallets.get_withdrawal(1, 1), "unknown_withdrawal"),
    ):
        with pytest.raises(Problem) as refused:
            read()
        assert refused.value.code == code


def test_a_market_without_trades_has_an_empty_ticker():
    ticker = selectors.ticker(market_id=999)
    assert (ticker.last, ticker.trades) == (None, 0)


def test_the_market_of_an_order_is_never_that_of_a_closed_one():
    """Its client id may be in use again, in a market with other lots: an amend must not be read with its scale."""
    closed = Order.objects.exclude(client_id="").exclude(selectors.OPEN).order_by("id")[0]
    assert selectors.market_of_order(account_id=closed.account_id, order_id=closed.id) is None
    assert selectors.get_order(account_id=closed.account_id, order_id=closed.id).id == closed.id


def test_fees_are_those_of_the_accounts_tier(django_user_model):
    market = Market.objects.order_by("id")[0]
    Market.objects.filter(id=market.id).update(fees=[[1_000, 1_500], [500, 1_000]])
    user = django_user_model.objects.create_user("fee-payer")
    anonymous = AnonymousUser()
    account = create_account(user=user, name="fees")
    shown = {}
    for tier, expected in ((0, (1_000, 1_500)), (1, (500, 1_000)), (7, (500, 1_000))):
        FeeTier.objects.update_or_create(account_id=account.pk, defaults={"tier": tier, "sequence": 1})
        (fees,) = [one for one in selectors.fees(account_id=account.pk) if one.market.id == market.id]
        assert (fees.tier, fees.maker_ppm, fees.taker_ppm) == (tier, *expected)
        page = market_page(symbol=market.symbol, user=user)
        shown[tier] = page["market"]["taker_fee"]
        assert page["has_account"] is True
    assert shown == {0: "0.0015", 1: "0.001", 7: "0.001"}
    assert selectors.fee_tier(account_id=10**9) == 0
    page = market_page(symbol=market.symbol, user=anonymous)
    assert (page["market"]["taker_fee"], page["has_account"], page["signed_in"]) == ("0.0015", False, False)
    assert market_page(symbol=market.symbol, user=django_user_model.objects.create_user("x"))["has_account"] is False
