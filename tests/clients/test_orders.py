"""What becomes of orders of every type that ccxt can place: they trigger, trail, refill, and cancel one another."""

import pytest

from tests.clients.conftest import ASK, BID, SYMBOL
from tests.clients.venue import eventually


@pytest.fixture
def last_price(trader, maker):
    """The last price is between the maker's quotes, and nothing but the quotes rests."""
    trader.create_order(SYMBOL, "limit", "sell", 0.001, 60_000)
    maker.create_order(SYMBOL, "limit", "buy", 0.001, 60_000)
    return 60_000


def move_to(maker, price):
    """The maker trades with itself at the price, which must lie between its quotes."""
    maker.create_order(SYMBOL, "limit", "sell", 0.001, price, {"selfTradePreventionMode": "NONE"})
    made = maker.create_order(SYMBOL, "limit", "buy", 0.001, price, {"selfTradePreventionMode": "NONE"})
    assert made["average"] == price


def order_of(trader, made):
    return trader.fetch_order(made["id"], SYMBOL)


def ended(trader, made, status="closed"):
    return eventually(lambda: order_of(trader, made)["status"] == status and order_of(trader, made), status)


def test_a_stop_loss_sells_at_the_market(trader, maker, last_price):
    stop = trader.create_order(SYMBOL, "market", "sell", 0.01, None, {"stopLossPrice": 59_950})
    assert order_of(trader, stop)["status"] == "open"
    move_to(maker, 59_950)
    sold = ended(trader, stop)
    assert (sold["filled"], sold["average"]) == (0.01, BID)


def test_a_stop_loss_limit_rests_once_triggered(trader, maker, last_price):
    stop = trader.create_order(SYMBOL, "limit", "buy", 0.01, 60_060, {"stopLossPrice": 60_050})
    assert order_of(trader, stop)["info"]["isWorking"] is False
    move_to(maker, 60_050)
    eventually(lambda: order_of(trader, stop)["info"]["isWorking"] is True, "the triggered order in the book")
    assert order_of(trader, stop)["status"] == "open"
    eventually(lambda: trader.fetch_order_book(SYMBOL)["bids"][0] == [60_060, 0.01], "it in the shown book")


def test_a_take_profit_sells_above(trader, maker, last_price):
    market = trader.create_order(SYMBOL, "market", "sell", 0.01, None, {"takeProfitPrice": 60_050})
    limit = trader.create_order(SYMBOL, "limit", "sell", 0.01, 60_070, {"takeProfitPrice": 60_050})
    move_to(maker, 60_050)
    assert ended(trader, market)["average"] == BID
    eventually(lambda: trader.fetch_order_book(SYMBOL)["asks"][0] == [60_070, 0.01], "the limit order in the book")
    assert order_of(trader, limit)["status"] == "open"


def test_a_trailing_stop_follows_the_price(trader, maker, last_price):
    # 10 basis points below the best price since: 60,050 less 0.1% is 59,989.95.
    stop = trader.create_order(
        SYMBOL, "market", "sell", 0.01, None, {"trailingPercent": 0.1, "stopLossOrTakeProfit": "stopLoss"}
    )
    move_to(maker, 60_050)
    move_to(maker, 60_000)
    assert order_of(trader, stop)["status"] == "open"
    move_to(maker, 59_989)
    assert ended(trader, stop)["average"] == BID


def test_an_iceberg_shows_its_tip(trader, maker):
    made = trader.create_order(SYMBOL, "limit", "buy", 0.05, 59_950, {"icebergAmount": 0.01})
    assert order_of(trader, made)["info"]["icebergQty"] == "0.01000000"
    eventually(lambda: trader.fetch_order_book(SYMBOL)["bids"][0] == [59_950, 0.01], "its tip")
    maker.create_order(SYMBOL, "market", "sell", 0.025)
    assert ended(trader, made, "open")["filled"] == 0.025
    eventually(lambda: trader.fetch_order_book(SYMBOL)["bids"][0] == [59_950, 0.005], "what is left of the third tip")


def test_times_in_force(trader, maker):
    part = trader.create_order(SYMBOL, "limit", "buy", 1.5, ASK, {"timeInForce": "IOC"})
    assert (part["status"], part["filled"]) == ("expired", 1)
    none = trader.create_order(SYMBOL, "limit", "sell", 1.5, BID, {"timeInForce": "FOK"})
    assert (none["status"], none["filled"]) == ("expired", 0)
    assert trader.fetch_open_orders(SYMBOL) == []


def test_what_would_trade_with_oneself_expires(trader, maker):
    trader.create_order(SYMBOL, "limit", "sell", 0.01, 60_000)
    made = trader.create_order(SYMBOL, "limit", "buy", 0.01, 60_000, {"selfTradePrevention": "EXPIRE_TAKER"})
    found = order_of(trader, made)
    assert (found["status"], found["filled"]) == ("expired", 0)
    assert found["info"]["status"] == "EXPIRED_IN_MATCH"
    assert len(trader.fetch_open_orders(SYMBOL)) == 1


def test_a_test_order_is_not_placed(trader, maker):
    trader.create_order(SYMBOL, "limit", "buy", 0.01, 59_000, {"test": True})
    assert trader.fetch_open_orders(SYMBOL) == []


def test_smaller_keeps_its_priority(trader, maker):
    made = trader.create_order(SYMBOL, "limit", "buy", 0.5, 59_000)
    # ccxt has no method of its own for it.
    told = trader.request(
        "order/amend/keepPriority", ["private"], "PUT", {"symbol": "BTCUSDT", "orderId": made["id"], "newQty": "0.3"}
    )
    assert told["amendedOrder"]["qty"] == "0.30000000"
    found = order_of(trader, made)
    assert (found["status"], found["amount"]) == ("open", 0.3)


def oco(trader):
    return trader.private_post_orderlist_oco(
        {
            "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.01", "listClientOrderId": trader.uuid22(),
            "aboveType": "LIMIT_MAKER", "abovePrice": "60090",
            "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "59950", "belowPrice": "59900",
            "belowTimeInForce": "GTC",
        }
    )  # fmt: skip


def legs(trader, made):
    return {report["type"]: trader.fetch_order(report["orderId"], SYMBOL) for report in made["orderReports"]}


def test_one_cancels_the_other_by_a_fill(trader, maker, last_price):
    made = oco(trader)
    assert (made["contingencyType"], made["listOrderStatus"]) == ("OCO", "EXECUTING")
    assert {leg["status"] for leg in legs(trader, made).values()} == {"open"}
    maker.create_order(SYMBOL, "limit", "buy", 0.01, 60_090)
    eventually(lambda: legs(trader, made)["LIMIT_MAKER"]["status"] == "closed", "the upper leg filled")
    assert legs(trader, made)["STOP_LOSS_LIMIT"]["status"] in {"expired", "canceled"}
    assert trader.private_get_orderlist({"orderListId": made["orderListId"]})["listOrderStatus"] == "ALL_DONE"


def test_one_cancels_the_other_by_a_trigger(trader, maker, last_price):
    made = oco(trader)
    move_to(maker, 59_950)
    eventually(lambda: legs(trader, made)["STOP_LOSS_LIMIT"]["status"] == "closed", "the lower leg filled")
    assert legs(trader, made)["LIMIT_MAKER"]["status"] in {"expired", "canceled"}


def test_lists_are_listed_and_canceled_whole(trader, maker, last_price):
    made = oco(trader)
    assert [found["orderListId"] for found in trader.private_get_openorderlist()] == [made["orderListId"]]
    canceled = trader.private_delete_orderlist({"symbol": "BTCUSDT", "orderListId": made["orderListId"]})
    assert canceled["listOrderStatus"] == "ALL_DONE"
    # The leg that went with the other is called expired, however the other ended.
    assert {leg["status"] for leg in legs(trader, made).values()} <= {"canceled", "expired"}
    assert trader.fetch_open_orders(SYMBOL) == trader.private_get_openorderlist() == []


def test_one_triggers_another(trader, maker):
    made = trader.private_post_orderlist_oto(
        {
            "symbol": "BTCUSDT", "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "59950",
            "workingQuantity": "0.01", "workingTimeInForce": "GTC",
            "pendingType": "LIMIT", "pendingSide": "SELL", "pendingPrice": "60090", "pendingQuantity": "0.01",
            "pendingTimeInForce": "GTC",
        }
    )  # fmt: skip
    first, second = (report["orderId"] for report in made["orderReports"])
    assert trader.fetch_order(second, SYMBOL)["info"]["status"] == "PENDING_NEW"
    maker.create_order(SYMBOL, "limit", "sell", 0.01, 59_950)
    eventually(lambda: trader.fetch_order(first, SYMBOL)["status"] == "closed", "the working order filled")
    eventually(lambda: trader.fetch_order_book(SYMBOL)["asks"][0] == [60_090, 0.01], "the pending order in the book")
    assert trader.fetch_order(second, SYMBOL)["status"] == "open"
