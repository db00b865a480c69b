"""/ws-api/v3: requests and answers, sessions, orders, and everything a client can get wrong."""

import base64
import json
import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from websockets.exceptions import ConnectionClosed

from tests.binance_sockets.api_client import ApiClient, hmac_of, signed, text_to_sign
from tests.patience import PATIENCE_S
from tests.sockets.client import Client
from tests.sockets.journal import wait_published
from tests.stack import Stack, wait_until

pytestmark = pytest.mark.process
SYMBOL = "ETHUSDT"
NO_FUNDS = "Account has insufficient balance for requested action."


@pytest.fixture(scope="module")
def trader(stack: Stack) -> dict[str, Any]:
    return stack.account("ws-api", ETH="1000", USDT="1000000")


@pytest.fixture
def client(stack: Stack, trader: dict[str, Any]) -> Iterator[ApiClient]:
    with ApiClient(stack, trader) as client:
        yield client
        client.signed("openOrders.cancelAll", symbol=SYMBOL)


def limit_order(**more: Any) -> dict[str, Any]:
    order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1", "price": "2900"}
    return order | more


def rest(stack: Stack, path: str) -> Any:
    with urllib.request.urlopen(f"{stack.base_url}/api/v3/{path}", timeout=PATIENCE_S) as answer:
        return json.load(answer)


def key_of(stack: Stack, account: dict[str, Any], *, permissions: list[str], public_key: str = "") -> dict[str, Any]:
    """Another key of an account, made as the keys page does."""
    code = (
        "from accounts import selectors, services; "
        f"account = selectors.get_account(account_id={account['account']}); "
        "print('KEY', *services.create_api_key("
        f"account=account, permissions={permissions!r}, public_key={public_key!r}))"
    )
    line = next(line for line in stack.manage("shell", "-c", code).splitlines() if line.startswith("KEY"))
    _, key, *secret = line.split()
    return account | {"key": key, "secret": secret[0] if secret else ""}


# --- requests


def test_ids_and_limits(stack: Stack) -> None:
    with ApiClient(stack) as client:
        for id in ("text", 17, -5, 2**53, "", "a" * 64):
            client.socket.send(json.dumps({"id": id, "method": "ping"}))
            answer = client.receive()
            assert (answer["id"], answer["status"], answer["result"]) == (id, 200, {})
        client.socket.send(json.dumps({"id": None, "method": "v3/time"}))
        answer = client.receive()
        assert answer["id"] is None and answer["result"]["serverTime"] > 0
        (weight,) = answer["rateLimits"]
        assert (weight["rateLimitType"], weight["interval"], weight["intervalNum"]) == ("REQUEST_WEIGHT", "MINUTE", 1)
        before = weight["count"]
        after = client.ask("depth", {"symbol": SYMBOL, "limit": 5})["rateLimits"][0]["count"]
        assert after in (before + 5, 5)  # a minute began in between
        assert "rateLimits" not in client.ask("time", {"returnRateLimits": False})


def test_market_reads_are_those_of_rest(stack: Stack, client: ApiClient) -> None:
    client.ok("order.place", **limit_order(side="SELL", price="3000"))
    client.ok("order.place", **limit_order(price="3000", quantity="0.05"))
    client.ok("order.place", **limit_order(price="2999"))
    for method, params, path in (
        ("depth", {"symbol": SYMBOL, "limit": 5}, "depth?symbol=ETHUSDT&limit=5"),
        ("trades.recent", {"symbol": SYMBOL, "limit": 2}, "trades?symbol=ETHUSDT&limit=2"),
        ("trades.aggregate", {"symbol": SYMBOL, "limit": 2}, "aggTrades?symbol=ETHUSDT&limit=2"),
        ("klines", {"symbol": SYMBOL, "interval": "1d", "limit": 1}, "klines?symbol=ETHUSDT&interval=1d&limit=1"),
        ("avgPrice", {"symbol": SYMBOL}, "avgPrice?symbol=ETHUSDT"),
        ("ticker.price", {"symbol": SYMBOL}, "ticker/price?symbol=ETHUSDT"),
        (
            "ticker.book",
            {"symbols": [SYMBOL]},
            "ticker/bookTicker?symbols=%5B%22ETHUSDT%22%5D",
        ),
    ):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = client.ask(method, params)
            assert answer["status"] == 200, answer
            if answer["result"] == rest(stack, path):
                break
            assert time.monotonic() < deadline, (method, answer["result"], rest(stack, path))
            time.sleep(0.1)
    price = client.ask("ticker.price", {"symbol": SYMBOL})["result"]["price"]
    wait_until(lambda: client.ask("ticker.24hr", {"symbol": SYMBOL})["result"]["lastPrice"] == price, "the last price")
    symbols = client.ask("exchangeInfo", {"symbols": [SYMBOL]})["result"]["symbols"]
    assert [one["symbol"] for one in symbols] == [SYMBOL]


UNREADABLE = [
    "no json", "[]", '"ping"', "{}", '{"id": 1}', '{"id": 1, "method": 7}', '{"id": 1.5, "method": "ping"}',
    '{"id": {}, "method": "ping"}', '{"id": 1, "method": ""}', '{"id": 1, "method": "ping", "params": []}',
    '{"id": 1, "method": "ping", "more": 1}', '{"id": "' + "x" * 65 + '", "method": "ping"}',
    '{"id": 18446744073709551616, "method": "ping"}', '{"id": 1, "method": "ping", "params": {"a": NaN}}',
    '{"id": 1, "method": "depth", "params": {"symbol": {"$ne": 1}}}', "[" * 100_000,
]  # fmt: skip


def test_what_is_no_request(stack: Stack) -> None:
    with ApiClient(stack) as client:
        for text in [*UNREADABLE, b"\x00\x01"]:
            client.socket.send(text)
            answer = client.receive()
            assert answer["status"] == 400 and answer["error"]["code"] in (-1135, -1100), (text, answer)
        with suppress(ConnectionClosed):  # it may be over before all is sent
            for _ in range(100):
                client.socket.send("still nothing")
        assert client.closed()[0] == 4009


def test_what_a_method_refuses(client: ApiClient) -> None:
    for method, params, code in (
        ("no.such", {}, -1020),
        ("depth", {}, -1102),
        ("depth", {"symbol": "NOSUCH"}, -1121),
        ("depth", {"symbol": "eth usdt"}, -1100),
        ("depth", {"symbol": SYMBOL, "limit": -1}, -1100),
        ("depth", {"symbol": SYMBOL, "more": 1, "most": 2, "yet": 3}, -1101),
        ("klines", {"symbol": SYMBOL, "interval": "2m"}, -1120),
        ("order.place", {}, -1102),
        ("account.status", {"apiKey": "x" * 32}, -2015),
        ("account.status", {"apiKey": "short!"}, -2014),
        ("session.logon", {}, -1102),
        ("userDataStream.subscribe", {}, -2014),
        ("userDataStream.unsubscribe", {"subscriptionId": 5}, -1130),
        ("ping", {"returnRateLimits": 3}, -1100),
    ):
        answer = client.ask(method, params)
        assert answer["error"]["code"] == code, (method, params, answer)


# --- signatures


def test_signatures(client: ApiClient, trader: dict[str, Any]) -> None:
    # It is sent last, and again.
    good = signed(limit_order(recvWindow=60_000), trader)
    for wrong, code in (
        (good | {"signature": "0" * 64}, -1022),
        (good | {"signature": "not hex"}, -1100),
        (good | {"quantity": "0.2"}, -1022),
        ({name: value for name, value in good.items() if name != "signature"}, -1102),
        (signed(limit_order(timestamp=1), trader), -1021),
        (signed(limit_order(timestamp=int(time.time() * 1000) + 300_000), trader), -1021),
        (signed(limit_order(recvWindow=60_001), trader), -1131),
        (signed(limit_order(timestamp=int(time.time() * 1000) - 3_000, recvWindow=1_000), trader), -1021),
    ):
        assert client.ask("order.place", wrong)["error"]["code"] == code, wrong
    assert client.ok("openOrders.status", symbol=SYMBOL) == []
    assert client.ask("order.place", good)["status"] == 200
    again = client.ask("order.place", good)
    assert (again["error"]["code"], again["error"]["msg"]) == (-2010, "Duplicate order sent.")
    assert len(client.ok("openOrders.status", symbol=SYMBOL)) == 1


def test_numbers_are_signed_as_they_are_written(client: ApiClient, trader: dict[str, Any]) -> None:
    whole = limit_order(timestamp=int(time.time() * 1000), apiKey=trader["key"])
    text = json.dumps({"id": 1, "method": "order.place", "params": whole | {"signature": "SIGN"}})
    text = text.replace('"2900"', "2900.10").replace('"0.1"', "0.10")
    whole |= {"price": "2900.10", "quantity": "0.10"}
    client.socket.send(text.replace("SIGN", hmac_of(whole, trader["secret"])))
    placed = client.receive()
    assert placed["status"] == 200 and Decimal(placed["result"]["price"]) == Decimal("2900.1"), placed


def test_a_key_may_do_what_it_was_given(stack: Stack, trader: dict[str, Any]) -> None:
    reader = key_of(stack, trader, permissions=["read"])
    with ApiClient(stack, reader) as client:
        assert client.ok("account.status")["canTrade"] is False
        assert client.code("order.place", **limit_order()) == -2015
        assert client.ok("openOrders.status", symbol=SYMBOL) == []


# --- sessions


@pytest.fixture(scope="module")
def pair(stack: Stack, trader: dict[str, Any]) -> tuple[dict[str, Any], Ed25519PrivateKey]:
    private = Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return key_of(stack, trader, permissions=["read", "trade"], public_key=pem), private


def log_on(client: ApiClient, account: dict[str, Any], private: Ed25519PrivateKey) -> dict[str, Any]:
    params = {"apiKey": account["key"], "timestamp": time.time_ns() // 1_000_000}
    signature = base64.b64encode(private.sign(text_to_sign(params).encode())).decode()
    return client.ask("session.logon", params | {"signature": signature})


def test_a_session(stack: Stack, pair: tuple[dict[str, Any], Ed25519PrivateKey]) -> None:
    account, private = pair
    wait_published(stack)
    with ApiClient(stack, account) as client:
        assert client.ask("session.status")["result"]["apiKey"] is None
        session = log_on(client, account, private)["result"]
        assert session["apiKey"] == account["key"] and session["authorizedSince"] >= session["connectedSince"]
        assert client.ask("userDataStream.subscribe")["result"] == {"subscriptionId": 0}
        placed = client.ask("order.place", limit_order(price="2901"))
        assert placed["status"] == 200, placed
        assert client.until(lambda event: event["e"] == "executionReport")[-1]["i"] == placed["result"]["orderId"]
        old = client.ask("order.place", limit_order(timestamp=int(time.time() * 1000) - 6_000))
        assert old["error"]["code"] == -1021
        assert client.ask("session.subscriptions")["result"] == [{"subscriptionId": 0}]
        assert client.ask("openOrders.cancelAll", {"symbol": SYMBOL})["status"] == 200
        status = client.ask("session.logout")["result"]
        assert status["apiKey"] is None and status["userDataStream"] is False
        assert client.until(lambda event: event["e"] == "eventStreamTerminated")
        assert client.ask("order.place", limit_order())["error"]["code"] == -1102


def test_only_ed25519_logs_on(client: ApiClient) -> None:
    answer = client.signed("session.logon")
    assert (answer["error"]["code"], answer["error"]["msg"]) == (-4056, "HMAC_SHA256 API key is not supported.")
    assert client.ask("session.status")["result"]["apiKey"] is None


def test_a_revoked_key_ends_its_sockets(stack: Stack, trader: dict[str, Any]) -> None:
    account = key_of(stack, trader, permissions=["read", "trade"])
    with ApiClient(stack, account) as client:
        client.ok("userDataStream.subscribe.signature")
        code = (
            "from accounts import selectors, services; "
            f"account = selectors.get_account(account_id={account['account']}); "
            f"services.revoke_api_key(account=account, key={account['key']!r})"
        )
        stack.manage("shell", "-c", code)
        assert client.closed()[0] == 4001


# --- orders


def test_an_order_from_its_placing_to_its_end(stack: Stack, client: ApiClient, trader: dict[str, Any]) -> None:
    answer = client.signed("order.place", **limit_order(newClientOrderId="by-ws", newOrderRespType="RESULT"))
    assert {one["rateLimitType"] for one in answer["rateLimits"]} == {"REQUEST_WEIGHT", "ORDERS"}
    placed = answer["result"]
    assert (placed["status"], placed["clientOrderId"]) == ("NEW", "by-ws")
    assert client.code("order.place", **limit_order(newClientOrderId="by-ws")) == -2010
    asked = client.ok("order.status", symbol=SYMBOL, origClientOrderId="by-ws")
    assert asked["orderId"] == placed["orderId"] and asked["isWorking"] is True
    with Client(stack.socket_url) as ours:
        ours.auth(trader)
        wait_published(stack)
        ours.ok("subscribe", channel="orders")
        (order,) = ours.on("orders", "snapshot")["orders"]
        assert (order["id"], order["client_id"]) == (placed["orderId"], "by-ws")
    replaced = client.ok(
        "order.cancelReplace", **limit_order(price="2899", cancelReplaceMode="STOP_ON_FAILURE",
                                             cancelOrigClientOrderId="by-ws"),
    )  # fmt: skip
    assert replaced["cancelResult"] == replaced["newOrderResult"] == "SUCCESS"
    new = replaced["newOrderResponse"]["orderId"]
    assert [one["orderId"] for one in client.ok("openOrders.status", symbol=SYMBOL)] == [new]
    canceled = client.ok("order.cancel", symbol=SYMBOL, orderId=new, newClientOrderId="the-cancel")
    assert (canceled["status"], canceled["clientOrderId"]) == ("CANCELED", "the-cancel")
    assert client.code("order.cancel", symbol=SYMBOL, orderId=new) == -2011
    assert client.code("order.status", symbol=SYMBOL, orderId=10**9) == -2013
    failed = client.signed(
        "order.cancelReplace", **limit_order(cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=new)
    )  # fmt: skip
    assert (failed["status"], failed["error"]["code"]) == (400, -2022)
    assert failed["error"]["data"]["newOrderResult"] == "NOT_ATTEMPTED"
    history = [one["orderId"] for one in client.ok("allOrders", symbol=SYMBOL)]
    assert history[-2:] == [placed["orderId"], new]


def test_trades_and_refusals(client: ApiClient) -> None:
    client.ok("order.place", **limit_order(side="SELL", price="3000", quantity="0.2"))
    bought = client.ok("order.place", symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.1")
    assert (bought["status"], len(bought["fills"])) == ("FILLED", 1)
    mine = client.ok("myTrades", symbol=SYMBOL, orderId=bought["orderId"])
    assert [one["id"] for one in mine] == [bought["fills"][0]["tradeId"]]
    for params, code, words in (
        (limit_order(quantity="500", price="3000"), -2010, NO_FUNDS),
        (limit_order(price="2900.123456"), -1013, "Filter failure: PRICE_FILTER"),
        (limit_order(quantity="0.000001"), -1013, "Filter failure: LOT_SIZE"),
        (
            limit_order(type="LIMIT_MAKER", price="3000", timeInForce=None),
            -2010,
            "Order would immediately match and take.",
        ),
        (limit_order(symbol="NOSUCH"), -1121, "Invalid symbol."),
        (limit_order(price=None), -1102, None),
        (limit_order(side="HOLD"), -1117, "Invalid side."),
    ):
        given = {name: value for name, value in params.items() if value is not None}
        answer = client.signed("order.place", **given)
        assert answer["error"]["code"] == code and words in (None, answer["error"]["msg"]), (params, answer)
    assert client.ok("order.test", **limit_order()) == {}
    balances = {one["asset"]: one for one in client.ok("account.status")["balances"]}
    assert Decimal(balances["ETH"]["locked"]) == Decimal("0.1"), "only the rest of the ask stands"


def test_orders_keep_their_order(client: ApiClient, trader: dict[str, Any]) -> None:
    """Nobody waits for an answer: what was sent first is executed first, and each is answered once."""
    for number in range(60):
        params = signed(limit_order(price=f"{2800 + number}", quantity="0.01", recvWindow=60_000), trader)
        client.socket.send(json.dumps({"id": number, "method": "order.place", "params": params}))
    answers = {}
    while len(answers) < 60:
        answer = client.receive()
        answers[answer["id"]] = answer["result"]["orderId"]
    ids = [answers[number] for number in range(60)]
    assert ids == sorted(ids)
    assert len(client.ok("openOrders.cancelAll", symbol=SYMBOL)) == 60


def test_a_cancel_may_follow_its_order_at_once(client: ApiClient, trader: dict[str, Any]) -> None:
    """It names an order of which no read model knows yet; the matcher does when its turn comes."""
    for number in range(5):
        name = f"at-once-{number}-{time.time_ns()}"
        for id, method, params in (
            ("place", "order.place", limit_order(newClientOrderId=name)),
            ("cancel", "order.cancel", {"symbol": SYMBOL, "origClientOrderId": name}),
        ):
            client.socket.send(json.dumps({"id": id, "method": method, "params": signed(params, trader)}))
        answers = {answer["id"]: answer for answer in (client.receive(), client.receive())}
        assert [answers[id]["status"] for id in ("place", "cancel")] == [200, 200], answers
        assert answers["cancel"]["result"]["orderId"] == answers["place"]["result"]["orderId"]
    assert client.ok("openOrders.status", symbol=SYMBOL) == []


def test_nobodys_reads_hold_up_orders(stack: Stack, client: ApiClient) -> None:
    """Reads wait for each other; orders, and whoever signs in, for none of them."""
    reads = 600
    with ApiClient(stack) as reader:
        for number in range(reads):
            params = {"symbol": SYMBOL, "fromId": 1, "limit": 1000}
            reader.socket.send(json.dumps({"id": number, "method": "trades.aggregate", "params": params}))
        placed = client.ok("order.place", **limit_order())
        assert client.ok("order.cancel", symbol=SYMBOL, orderId=placed["orderId"])["status"] == "CANCELED"
        answered = 0
        with suppress(TimeoutError):
            while True:
                reader.receive(patience_s=0.0)
                answered += 1
        assert answered < reads


def list_of_two(**more: Any) -> dict[str, Any]:
    pair = {
        "symbol": SYMBOL, "side": "SELL", "quantity": "0.1", "aboveType": "LIMIT_MAKER", "abovePrice": "3100",
        "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "2800", "belowPrice": "2790", "belowTimeInForce": "GTC",
    }  # fmt: skip
    return pair | more


def test_a_cancel_may_follow_its_list_at_once(stack: Stack, client: ApiClient, trader: dict[str, Any]) -> None:
    """The process that placed the list knows it, whatever the read models do."""
    client.ok("order.place", **limit_order(side="SELL", price="3000", quantity="0.05"))
    client.ok("order.place", **limit_order(price="3000", quantity="0.05"))
    stack.kill("orders", signal.SIGSTOP)
    try:
        name = f"list-{time.time_ns()}"
        for id, method, params in (
            ("place", "orderList.place.oco", list_of_two(listClientOrderId=name)),
            ("cancel", "orderList.cancel", {"symbol": SYMBOL, "listClientOrderId": name}),
        ):
            client.socket.send(json.dumps({"id": id, "method": method, "params": signed(params, trader)}))
        placed, canceled = client.receive(), client.receive()
    finally:
        stack.kill("orders", signal.SIGCONT)
    assert (placed["id"], placed["status"]) == ("place", 200), placed
    assert (canceled["id"], canceled["status"]) == ("cancel", 200), canceled
    assert canceled["result"]["orders"] == placed["result"]["orders"]
    assert [one["status"] for one in canceled["result"]["orderReports"]] == ["CANCELED", "CANCELED"]
    assert client.ok("openOrders.status", symbol=SYMBOL) == []


def test_while_the_matcher_is_silent_no_thread_is_held(stack: Stack, trader: dict[str, Any]) -> None:
    """More sockets wait for it with writes of several steps than there are threads; who signs in is answered."""
    waiting = [ApiClient(stack, trader) for _ in range(6)]

    def signs_in_meanwhile() -> bool:
        with ApiClient(stack, trader) as client:
            stack.kill("matcher", signal.SIGSTOP)
            try:
                for number, one in enumerate(waiting):
                    params = signed({"symbol": SYMBOL}, trader, recvWindow=50_000 + number)
                    one.socket.send(json.dumps({"id": number, "method": "openOrders.cancelAll", "params": params}))
                assert client.code("session.logon") == -4056
                early = [answer_now(one) for one in waiting]
            finally:
                stack.kill("matcher", signal.SIGCONT)
        for one, answer in zip(waiting, early, strict=True):
            assert (answer or one.receive())["error"]["code"] in (-2011, -1007, -1008, -1021)
        return not any(early)

    # On a busy machine some may have been given up before the one who signs in came to it.
    wait_until(signs_in_meanwhile, "somebody who signs in while all others wait for the matcher")
    with waiting[0] as client:
        wait_until(lambda: client.code("openOrders.cancelAll", symbol=SYMBOL) == -2011, "the matcher is back")
    for one in waiting:
        one.socket.close()


def answer_now(client: ApiClient) -> dict[str, Any] | None:
    """What has come already, if anything."""
    with suppress(TimeoutError):
        return client.receive(patience_s=0.0)
    return None
