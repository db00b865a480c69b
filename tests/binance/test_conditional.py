"""Take-profit, trailing and iceberg orders, and lists of orders."""

import signal
import time

import pytest

from tests.binance.conftest import ORDER
from tests.patience import PATIENCE_S

OCO = "/api/v3/orderList/oco"
OPEN = "/api/v3/openOrders"
RELATION = (-2010, "The relationship of the prices for the orders is not correct.")
NEITHER = (-1102, "Param 'belowStopPrice' or 'belowTrailingDelta' must be sent, but both were empty/null!")
NO_TIF = (-1102, "Mandatory parameter 'belowTimeInForce' was not sent, was empty/null, or malformed.")
BELOW = (-1197, "A stop loss order in a sell OCO must be below.")
NO_CONDITION = (-1168, "At least one OCO order must be contingent.")


@pytest.fixture
def at_60000(alice, bob):
    """The last price is 60,000 and the book is empty."""
    bob.place("SELL", 60_000, "0.001")
    alice.place("BUY", 60_000, "0.001")


def trade_at(alice, bob, price):
    """Move the last price."""
    bob.place("SELL", price, "0.001")
    alice.place("BUY", price, "0.001", timeInForce="IOC")


def status(client, order_id):
    return client.get(ORDER, symbol="BTCUSDT", orderId=order_id).ok()["status"]


@pytest.mark.usefixtures("at_60000")
@pytest.mark.parametrize(
    ("side", "kind", "stop", "triggers_at"),
    [("SELL", "TAKE_PROFIT", 61_000, 61_000), ("BUY", "TAKE_PROFIT", 59_000, 59_000),
     ("SELL", "STOP_LOSS", 59_000, 59_000), ("BUY", "STOP_LOSS", 61_000, 61_000)],
)  # fmt: skip
def test_four_kinds_of_conditions(alice, bob, side, kind, stop, triggers_at):
    price = 62_000 if side == "SELL" else 58_000
    made = alice.place(side, price, type=f"{kind}_LIMIT", stopPrice=stop, newOrderRespType="RESULT")
    assert (made["type"], made["status"], made["stopPrice"]) == (f"{kind}_LIMIT", "NEW", f"{stop}.00000000")
    (shown,) = alice.get(OPEN, symbol="BTCUSDT").ok().body
    assert (shown["type"], shown["isWorking"]) == (f"{kind}_LIMIT", False)
    trade_at(alice, bob, triggers_at)
    (shown,) = alice.get(OPEN, symbol="BTCUSDT").ok().body
    assert (shown["orderId"], shown["isWorking"], shown["status"]) == (made["orderId"], True, "NEW")


@pytest.mark.usefixtures("at_60000")
def test_a_take_profit_that_is_reached_already(alice, head):
    wrong = {"type": "TAKE_PROFIT", "timeInForce": None, "price": None}
    assert alice.order("SELL", **wrong, stopPrice=59_000).error == (-2010, "Order would trigger immediately.")
    assert alice.get(OPEN).ok().body == []


@pytest.mark.usefixtures("at_60000")
def test_a_trailing_stop_follows(alice, bob):
    made = alice.place(
        "SELL", None, "0.002", type="STOP_LOSS", trailingDelta=100, timeInForce=None, newOrderRespType="RESULT"
    )
    assert (made["trailingDelta"], made["type"], made["status"]) == (100, "STOP_LOSS", "NEW")
    trade_at(alice, bob, 61_000)
    trade_at(alice, bob, 60_400)
    assert status(alice, made["orderId"]) == "NEW"
    bob.place("BUY", 60_300, "0.01")
    trade_at(alice, bob, 60_390)  # 1 % below 61,000
    assert status(alice, made["orderId"]) == "FILLED"


def test_an_iceberg_shows_a_part(alice):
    made = alice.place(price=59_000, quantity="0.01", icebergQty="0.002", newOrderRespType="RESULT")
    assert (made["icebergQty"], made["origQty"]) == ("0.00200000", "0.01000000")
    end = time.monotonic() + PATIENCE_S
    while (book := alice.public("depth", symbol="BTCUSDT").ok()["bids"]) != [["59000.00000000", "0.00200000"]]:
        assert time.monotonic() < end, book
        time.sleep(0.05)  # each look weighs
    assert alice.get(ORDER, symbol="BTCUSDT", orderId=made["orderId"]).ok()["icebergQty"] == "0.00200000"
    assert alice.order(price=59_000, quantity="1", icebergQty="0.00999").error == (
        -1013,
        "Filter failure: ICEBERG_PARTS",
    )


def oco(client, **values):
    order = {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.001", "aboveType": "LIMIT_MAKER", "abovePrice": 61_000,
        "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": 59_000, "belowPrice": 58_900, "belowTimeInForce": "GTC",
    }  # fmt: skip
    return client.call("POST", OCO, **(order | values))


@pytest.mark.usefixtures("at_60000")
def test_one_cancels_the_other(alice, bob):
    made = oco(alice, listClientOrderId=f"oco-{alice.now_ms()}", aboveClientOrderId=f"up-{alice.now_ms()}").ok()
    assert (made["contingencyType"], made["listStatusType"], made["listOrderStatus"]) == (
        "OCO",
        "EXEC_STARTED",
        "EXECUTING",
    )
    above, below = made["orderReports"]
    assert (above["type"], above["status"], above["orderListId"]) == ("LIMIT_MAKER", "NEW", made["orderListId"])
    assert (below["type"], below["stopPrice"], below["status"]) == ("STOP_LOSS_LIMIT", "59000.00000000", "NEW")
    assert [leg["orderId"] for leg in made["orders"]] == [above["orderId"], below["orderId"]]
    asked = alice.get("/api/v3/orderList", origClientOrderId=made["listClientOrderId"]).ok()
    assert (asked["orderListId"], asked["orders"]) == (made["orderListId"], made["orders"])
    assert [row["orderListId"] for row in alice.get("/api/v3/openOrderList").ok().body] == [made["orderListId"]]
    bob.place("BUY", 61_000, "0.001")
    assert (status(alice, above["orderId"]), status(alice, below["orderId"])) == ("FILLED", "EXPIRED")
    done = alice.get("/api/v3/orderList", orderListId=made["orderListId"]).ok()
    assert (done["listStatusType"], done["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
    assert alice.get("/api/v3/openOrderList").ok().body == []
    (mine,) = alice.get("/api/v3/myTrades", symbol="BTCUSDT", orderId=above["orderId"]).ok().body
    assert mine["orderListId"] == made["orderListId"]


@pytest.mark.usefixtures("at_60000")
def test_a_list_is_canceled_as_a_whole(alice):
    made = oco(alice).ok()
    named = {"symbol": "BTCUSDT", "orderListId": made["orderListId"]}
    gone = alice.call("DELETE", "/api/v3/orderList", **named).ok()
    assert (gone["listStatusType"], gone["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
    assert [report["status"] for report in gone["orderReports"]] == ["CANCELED", "CANCELED"]
    assert alice.get(OPEN).ok().body == []
    assert alice.call("DELETE", "/api/v3/orderList", **named).error == (-2011, "Unknown order sent.")
    # A cancel of one leg ends the other too.
    legs = oco(alice).ok()["orders"]
    alice.call("DELETE", ORDER, symbol="BTCUSDT", orderId=legs[0]["orderId"]).ok()
    assert alice.get(OPEN).ok().body == []


@pytest.mark.usefixtures("at_60000")
def test_the_older_way_to_ask(alice):
    made = alice.call(
        "POST", "/api/v3/order/oco", symbol="BTCUSDT", side="BUY", quantity="0.001", price=59_000, stopPrice=61_000,
        stopLimitPrice=61_100, stopLimitTimeInForce="GTC",
    ).ok()  # fmt: skip
    assert {report["type"]: report["price"] for report in made["orderReports"]} == {
        "LIMIT_MAKER": "59000.00000000", "STOP_LOSS_LIMIT": "61100.00000000",
    }  # fmt: skip


@pytest.mark.usefixtures("at_60000")
def test_one_triggers_the_other(alice, bob):
    made = alice.call(
        "POST", "/api/v3/orderList/oto", symbol="BTCUSDT", workingType="LIMIT", workingSide="BUY", workingPrice=59_500,
        workingQuantity="0.001", workingTimeInForce="GTC", pendingType="LIMIT_MAKER", pendingSide="SELL",
        pendingPrice=61_000, pendingQuantity="0.001",
    ).ok()  # fmt: skip
    working, pending = made["orderReports"]
    assert (made["contingencyType"], working["status"], pending["status"]) == ("OTO", "NEW", "PENDING_NEW")
    assert (working["workingTime"] > 0, pending["workingTime"]) == (True, -1)
    bob.place("SELL", 59_500, "0.001")
    assert (status(alice, working["orderId"]), status(alice, pending["orderId"])) == ("FILLED", "NEW")


@pytest.mark.usefixtures("at_60000")
def test_one_triggers_a_pair(alice, bob):
    made = alice.call(
        "POST", "/api/v3/orderList/otoco", symbol="BTCUSDT", workingType="LIMIT", workingSide="BUY",
        workingPrice=59_500, workingQuantity="0.001", workingTimeInForce="GTC", pendingSide="SELL",
        pendingQuantity="0.001", pendingAboveType="LIMIT_MAKER", pendingAbovePrice=61_000,
        pendingBelowType="STOP_LOSS", pendingBelowStopPrice=58_000,
    ).ok()  # fmt: skip
    assert [report["status"] for report in made["orderReports"]] == ["NEW", "PENDING_NEW", "PENDING_NEW"]
    bob.place("SELL", 59_500, "0.001")
    ids = [leg["orderId"] for leg in made["orders"]]
    assert [status(alice, id) for id in ids] == ["FILLED", "NEW", "NEW"]
    bob.place("BUY", 61_000, "0.001")
    assert [status(alice, id) for id in ids] == ["FILLED", "FILLED", "EXPIRED"]


@pytest.mark.usefixtures("at_60000")
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"belowStopPrice": 61_500, "belowPrice": 61_500}, RELATION),
        ({"aboveType": "MARKET"}, (-1158, "Order type not supported in OCO.")),
        ({"aboveType": "STOP_LOSS", "abovePrice": None, "aboveStopPrice": 61_000}, BELOW),
        ({"belowType": "TAKE_PROFIT_LIMIT"}, (-1199, "A take profit order in a sell OCO must be above.")),
        ({"belowType": "LIMIT_MAKER", "belowStopPrice": None, "belowTimeInForce": None}, NO_CONDITION),
        ({"side": "BUY"}, (-1165, "A limit order in a buy OCO must be below.")),
        ({"belowTimeInForce": None}, NO_TIF),
        ({"belowStopPrice": None}, NEITHER),
        ({"aboveStopPrice": 61_000}, (-1106, "Parameter 'aboveStopPrice' sent when not required.")),
        ({"abovePrice": "61000.05"}, (-1013, "Filter failure: PRICE_FILTER")),
        ({"quantity": "990"}, (-2010, "Account has insufficient balance for requested action.")),
        ({"price": 1}, (-1104, "Not all sent parameters were read; read '11' parameter(s) but was sent '12'.")),
        ({"aboveClientOrderId": "same", "belowClientOrderId": "same"}, (-2010, "Duplicate order sent.")),
    ],
)  # fmt: skip
def test_lists_that_are_refused(alice, changed, error):
    before = alice.balances()
    if changed.get("quantity"):
        alice.place("SELL", 61_000, "500")
    assert oco(alice, **changed).error == error
    alice.call("DELETE", OPEN, symbol="BTCUSDT")
    assert alice.balances() == before


@pytest.mark.usefixtures("at_60000")
def test_a_limit_leg_that_would_trade(alice, bob):
    bob.place("BUY", 59_500, "0.001")
    assert oco(alice, abovePrice=59_400).error == RELATION
    assert alice.get(OPEN).ok().body == []


@pytest.mark.usefixtures("at_60000")
def test_lists_of_lists(alice, bob):
    ids = [oco(alice).ok()["orderListId"] for _ in range(3)]
    get = alice.get
    assert [row["orderListId"] for row in get("/api/v3/allOrderList", limit=2).ok().body] == ids[1:]
    assert [row["orderListId"] for row in get("/api/v3/allOrderList", fromId=ids[1]).ok().body] == ids[1:]
    assert [row["orderListId"] for row in get("/api/v3/openOrderList").ok().body] == ids
    assert get("/api/v3/orderList").code == -1102
    assert bob.get("/api/v3/orderList", orderListId=ids[0]).error == (-2013, "Order does not exist.")
    assert get("/api/v3/allOrderList", fromId=1, startTime=1).code == -1128


@pytest.mark.usefixtures("at_60000")
@pytest.mark.parametrize("name", ["orderListId", "listClientOrderId"])
def test_a_cancel_of_a_list_waits_for_no_read_model(alice, stack, name):
    stack.kill("orders", signal.SIGSTOP)
    try:
        # Each of the web processes knows its own lists: sooner or later one of these meets its own.
        gone, end = [], time.monotonic() + PATIENCE_S
        while not gone and time.monotonic() < end:
            made = oco(alice, listClientOrderId=f"blind-{alice.now_ms()}").ok()
            answer = alice.call("DELETE", "/api/v3/orderList", symbol="BTCUSDT", **{name: made[name]})
            if answer.status == 200:
                gone.append(answer.body)
                assert answer["orders"] == made["orders"]
                assert [report["status"] for report in answer["orderReports"]] == ["CANCELED", "CANCELED"]
            else:
                assert answer.code == -1001, answer.body
        assert gone
    finally:
        stack.kill("orders", signal.SIGCONT)
