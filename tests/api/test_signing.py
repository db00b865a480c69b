"""Who may do what: signatures, windows, replays, permissions, allow-lists. A refused request executes nothing."""

import json
import time

import pytest

from accounts import signing
from tests.api.conftest import Trader

# For a signature that is shown more than once: the default is over in five seconds, on a busy machine too soon.
LONG_MS = signing.WINDOW_MS_MAX


def now_ms():
    return time.time_ns() // 1_000_000


def test_without_a_signature(alice, nothing_executed):
    for method, path in [("POST", "/orders"), ("GET", "/orders"), ("DELETE", "/orders"), ("GET", "/balances")]:
        answer = alice.call(method, path, alice.order() if method == "POST" else None, sign=False)
        assert (answer.status, answer.code) == (401, "not_authenticated")
        assert answer.headers["WWW-Authenticate"] == "PVX-HMAC-SHA256"


def test_a_wrong_key_and_a_wrong_secret(alice, bob, nothing_executed):
    wrong = Trader(alice.stack, alice.account, "0" * 32, alice.secret, alice.http)
    assert wrong.post("/orders", wrong.order()).code == "invalid_key"
    wrong = Trader(alice.stack, alice.account, alice.key, bob.secret, alice.http)
    answer = wrong.post("/orders", wrong.order())
    assert (answer.status, answer.code) == (401, "invalid_signature")


def test_an_expired_signature(alice, nothing_executed):
    answer = alice.post("/orders", alice.order(), timestamp_ms=now_ms() - 5_100)
    assert (answer.status, answer.code) == (401, "signature_expired")
    answer = alice.post("/orders", alice.order(), timestamp_ms=now_ms() - 100, window_ms=50)
    assert (answer.status, answer.code) == (401, "signature_expired")
    assert answer["time"] > 0


def test_a_signature_from_the_future(alice, nothing_executed):
    answer = alice.post("/orders", alice.order(), timestamp_ms=now_ms() + 60_000)
    assert (answer.status, answer.code) == (401, "invalid_timestamp")


def test_a_long_window_is_taken(alice):
    alice.post("/orders", alice.order(price="59000"), timestamp_ms=now_ms() - 30_000, window_ms=60_000).ok(201)


def test_a_window_cannot_be_added_afterwards(alice, nothing_executed):
    """Whoever holds an expired request cannot bring it back to life by an unsigned header."""
    answer = alice.post(
        "/orders", alice.order(), timestamp_ms=now_ms() - 10_000, headers={"PVX-WINDOW": "60000"}
    )  # fmt: skip
    assert (answer.status, answer.code) == (401, "invalid_signature")


def test_a_replayed_order_is_executed_once(alice, head):
    signed = {"timestamp_ms": now_ms(), "window_ms": LONG_MS}
    made = alice.post("/orders", alice.order(price="59000"), **signed).ok(201)
    before = head()
    for _ in range(3):
        answer = alice.post("/orders", alice.order(price="59000"), **signed)
        assert (answer.status, answer.code) == (401, "signature_replayed")
    assert head() == before
    listed = alice.caught_up("/orders", before)["orders"]
    assert [order["id"] for order in listed] == [made["id"]]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_replayed_changes(alice, head, method):
    order = alice.place(price="59000", size="0.003")
    signed, path = {"timestamp_ms": now_ms(), "window_ms": LONG_MS}, f"/orders/{order['id']}"
    body = {"size": "0.002"} if method == "PATCH" else None
    alice.call(method, path, body, **signed).ok()
    before = head()
    assert alice.call(method, path, body, **signed).code == "signature_replayed"
    assert head() == before


def test_a_signature_does_not_fit_another_request(alice, nothing_executed):
    body = json.dumps(alice.order()).encode()
    timestamp = now_ms()
    good = signing.headers(
        key=alice.key, secret=alice.secret, timestamp_ms=timestamp, method="POST", path_with_query="/api/v1/orders",
        body=body, window_ms=LONG_MS,
    )  # fmt: skip
    changed = body.replace(b'"buy"', b'"sell"')
    for method, path, data in [
        ("POST", "/api/v1/orders", changed), ("POST", "/api/v1/orders?x=1", body), ("DELETE", "/api/v1/orders", b""),
        ("POST", "/api/v1/orders/batch", body),
    ]:  # fmt: skip
        answer = alice.http.request(method, path, content=data, headers=good | {"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_signature")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"PVX-SIGN": ""}, "invalid_signature"), ({"PVX-SIGN": "zz"}, "invalid_signature"),
        ({"PVX-SIGN": "a" * 5000}, "invalid_signature"), ({"PVX-TIMESTAMP": ""}, "invalid_timestamp"),
        ({"PVX-TIMESTAMP": "now"}, "invalid_timestamp"), ({"PVX-TIMESTAMP": "1.5"}, "invalid_timestamp"),
        ({"PVX-TIMESTAMP": "9" * 30}, "invalid_timestamp"), ({"PVX-WINDOW": "0"}, "invalid_timestamp"),
        ({"PVX-WINDOW": "60001"}, "invalid_timestamp"), ({"PVX-WINDOW": "x"}, "invalid_timestamp"),
        ({"PVX-KEY": ""}, "invalid_key"), ({"PVX-KEY": "' OR 1=1 --"}, "invalid_key"),
    ],
)  # fmt: skip
def test_broken_headers(alice, nothing_executed, headers, code):
    answer = alice.post("/orders", alice.order(), headers=headers)
    assert (answer.status, answer.code) == (401, code)


@pytest.fixture(scope="module")
def limited(stack, http, traders):
    """Keys of one account with fewer permissions or bound to addresses, made as the exchange makes them."""
    script = (
        "import json; from accounts import selectors, services;"
        "a = selectors.get_account(name='api-alice');"
        "print(json.dumps([services.create_api_key(account=a, permissions=p, ip_allow=i) for p, i in ["
        "(['read'], []), (['trade'], []), (['read', 'trade'], ['203.0.113.0/24']), (['read'], ['127.0.0.0/8'])]]))"
    )
    pairs = json.loads(stack.manage("shell", "--no-imports", "--command", script).strip().splitlines()[-1])
    account = traders[0].account
    names = ("reader", "writer", "elsewhere", "here")
    return {name: Trader(stack, account, key, secret, http) for name, (key, secret) in zip(names, pairs, strict=True)}


def test_permissions(alice, limited, nothing_executed):
    reader, writer = limited["reader"], limited["writer"]
    reader.get("/orders").ok()
    for method, path, body in [
        ("POST", "/orders", alice.order()), ("POST", "/orders/batch", {"orders": [alice.order()]}),
        ("DELETE", "/orders", None), ("PATCH", "/orders/1", {"size": "1"}),
        ("POST", "/dead-man-switch", {"timeout_ms": 1}),
    ]:  # fmt: skip
        answer = reader.call(method, path, body)
        assert (answer.status, answer.code) == (403, "permission_denied"), path
    assert writer.get("/orders").code == "permission_denied"
    for path in ("/withdrawals", "/transfers"):
        assert writer.post(path, {"asset": "BTC", "amount": "1", "to_account": 1}).code == "permission_denied"


def test_a_trading_key_trades(limited, alice):
    limited["writer"].post("/orders", alice.order(price="59000")).ok(201)


def test_the_allow_list(limited, alice, nothing_executed):
    answer = limited["elsewhere"].post("/orders", alice.order())
    assert (answer.status, answer.code) == (403, "ip_not_allowed")
    limited["here"].get("/orders").ok()


def test_nobody_claims_another_address(limited, alice, nothing_executed):
    """X-Forwarded-For counts only from proxies that the settings name, and there are none."""
    for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded"):
        answer = limited["elsewhere"].post("/orders", alice.order(), headers={name: "203.0.113.5"})
        assert answer.code == "ip_not_allowed"
