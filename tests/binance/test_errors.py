"""What is refused, and in whose words: each case also leaves the journal as it was."""

import pytest

from accounts.binance import errors, params
from accounts.problems import PROBLEMS
from tests.binance.conftest import ORDER

NEITHER = "Param '{}' or '{}' must be sent, but both were empty/null!"
MISSING = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."
UNREAD = (-1104, "Not all sent parameters were read; read '1' parameter(s) but was sent '2'.")
COMBINATION = (-1128, "Combination of optional parameters invalid.")
TWICE = (-1151, "Symbol is present multiple times in the list.")
TOO_LONG = (-1127, "More than 24 hours between startTime and endTime.")
NUMBER = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
MARKET = {"type": "MARKET", "timeInForce": None, "price": None}
MAKER = {"type": "LIMIT_MAKER", "timeInForce": None}
STOP = {"type": "STOP_LOSS", "timeInForce": None, "price": None}


def illegal(name, legal):
    return -1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'."


def filtered(name):
    return -1013, f"Filter failure: {name}"


BEFORE_THE_MATCHER = [
    ({"symbol": None}, (-1102, MISSING.format("symbol"))),
    ({"side": None}, (-1102, MISSING.format("side"))),
    ({"type": None}, (-1102, MISSING.format("type"))),
    ({"timeInForce": None}, (-1102, MISSING.format("timeInForce"))),
    ({"price": None}, (-1102, MISSING.format("price"))),
    ({"quantity": None}, (-1102, MISSING.format("quantity"))),
    ({**MARKET, "quantity": None}, (-1102, NEITHER.format("quantity", "quoteOrderQty"))),
    (STOP, (-1102, NEITHER.format("stopPrice", "trailingDelta"))),
    ({"quantity": ""}, (-1105, "Parameter 'quantity' was empty.")),
    ({"newClientOrderId": ""}, (-1105, "Parameter 'newClientOrderId' was empty.")),
    ({"symbol": "btcusdt"}, illegal("symbol", "^[A-Z0-9-_.]{1,20}$")),
    ({"symbol": "BTC/USDT"}, illegal("symbol", "^[A-Z0-9-_.]{1,20}$")),
    ({"symbol": "DOGEUSDT"}, (-1121, "Invalid symbol.")),
    ({"symbol": "BTC-USDT"}, (-1121, "Invalid symbol.")),
    ({"side": "UP"}, (-1117, "Invalid side.")),
    ({"side": "buy"}, (-1117, "Invalid side.")),
    ({"type": "STOP"}, (-1116, "Invalid orderType.")),
    ({"timeInForce": "GTD"}, (-1115, "Invalid timeInForce.")),
    ({"newOrderRespType": "SHORT"}, (-1130, "Data sent for parameter 'newOrderRespType' is not valid.")),
    ({"selfTradePreventionMode": "X"}, (-1130, "Data sent for parameter 'selfTradePreventionMode' is not valid.")),
    ({"quantity": "a lot"}, illegal("quantity", NUMBER)),
    ({"quantity": "-1"}, illegal("quantity", NUMBER)),
    ({"quantity": "1e3"}, illegal("quantity", NUMBER)),
    ({"quantity": "NaN"}, illegal("quantity", NUMBER)),
    ({"price": "1" * 21}, illegal("price", NUMBER)),
    ({"price": "٣"}, illegal("price", NUMBER)),
    ({"newClientOrderId": "a b"}, illegal("newClientOrderId", r"^[\.A-Z\:/a-z0-9_-]{1,36}$")),
    ({"newClientOrderId": "a" * 37}, illegal("newClientOrderId", r"^[\.A-Z\:/a-z0-9_-]{1,36}$")),
    ({"quantity": "0"}, (-1013, "Invalid quantity.")),
    ({"price": "0.00"}, (-1013, "Invalid price.")),
    ({"price": "60000.05"}, filtered("PRICE_FILTER")),
    ({"quantity": "0.000015"}, filtered("LOT_SIZE")),
    ({"price": "60000.000000001"}, (-1111, "Parameter 'price' has too much precision.")),
    ({"quantity": "0.000000001"}, (-1111, "Parameter 'quantity' has too much precision.")),
    ({"price": "99999999999999999999"}, filtered("PRICE_FILTER")),
    ({**MARKET, "price": "60000"}, (-1106, "Parameter 'price' sent when not required.")),
    ({**MARKET, "timeInForce": "GTC"}, (-1106, "Parameter 'timeInForce' sent when not required.")),
    ({**MARKET, "quoteOrderQty": "10"}, (-1106, "Parameter 'quoteOrderQty' sent when not required.")),
    ({"stopPrice": "59000"}, (-1106, "Parameter 'stopPrice' sent when not required.")),
    ({"type": "LIMIT_MAKER"}, (-1106, "Parameter 'timeInForce' sent when not required.")),
    ({**STOP, "trailingDelta": 0}, filtered("TRAILING_DELTA")),
    ({**STOP, "trailingDelta": 5_001}, filtered("TRAILING_DELTA")),
    ({"icebergQty": "0.002"}, (-2010, "IcebergQty exceeds QTY.")),
    ({"icebergQty": "0.0005", "timeInForce": "IOC"}, (-1014, "Unsupported order combination.")),
    ({"strategyType": 1}, (-1134, "`strategyType` was less than 1000000.")),
    ({"reduceOnly": "true"}, (-1104, "Not all sent parameters were read; read '8' parameter(s) but was sent '9'.")),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "error"), BEFORE_THE_MATCHER)
def test_refused_at_the_edge(alice, nothing_executed, changed, error):
    answer = alice.order(**changed)
    assert answer.error == error
    assert answer.status == 400


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"quantity": "0.00001"}, filtered("NOTIONAL")),
        ({"quantity": "1000.00001"}, filtered("LOT_SIZE")),
        ({"price": "1000"}, filtered("PERCENT_PRICE")),
        ({"quantity": "0.002", "price": "59000", "symbol": "ETHBTC"}, filtered("PERCENT_PRICE")),
        ({**STOP, "stopPrice": "50000"}, (-2010, "Order would trigger immediately.")),
    ],
)
def test_refused_by_the_matcher(alice, changed, error):
    before = alice.balances()
    assert alice.order(**changed).error == error
    assert alice.balances() == before
    assert alice.get("/api/v3/openOrders").ok().body == []


def test_more_than_there_is(alice):
    before = alice.balances()
    no_funds = (-2010, "Account has insufficient balance for requested action.")
    alice.place("SELL", quantity="900")
    assert alice.order("SELL", quantity="900").error == no_funds
    assert alice.order(**MARKET | {"quantity": None, "quoteOrderQty": "999999999"}).error == no_funds
    alice.call("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").ok()
    assert alice.balances() == before


def test_a_maker_that_would_take(alice, bob):
    bob.place("SELL")
    assert alice.order("BUY", **MAKER).error == (-2010, "Order would immediately match and take.")


@pytest.mark.parametrize("path", ["/api/v3/order", "/api/v3/openOrders", "/api/v3/allOrders", "/api/v3/account"])
def test_unknown_parameters_of_private_reads(alice, path):
    named = {"symbol": "BTCUSDT", "orderId": 1} if path != "/api/v3/account" else {}
    answer = alice.get(path, **named, bogus=1)
    assert answer.code in {-1101, -1104}


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("depth", (-1102, MISSING.format("symbol"))),
        ("depth?symbol=", (-1105, "Parameter 'symbol' was empty.")),
        ("depth?symbol=BTCUSDT&limit=many", illegal("limit", "^[0-9]{1,20}$")),
        ("depth?symbol=BTCUSDT&limit=0", (-1130, "Data sent for parameter 'limit' is not valid.")),
        ("depth?symbol=BTCUSDT&limit=99999999999999999999", (-1108, "Parameter 'limit' overflowed.")),
        ("depth?symbol=BTCUSDT&symbol=ETHUSDT", (-1101, "Duplicate values for a parameter detected.")),
        ("depth?symbol=BTCUSDT&a=1&b=2", (-1101, "Too many parameters; expected '2' and received '3'.")),
        ("depth?symbol=BTCUSDT&a=1", UNREAD),
        ("klines?symbol=BTCUSDT&interval=7m", (-1120, "Invalid interval.")),
        ("klines?symbol=BTCUSDT", (-1102, MISSING.format("interval"))),
        ("ticker/24hr?symbol=BTCUSDT&type=TINY", (-1139, "Invalid ticker type.")),
        ("ticker/24hr?symbol=BTCUSDT&symbols=[%22ETHUSDT%22]", COMBINATION),
        ("ticker/price?symbols=[%22BTCUSDT%22,%22BTCUSDT%22]", TWICE),
        ("ticker/price?symbols=BTCUSDT", illegal("symbols", params.SYMBOLS_RANGE)),
        ("ticker", (-1102, NEITHER.format("symbol", "symbols"))),
        ("exchangeInfo?symbolStatus=OPEN", (-1122, "Invalid symbolStatus.")),
        ("trades?symbol=%00", illegal("symbol", "^[A-Z0-9-_.]{1,20}$")),
    ],
)  # fmt: skip
def test_public_reads(alice, path, error):
    assert alice.raw("GET", f"/api/v3/{path}").error == error


@pytest.mark.parametrize(
    ("path", "values", "error"),
    [
        (ORDER, {"symbol": "BTCUSDT"}, (-1102, NEITHER.format("origClientOrderId", "orderId"))),
        (ORDER, {"symbol": "BTCUSDT", "orderId": 999_999_999}, (-2013, "Order does not exist.")),
        (ORDER, {"symbol": "BTCUSDT", "orderId": 2**63 - 1}, (-2013, "Order does not exist.")),
        (ORDER, {"symbol": "BTCUSDT", "orderId": "first"}, illegal("orderId", "^[0-9]{1,20}$")),
        ("/api/v3/allOrders", {"symbol": "BTCUSDT", "startTime": 1, "endTime": 10**9}, TOO_LONG),
        ("/api/v3/myTrades", {"symbol": "BTCUSDT", "startTime": 2, "endTime": 1}, COMBINATION),
        ("/api/v3/openOrders", {"symbol": "NONE"}, (-1121, "Invalid symbol.")),
        ("/sapi/v1/capital/deposit/address", {"coin": "DOGE"}, (-1130, "Data sent for parameter 'coin' is not valid.")),
    ],
)  # fmt: skip
def test_private_reads(alice, path, values, error):
    assert alice.get(path, **values).error == error


def test_addresses_methods_and_bodies(alice, nothing_executed):
    assert alice.raw("GET", "/api/v3/none").error == (-1000, "Not found.")
    assert alice.raw("GET", "/sapi/v1/none").status == 404
    answer = alice.raw("PATCH", ORDER)
    assert (answer.status, answer.code, answer.headers["Allow"]) == (405, -1000, "POST, DELETE, GET")
    assert alice.raw("POST", ORDER, body="x=" + "1" * 1_100_000).status == 413
    assert alice.raw("POST", ORDER, body="&".join(f"a{number}=1" for number in range(200))).code == -1101
    assert alice.raw("POST", ORDER, body='{"symbol": "BTCUSDT"}').code == -1102
    assert alice.raw("POST", ORDER, body="\x00%ff%00=&&&===").code in {-1101, -1102}


def test_every_problem_of_ours_has_a_name_there():
    assert errors.missing_codes() == set()
    for action in errors.OF_ACTION.values():
        assert set(action) <= set(PROBLEMS)


def test_refusals_keep_their_status_and_words():
    assert errors.kind_of("unknown_order").msg == "Order does not exist."
    assert errors.kind_of("unknown_order", "cancel").msg == "Unknown order sent."
    assert errors.kind_of("insufficient_balance").msg == "Account has insufficient balance for requested action."
    for code, kind in errors.OF_PROBLEM.items():
        assert kind.msg, code
        assert 400 <= kind.status < 600
        if code != "deadline_passed":  # which is told as what it is, a timestamp too old
            assert (kind.status >= 500) == (PROBLEMS[code].status >= 500), code
