"""Orders over the dialect: kinds, answers, cancels; the same orders as /api/v1 has."""

import signal
import time
from decimal import Decimal

import pytest

from tests.binance.conftest import ORDER, PRICE
from tests.patience import PATIENCE_S

RESULT = {
    "symbol", "orderId", "orderListId", "clientOrderId", "transactTime", "price", "origQty", "executedQty",
    "origQuoteOrderQty", "cummulativeQuoteQty", "status", "timeInForce", "type", "side", "workingTime",
    "selfTradePreventionMode",
}  # fmt: skip
ACK = {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}


@pytest.mark.parametrize(("response", "names"), [("ACK", ACK), ("RESULT", RESULT), ("FULL", RESULT | {"fills"})])
def test_three_lengths_of_an_answer(alice, response, names):
    made = alice.place(newOrderRespType=response)
    assert set(made.body) == names
    assert (made["symbol"], made["orderListId"]) == ("BTCUSDT", -1)


def test_the_length_that_each_type_has_of_its_own(alice, bob):
    bob.place("SELL", quantity="0.01")
    assert "fills" in alice.place().body
    assert "fills" in alice.place(type="MARKET", timeInForce=None, price=None).body
    assert set(alice.place(type="LIMIT_MAKER", timeInForce=None, price=59_000).body) == ACK
    assert set(alice.place(type="STOP_LOSS_LIMIT", price=61_000, stopPrice=61_000).body) == ACK


def test_a_taker_sees_its_fills(alice, bob):
    bob.place("SELL", quantity="0.002", newClientOrderId="maker")
    bob.place("SELL", 60_001, quantity="0.002")
    taken = alice.place("BUY", 60_100, "0.003")
    assert (taken["status"], taken["executedQty"], taken["cummulativeQuoteQty"]) == (
        "FILLED",
        "0.00300000",
        "180.00100000",
    )
    assert [(fill["price"], fill["qty"], fill["commissionAsset"]) for fill in taken["fills"]] == [
        ("60000.00000000", "0.00200000", "BTC"), ("60001.00000000", "0.00100000", "BTC"),
    ]  # fmt: skip
    assert [fill["commission"] for fill in taken["fills"]] == ["0.00000300", "0.00000150"]
    maker = bob.get(ORDER, symbol="BTCUSDT", origClientOrderId="maker").ok()
    assert (maker["status"], maker["executedQty"], maker["isWorking"]) == ("FILLED", "0.00200000", True)
    (mine,) = bob.get("/api/v3/myTrades", symbol="BTCUSDT", orderId=maker["orderId"]).ok().body
    assert (mine["isMaker"], mine["isBuyer"], mine["commissionAsset"], mine["commission"]) == (
        True,
        False,
        "USDT",
        "0.12000000",
    )
    assert (mine["id"], mine["quoteQty"]) == (taken["fills"][0]["tradeId"], "120.00000000")


def test_money_moves_as_the_answer_says(alice, bob):
    bob.place("SELL", quantity="0.002")
    before = alice.balances()
    taken = alice.place("BUY", quantity="0.002", type="MARKET", timeInForce=None, price=None)
    after = alice.balances()
    fee = sum(Decimal(fill["commission"]) for fill in taken["fills"])
    assert Decimal(after["BTC"][0]) - Decimal(before["BTC"][0]) == Decimal("0.002") - fee
    assert Decimal(before["USDT"][0]) - Decimal(after["USDT"][0]) == Decimal(taken["cummulativeQuoteQty"])


def test_a_market_order_by_amount(alice, bob):
    bob.place("SELL", quantity="0.002")
    taken = alice.place(type="MARKET", timeInForce=None, price=None, quantity=None, quoteOrderQty="60")
    assert (taken["status"], taken["origQuoteOrderQty"], taken["executedQty"], taken["timeInForce"]) == (
        "FILLED", "60.00000000", "0.00100000", "GTC",
    )  # fmt: skip


@pytest.mark.parametrize(("tif", "status"), [("IOC", "EXPIRED"), ("FOK", "EXPIRED"), ("GTC", "PARTIALLY_FILLED")])
def test_time_in_force(alice, bob, tif, status):
    bob.place("SELL", quantity="0.001")
    made = alice.place(quantity="0.003", timeInForce=tif)
    assert (made["status"], made["timeInForce"]) == (status, tif)
    assert made["executedQty"] == ("0.00000000" if tif == "FOK" else "0.00100000")


def test_a_stop_waits_and_is_shown(alice, bob):
    made = alice.place("SELL", 58_000, type="STOP_LOSS_LIMIT", stopPrice=59_000, newOrderRespType="RESULT")
    assert (made["status"], made["type"], made["stopPrice"], made["workingTime"]) == (
        "NEW", "STOP_LOSS_LIMIT", "59000.00000000", -1,
    )  # fmt: skip
    (shown,) = alice.get("/api/v3/openOrders", symbol="BTCUSDT").ok().body
    assert (shown["type"], shown["stopPrice"], shown["isWorking"]) == ("STOP_LOSS_LIMIT", "59000.00000000", False)
    market = alice.place("SELL", None, type="STOP_LOSS", timeInForce=None, stopPrice=59_000, newOrderRespType="RESULT")
    assert (market["type"], market["price"]) == ("STOP_LOSS", "0.00000000")


def test_self_trade_prevention(alice):
    alice.place("SELL")
    made = alice.place("BUY", selfTradePreventionMode="EXPIRE_TAKER")
    assert (made["status"], made["selfTradePreventionMode"], made["fills"]) == ("EXPIRED_IN_MATCH", "EXPIRE_TAKER", [])
    (left,) = alice.get("/api/v3/openOrders", symbol="BTCUSDT").ok().body
    assert left["side"] == "SELL"


def test_the_answer_equals_what_is_asked_for_later(alice, bob):
    bob.place("SELL", quantity="0.002")
    for values in ({}, {"type": "LIMIT_MAKER", "timeInForce": None, "price": 59_000}, {"timeInForce": "IOC"}):
        made = alice.place(quantity="0.003", newOrderRespType="RESULT", **values).body
        stored = alice.get(ORDER, symbol="BTCUSDT", orderId=made["orderId"]).ok().body
        same = set(made) & set(stored)
        assert {name: made[name] for name in same} == {name: stored[name] for name in same}
        assert (stored["time"], stored["updateTime"]) == (made["transactTime"], made["transactTime"])


def test_it_is_the_same_order_under_both_interfaces(alice):
    made = alice.place(newClientOrderId="both")
    alice.get(ORDER, symbol="BTCUSDT", orderId=made["orderId"]).ok()  # waits for the read model
    shown = alice.v1("GET", "/orders/by-client-id/both")
    assert (shown["id"], shown["market"], shown["price"], shown["status"]) == (
        made["orderId"],
        "BTC-USDT",
        "60000",
        "open",
    )
    other = alice.v1("POST", "/orders", {"market": "ETH-USDT", "side": "buy", "price": "3000", "size": "0.01"})
    (found,) = alice.get("/api/v3/openOrders", symbol="ETHUSDT").ok().body
    assert (found["orderId"], found["origQty"], found["clientOrderId"]) == (other["id"], "0.01000000", "")


def test_a_client_id_is_made_where_none_was_given(alice):
    one, two = alice.place()["clientOrderId"], alice.place()["clientOrderId"]
    assert one != two
    assert len(one) == len(two) == 22
    assert alice.get(ORDER, symbol="BTCUSDT", origClientOrderId=one).ok()["clientOrderId"] == one


@pytest.mark.parametrize("changed", [{}, {"price": 59_000}])
def test_a_client_id_is_taken_once(alice, changed):
    """While its order is open and for a day after, whatever the content: here a repetition is no question."""
    name = f"once-{len(changed)}"
    first = alice.place(newClientOrderId=name)
    assert alice.order(newClientOrderId=name, **changed).error == (-2010, "Duplicate order sent.")
    assert [row["orderId"] for row in alice.get("/api/v3/openOrders", symbol="BTCUSDT").ok().body] == [first["orderId"]]
    alice.call("DELETE", ORDER, symbol="BTCUSDT", orderId=first["orderId"]).ok()
    assert alice.order(newClientOrderId=name).error == (-2010, "Duplicate order sent.")


def test_cancel_by_either_id(alice):
    made = [alice.place(newClientOrderId=f"c{number}-{alice.now_ms()}") for number in range(2)]
    gone = alice.call("DELETE", ORDER, symbol="BTCUSDT", orderId=made[0]["orderId"], newClientOrderId="cancel-1").ok()
    assert (gone["origClientOrderId"], gone["clientOrderId"], gone["status"]) == (
        made[0]["clientOrderId"],
        "cancel-1",
        "CANCELED",
    )
    gone = alice.call("DELETE", ORDER, symbol="BTCUSDT", origClientOrderId=made[1]["clientOrderId"]).ok()
    assert (gone["orderId"], gone["origQty"], gone["executedQty"]) == (made[1]["orderId"], "0.00100000", "0.00000000")
    assert alice.get("/api/v3/openOrders").ok().body == []


def test_a_cancel_tells_what_was_filled(alice, bob):
    bob.place("SELL", quantity="0.001")
    made = alice.place(quantity="0.003")
    gone = alice.call("DELETE", ORDER, symbol="BTCUSDT", orderId=made["orderId"]).ok()
    assert (gone["origQty"], gone["executedQty"], gone["cummulativeQuoteQty"]) == (
        "0.00300000",
        "0.00100000",
        "60.00000000",
    )


def test_an_order_is_canceled_only_under_its_own_symbol_and_by_its_owner(alice, bob):
    made = alice.place()
    unknown = (-2011, "Unknown order sent.")
    assert alice.call("DELETE", ORDER, symbol="ETHUSDT", orderId=made["orderId"]).error == unknown
    assert bob.call("DELETE", ORDER, symbol="BTCUSDT", orderId=made["orderId"]).error == unknown
    both = {"orderId": made["orderId"], "origClientOrderId": "another"}
    assert alice.call("DELETE", ORDER, symbol="BTCUSDT", **both).error == unknown
    assert bob.get(ORDER, symbol="BTCUSDT", orderId=made["orderId"]).error == (-2013, "Order does not exist.")
    assert alice.get(ORDER, symbol="BTCUSDT", orderId=made["orderId"]).ok()["status"] == "NEW"


def test_cancel_restrictions(alice, bob):
    new = alice.place(price=59_000)
    bob.place("SELL", quantity="0.001")
    partly = alice.place(quantity="0.003")
    refused = (-2011, "Order was not canceled due to cancel restrictions.")
    for made, wrong, right in (
        (new, "ONLY_PARTIALLY_FILLED", "ONLY_NEW"),
        (partly, "ONLY_NEW", "ONLY_PARTIALLY_FILLED"),
    ):
        named = {"symbol": "BTCUSDT", "orderId": made["orderId"]}
        assert alice.call("DELETE", ORDER, **named, cancelRestrictions=wrong).error == refused
        assert alice.call("DELETE", ORDER, **named, cancelRestrictions=right).ok()["status"] == "CANCELED"


def test_cancel_all_of_a_symbol(alice):
    ids = [alice.place()["orderId"] for _ in range(3)]
    other = alice.place(symbol="ETHUSDT", price=3_000, quantity="0.01")
    gone = alice.call("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").ok().body
    assert [(row["orderId"], row["status"]) for row in gone] == [(id, "CANCELED") for id in ids]
    assert [row["orderId"] for row in alice.get("/api/v3/openOrders").ok().body] == [other["orderId"]]
    assert alice.call("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").error == (-2011, "Unknown order sent.")


def replacing(client, target, mode, **values):
    order = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.001",
        "price": 59_000,
    }
    return client.call(
        "POST", "/api/v3/order/cancelReplace", **(order | {"cancelReplaceMode": mode, "cancelOrderId": target} | values)
    )  # fmt: skip


def test_cancel_and_replace(alice):
    old = alice.place()
    done = replacing(alice, old["orderId"], "STOP_ON_FAILURE").ok()
    assert (done["cancelResult"], done["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert (done["cancelResponse"]["orderId"], done["cancelResponse"]["status"]) == (old["orderId"], "CANCELED")
    (left,) = alice.get("/api/v3/openOrders", symbol="BTCUSDT").ok().body
    assert (left["orderId"], left["price"]) == (done["newOrderResponse"]["orderId"], "59000.00000000")


@pytest.mark.parametrize(
    ("mode", "code", "results", "left"),
    [("STOP_ON_FAILURE", -2022, ("FAILURE", "NOT_ATTEMPTED"), 0), ("ALLOW_FAILURE", -2021, ("FAILURE", "SUCCESS"), 1)],
)
def test_replace_what_is_not_there(alice, mode, code, results, left):
    answer = replacing(alice, 999_999_999, mode)
    assert answer.code == code
    data = answer["data"]
    assert (data["cancelResult"], data["newOrderResult"]) == results
    assert data["cancelResponse"] == {"code": -2011, "msg": "Unknown order sent."}
    assert len(alice.get("/api/v3/openOrders", symbol="BTCUSDT").ok().body) == left


def test_a_replacement_that_is_refused_by_the_matcher(alice):
    old = alice.place()
    answer = replacing(alice, old["orderId"], "STOP_ON_FAILURE", quantity="0.00001")
    assert (answer.status, answer.code) == (409, -2021)
    assert answer["data"]["newOrderResponse"] == {"code": -1013, "msg": "Filter failure: NOTIONAL"}
    assert (answer["data"]["cancelResult"], answer["data"]["newOrderResult"]) == ("SUCCESS", "FAILURE")
    assert alice.get(ORDER, symbol="BTCUSDT", orderId=old["orderId"]).ok()["status"] == "CANCELED"


def test_a_replacement_that_the_edge_refuses_cancels_nothing(alice, head):
    old = alice.place()
    before = head()
    assert replacing(alice, old["orderId"], "STOP_ON_FAILURE", price="59000.05").error == (
        -1013,
        "Filter failure: PRICE_FILTER",
    )
    assert replacing(alice, old["orderId"], "SOMETIMES").error == (
        -1130,
        "Data sent for parameter 'cancelReplaceMode' is not valid.",
    )
    assert head() == before


def test_amend_keeps_the_place_in_the_queue(alice, bob):
    first = alice.place(quantity="0.003")
    bob.place(quantity="0.003")
    amended = alice.call(
        "PUT", "/api/v3/order/amend/keepPriority", symbol="BTCUSDT", orderId=first["orderId"], newQty="0.002"
    ).ok()["amendedOrder"]
    assert (amended["orderId"], amended["qty"], amended["status"]) == (first["orderId"], "0.00200000", "NEW")
    bob.place("SELL", quantity="0.002")
    assert alice.get(ORDER, symbol="BTCUSDT", orderId=first["orderId"]).ok()["status"] == "FILLED"


@pytest.mark.parametrize(
    ("quantity", "error"),
    [
        ("0.004", (-2038, "Order amend (quantity increase) is not supported.")),
        ("0.003", (-2038, "The requested action would change no state; rejecting.")),
        ("0.0000001", (-1013, "Filter failure: LOT_SIZE")),
        ("0", (-1013, "Invalid quantity.")),
    ],
)
def test_amends_that_are_refused(alice, quantity, error):
    made = alice.place(quantity="0.003")
    named = {"symbol": "BTCUSDT", "orderId": made["orderId"]}
    before = alice.get(ORDER, **named).ok().body
    assert alice.call("PUT", "/api/v3/order/amend/keepPriority", **named, newQty=quantity).error == error
    assert alice.get(ORDER, **named).ok().body == before


def test_a_test_order_is_judged_and_not_placed(alice, nothing_executed):
    order = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.001",
        "price": PRICE,
    }
    assert alice.call("POST", "/api/v3/order/test", **order).ok().body == {}
    rates = alice.call("POST", "/api/v3/order/test", **order, computeCommissionRates="true").ok()
    assert rates["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00150000"}
    assert alice.call("POST", "/api/v3/order/test", **(order | {"price": "60000.05"})).code == -1013
    assert alice.call("POST", "/api/v3/order/test", **(order | {"side": "UP"})).code == -1117


STOP = {"type": "STOP_LOSS_LIMIT", "stopPrice": 61_000, "price": 61_000}


@pytest.mark.parametrize(
    "changed",
    [
        {"quantity": "5000"}, {"quantity": "0.00001"}, {"price": 30_000}, {"price": 90_000},
        {"side": "SELL", "quantity": "1001"}, {"quantity": "2000"}, {"quantity": "1", "icebergQty": "0.01"},
        STOP, STOP | {"stopPrice": 59_000}, STOP | {"side": "SELL"}, {"price": 59_999},
        {"type": "MARKET", "timeInForce": None, "price": None, "quantity": None, "quoteOrderQty": "1"},
    ],
    ids=str,
)  # fmt: skip
def test_a_test_order_is_judged_as_a_real_one(alice, bob, changed):
    """Between a bid and an ask, so that nothing trades; the last price is where the other tests leave it."""
    bob.place("SELL", PRICE, "0.001")
    alice.place("BUY", PRICE, "0.001")
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}
    order |= {"price": 59_000} | changed

    def is_judged():
        tried = alice.call("POST", "/api/v3/order/test", **order)
        return tried.body if tried.status == 200 else tried.error

    end = time.monotonic() + PATIENCE_S
    while alice.public("ticker/price", symbol="BTCUSDT").ok()["price"] != "60000.00000000":
        assert time.monotonic() < end
        time.sleep(0.05)  # each look weighs
    judged, real = is_judged(), alice.call("POST", ORDER, **order)
    assert judged == ({} if real.status == 200 else real.error)


def test_orders_are_counted(alice):
    before = alice.place().headers
    after = alice.place().headers
    name = "X-MBX-ORDER-COUNT-1D"
    assert int(after[name]) == int(before[name]) + 1
    assert int(after["X-MBX-ORDER-COUNT-10S"]) >= 1
    counts = alice.get("/api/v3/rateLimit/order").ok().body
    assert [(row["interval"], row["intervalNum"]) for row in counts] == [("SECOND", 10), ("DAY", 1)]
    assert counts[1]["count"] == int(after[name])


def test_lists_of_orders_and_trades(alice, bob):
    first = [alice.place(price=59_000 + number)["orderId"] for number in range(3)]
    rows = alice.get("/api/v3/allOrders", symbol="BTCUSDT", orderId=first[1]).ok().body
    assert [row["orderId"] for row in rows] == first[1:]
    assert [row["orderId"] for row in alice.get("/api/v3/allOrders", symbol="BTCUSDT", limit=2).ok().body] == first[1:]
    start = rows[0]["time"]
    spanned = alice.get("/api/v3/allOrders", symbol="BTCUSDT", startTime=start, endTime=start + 60_000).ok().body
    assert first[1] in [row["orderId"] for row in spanned]
    bob.place("SELL", 59_000, "0.003")
    fills = alice.get("/api/v3/myTrades", symbol="BTCUSDT", limit=3).ok().body
    assert [row["orderId"] for row in fills] == first[::-1]
    assert [row["id"] for row in alice.get("/api/v3/myTrades", symbol="BTCUSDT", fromId=fills[1]["id"]).ok().body] == [
        row["id"] for row in fills[1:]
    ]  # fmt: skip


def test_a_cancel_waits_for_no_read_model(alice, stack, head):
    stack.kill("orders", signal.SIGSTOP)
    try:
        made = alice.place(quantity="0.003", newClientOrderId=f"blind-{alice.now_ms()}")
        assert alice.get(ORDER, symbol="BTCUSDT", orderId=made["orderId"]).code == -1001
        # A window that outlives the wait of reads, which is long in tests.
        named = {"symbol": "BTCUSDT", "recvWindow": 60_000}
        gone = alice.call("DELETE", ORDER, origClientOrderId=made["clientOrderId"], **named).ok()
        assert (gone["orderId"], gone["status"], gone["origQty"]) == (made["orderId"], "CANCELED", "0.00300000")
        assert alice.call("DELETE", ORDER, orderId=made["orderId"], **named).code == -2011
    finally:
        stack.kill("orders", signal.SIGCONT)
    end = time.monotonic() + PATIENCE_S
    while alice.get(ORDER, symbol="BTCUSDT", orderId=made["orderId"]).status != 200:
        assert time.monotonic() < end
    assert alice.get(ORDER, symbol="BTCUSDT", orderId=made["orderId"]).ok()["status"] == "CANCELED"
