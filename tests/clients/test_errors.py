"""What goes wrong raises the class of exception that a program written for ccxt expects, and changes nothing."""

import json
import time

import ccxt
import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.clients import venue
from tests.clients.conftest import ASK, SYMBOL

# As Binance's own clients would send it: ccxt itself rounds what it is given.
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "59000",
}


@pytest.fixture
def unchanged(trader):
    """Check at the end that no order rests and no coin moved."""
    before = trader.fetch_balance()["total"], trader.fetch_my_trades(SYMBOL)
    yield
    assert trader.fetch_open_orders(SYMBOL) == []
    assert (trader.fetch_balance()["total"], trader.fetch_my_trades(SYMBOL)) == before


def raises(kind, code, msg=None):
    """ccxt's exception of exactly that class, with what the exchange said in it."""
    pattern = f'"code":{code},"msg":"{msg}' if msg is not None else f'"code":{code},'
    return pytest.raises(kind, match=pattern.replace("(", r"\(").replace(")", r"\)").replace(".", r"\."))


def says(kind, msg):
    """For messages that ccxt matches by themselves."""
    return pytest.raises(kind, match=f"^binance {msg}$")


@pytest.mark.parametrize(
    ("changed", "kind", "code", "msg"),
    [
        ({"price": "59000.05"}, ccxt.InvalidOrder, -1013, "Filter failure: PRICE_FILTER"),
        ({"quantity": "0.010001"}, ccxt.InvalidOrder, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "0.010000001"}, ccxt.BadRequest, -1111, "Parameter 'quantity' has too much precision."),
        ({"quantity": "0"}, ccxt.BadRequest, -1013, "Invalid quantity."),
        ({"price": "0"}, ccxt.BadRequest, -1013, "Invalid price."),
        ({"quantity": "0.00001"}, ccxt.BadRequest, -1013, "Filter failure: NOTIONAL"),
        ({"price": "900000"}, ccxt.BadRequest, -1013, "Filter failure: PERCENT_PRICE"),
        ({"price": "fifty"}, ccxt.BadRequest, -1100, None),
        ({"quantity": "1e-2"}, ccxt.BadRequest, -1100, None),
        ({"quantity": "9" * 400}, ccxt.BadRequest, -1100, None),
        ({"quantity": "NaN"}, ccxt.BadRequest, -1100, None),
        ({"side": "HOLD"}, ccxt.BadRequest, -1117, "Invalid side."),
        ({"type": "GUESS"}, ccxt.BadRequest, -1116, "Invalid orderType."),
        ({"timeInForce": "EVER"}, ccxt.BadRequest, -1115, "Invalid timeInForce."),
        ({"price": None}, ccxt.BadRequest, -1102, None),
        ({"symbol": None}, ccxt.BadRequest, -1102, None),
        ({"colour": "blue"}, ccxt.BadRequest, -1104, None),
        ({"timeInForce": "GTC", "type": "MARKET"}, ccxt.BadRequest, -1106, None),
        ({"symbol": "BTCEUR"}, ccxt.BadSymbol, -1121, "Invalid symbol."),
        ({"newClientOrderId": "not allowed"}, ccxt.BadRequest, -1100, None),
        ({"recvWindow": "60001"}, ccxt.BadRequest, -1131, None),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
def test_orders_the_exchange_does_not_take(trader, unchanged, changed, kind, code, msg):
    order = {name: value for name, value in {**ORDER, **changed}.items() if value is not None}
    with pytest.raises(ccxt.BaseError) as caught:
        trader.private_post_order(order)
    assert f'"code":{code}' in str(caught.value)
    if msg is not None:
        assert f'"msg":"{msg}"' in str(caught.value)
    if code == -1131:
        # ccxt knows it for Binance's own host names only.
        assert isinstance(caught.value, ccxt.ExchangeError)
    else:
        assert type(caught.value) is kind


def test_not_enough_money(stack, maker):
    poor = venue.rest(stack, stack.account("ccxt-poor", USDT="100"))
    for order in (("limit", "buy", 0.01, 59_000), ("market", "sell", 0.01), ("limit", "sell", 0.01, 61_000)):
        with says(ccxt.InsufficientFunds, "Account has insufficient balance for requested action."):
            poor.create_order(SYMBOL, *order)
    assert poor.fetch_open_orders(SYMBOL) == poor.fetch_my_trades(SYMBOL) == []
    assert poor.fetch_balance()["USDT"] == {"free": 100, "used": 0, "total": 100}


def test_orders_that_would_trade_at_once(trader, unchanged):
    with says(ccxt.OrderImmediatelyFillable, "Order would immediately match and take."):
        trader.create_order(SYMBOL, "limit", "buy", 0.01, ASK, {"postOnly": True})


def test_a_stop_behind_the_price(trader, maker):
    maker.create_order(SYMBOL, "market", "buy", 0.001)
    before = trader.fetch_my_trades(SYMBOL)
    with says(ccxt.OrderImmediatelyFillable, "Order would trigger immediately."):
        trader.create_order(SYMBOL, "limit", "sell", 0.01, 64_900, {"stopPrice": 65_000})
    assert trader.fetch_open_orders(SYMBOL) == []
    assert trader.fetch_my_trades(SYMBOL) == before


def test_orders_that_do_not_exist(trader, maker, unchanged):
    with raises(ccxt.OrderNotFound, -2011, "Unknown order sent."):
        trader.cancel_order("4503599627370497", SYMBOL)
    with raises(ccxt.OrderNotFound, -2013, "Order does not exist."):
        trader.fetch_order("4503599627370497", SYMBOL)
    with raises(ccxt.OrderNotFound, -2011, "Unknown order sent."):
        trader.cancel_all_orders(SYMBOL)


def test_orders_of_somebody_else(trader, maker, unchanged):
    theirs = maker.fetch_open_orders(SYMBOL)[0]
    with raises(ccxt.OrderNotFound, -2011, "Unknown order sent."):
        trader.cancel_order(theirs["id"], SYMBOL)
    with raises(ccxt.OrderNotFound, -2013, "Order does not exist."):
        trader.fetch_order(theirs["id"], SYMBOL)
    assert maker.fetch_order(theirs["id"], SYMBOL)["status"] == "open"


def test_a_client_order_id_twice(trader):
    made = trader.create_order(SYMBOL, "limit", "buy", 0.01, 59_000, {"clientOrderId": "twice"})
    for price in (59_000, 59_001):
        with raises(ccxt.InvalidOrder, -2010, "Duplicate order sent."):
            trader.create_order(SYMBOL, "limit", "buy", 0.01, price, {"clientOrderId": "twice"})
    assert [order["id"] for order in trader.fetch_open_orders(SYMBOL)] == [made["id"]]


@pytest.mark.parametrize("behind_ms", [60_000, -60_000], ids=["slow", "fast"])
def test_a_clock_that_is_wrong(trader, unchanged, behind_ms):
    # This is how ccxt itself corrects a clock.
    trader.options["timeDifference"] = behind_ms
    try:
        for call in (
            lambda: trader.create_order(SYMBOL, "limit", "buy", 0.01, 59_000),
            trader.fetch_balance,
            lambda: trader.cancel_order("1", SYMBOL),
        ):
            with raises(ccxt.InvalidNonce, -1021, "Timestamp for this request"):
                call()
    finally:
        trader.options["timeDifference"] = 0


def test_a_clock_that_ccxt_corrects(stack, accounts):
    config = venue.of_stack(stack, accounts["trader"])
    config["options"]["timeDifference"] = 3_600_000
    client = ccxt.binance(config)
    client.load_time_difference()
    client.load_markets()
    assert client.fetch_balance()["BTC"]["total"] > 0


@pytest.mark.parametrize(
    ("key", "secret", "code"),
    [(None, "wrong", -1022), ("0" * 32, None, -2015), ("no key at all!", None, -2014)],
    ids=["secret", "key", "form"],
)
def test_wrong_credentials(stack, accounts, trader, unchanged, key, secret, code):
    account = accounts["trader"]
    client = venue.rest(stack)
    client.apiKey, client.secret = key or account["key"], secret or account["secret"]
    for call in (client.fetch_balance, lambda: client.create_order(SYMBOL, "limit", "buy", 0.01, 59_000)):
        with raises(ccxt.AuthenticationError, code):
            call()


def test_a_symbol_that_is_not_listed(trader):
    for call in (trader.public_get_depth, trader.public_get_ticker_24hr, trader.public_get_aggtrades):
        with raises(ccxt.BadSymbol, -1121, "Invalid symbol."):
            call({"symbol": "BTCEUR"})


class FromElsewhere(HTTPAdapter):
    """Requests of another of this machine's own addresses: limits count by address."""

    def init_poolmanager(self, *arguments, **more):
        super().init_poolmanager(*arguments, source_address=("127.0.0.77", 0), **more)


def test_too_many_requests(stack, trader):
    client = venue.rest(stack)
    client.session.mount("http://", FromElsewhere())
    client.enableRateLimit = False
    with pytest.raises(ccxt.DDoSProtection, match="429") as caught:
        for _ in range(1_000):
            client.public_get_depth({"symbol": "BTCUSDT", "limit": 5_000})
    assert '"code":-1003' in str(caught.value)
    headers = client.last_response_headers
    assert int(headers["Retry-After"]) > 0
    assert int(headers["X-Mbx-Used-Weight-1m"]) > 0
    # Others are not held up by it.
    assert abs(trader.fetch_time() - time.time() * 1000) < 60_000


def test_counts_are_told(stack, accounts, trader):
    trader.create_order(SYMBOL, "limit", "buy", 0.01, 59_000)
    headers = requests.structures.CaseInsensitiveDict(trader.last_response_headers)
    assert int(headers["X-MBX-USED-WEIGHT-1M"]) > 0
    assert int(headers["X-MBX-ORDER-COUNT-10S"]) > 0
