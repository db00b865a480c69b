"""Who asks: signatures over what was sent, times, keys of every kind, permissions, addresses."""

import time

import pytest

from tests.binance.conftest import ORDER, hmac_signer, pem

ACCOUNT = "/api/v3/account"
OUTSIDE = (-1021, "Timestamp for this request is outside of the recvWindow.")
AHEAD = (-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
WRONG = (-1022, "Signature for this request is not valid.")
NO_TIME = (-1100, "Illegal characters found in parameter 'timestamp'; legal range is '^[0-9]{1,20}$'.")
# For what is signed once and sent twice: the default is over in five seconds, on a busy machine too soon.
LONG_MS = 60_000
REFUSED = (-2015, "Invalid API-key, IP, or permissions for action.")


@pytest.mark.parametrize("inside", ["query", "body", "mixed"])
def test_what_was_sent_is_what_is_signed(alice, inside):
    """Query and form stand one after the other with nothing in between."""
    made = alice.order(inside=inside, newClientOrderId=f"in-{inside}").ok()
    assert (made["clientOrderId"], made["status"]) == (f"in-{inside}", "NEW")
    gone = alice.call("DELETE", ORDER, inside=inside, symbol="BTCUSDT", orderId=made["orderId"]).ok()
    assert gone["status"] == "CANCELED"


def test_a_signature_may_stand_anywhere_and_in_capitals(alice):
    query = f"timestamp={alice.now_ms()}&recvWindow={LONG_MS}"
    signature = hmac_signer(alice.secret)(query)
    first, last = query.split("&")
    for text in (f"signature={signature}&{query}", f"{first}&signature={signature.upper()}&{last}"):
        assert alice.raw("GET", ACCOUNT, text).ok()["uid"] == alice.account


def test_the_query_wins_over_the_body(alice):
    query, body = "symbol=BTCUSDT", f"symbol=ETHUSDT&orderId=999999999&timestamp={alice.now_ms()}"
    signature = hmac_signer(alice.secret)(query + body)
    assert alice.raw("DELETE", ORDER, query, f"{body}&signature={signature}").code == -2011


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_key_whose_secret_stays_with_its_owner(alice, make_key, private_keys, kind):
    private, sign = private_keys[kind]
    owner = make_key(alice, permissions=["read", "trade"], public_key=pem(private))
    assert owner.secret == ""
    owner.sign = sign
    for inside in ("query", "body", "mixed"):
        made = owner.order(inside=inside).ok()
        assert owner.call("DELETE", ORDER, symbol="BTCUSDT", orderId=made["orderId"]).ok()["status"] == "CANCELED"
    owner.sign = lambda text: sign(text + " ")
    assert owner.get(ACCOUNT).error == WRONG
    owner.sign = lambda text: "no base64!"
    assert owner.get(ACCOUNT).error == WRONG
    owner.sign = hmac_signer("")
    assert owner.get(ACCOUNT).error == WRONG


def test_another_ones_private_key_signs_nothing(alice, make_key, private_keys, nothing_executed):
    ed, rsa = private_keys["ed25519"], private_keys["rsa"]
    owner = make_key(alice, permissions=["read", "trade"], public_key=pem(ed[0]))
    owner.sign = rsa[1]
    assert owner.order().error == WRONG


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"timestamp": 1}, OUTSIDE),
        ({"timestamp": lambda now: now - 6_000}, OUTSIDE),
        ({"timestamp": lambda now: now - 1_000, "recvWindow": 500}, OUTSIDE),
        ({"timestamp": lambda now: now + 60_000}, AHEAD),
        ({"recvWindow": 60_001}, (-1131, "recvWindow must be less than 60000")),
        ({"timestamp": "soon"}, NO_TIME),
    ],
)  # fmt: skip
def test_time(alice, nothing_executed, values, error):
    now = time.time_ns() // 1_000_000
    values = {name: value(now) if callable(value) else value for name, value in values.items()}
    assert alice.order(**values).error == error


def test_a_longer_window_and_microseconds(alice):
    assert alice.get(ACCOUNT, timestamp=time.time_ns() // 1_000_000 - 9_000, recvWindow=LONG_MS).status == 200
    assert alice.get(ACCOUNT, timestamp=time.time_ns() // 1_000).status == 200
    assert alice.get(ACCOUNT, timestamp=time.time_ns() // 1_000_000, recvWindow="5000.123").status == 200


def test_what_is_missing(alice, nothing_executed):
    missing = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."
    assert alice.get(ACCOUNT, stamp=False).error == (-1102, missing.format("timestamp"))
    assert alice.raw("GET", ACCOUNT, f"timestamp={alice.now_ms()}").error == (-1102, missing.format("signature"))
    alice = type(alice)(alice.http, alice.account, "", alice.sign)
    assert alice.get(ACCOUNT).error == (-2014, "API-key format invalid.")
    assert alice.get(ACCOUNT).status == 401


@pytest.mark.parametrize("key", ["0" * 32, "x", "ü", "a'b", "a" * 65])
def test_a_key_nobody_has(alice, nothing_executed, key):
    answer = alice.raw("GET", ACCOUNT, "timestamp=1&signature=1", headers={"X-MBX-APIKEY": key.encode()})
    assert answer.error == (
        REFUSED if key.isascii() and key.isalnum() and len(key) < 65 else (-2014, "API-key format invalid.")
    )
    assert answer.status == 401


@pytest.mark.parametrize("change", [lambda s: s[:-1] + ("0" if s[-1] != "0" else "1"), lambda s: "0" * 64])
def test_a_wrong_signature(alice, nothing_executed, change):
    client = type(alice)(alice.http, alice.account, alice.key, lambda text: change(hmac_signer(alice.secret)(text)))
    assert client.order().error == WRONG
    client.sign = lambda text: "zz"
    assert client.order().code == -1100


def test_a_changed_parameter_is_noticed(alice, nothing_executed):
    query = f"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&timestamp={alice.now_ms()}&recvWindow={LONG_MS}"
    signature = hmac_signer(alice.secret)(query)
    changed = query.replace("quantity=1", "quantity=2")
    assert alice.raw("POST", ORDER, f"{changed}&signature={signature}").error == WRONG
    assert alice.raw("POST", ORDER, f"{query}&reduce=1&signature={signature}").error == WRONG


def test_the_same_request_again_is_executed_once(alice, head):
    times = {"timestamp": alice.now_ms(), "recvWindow": LONG_MS}
    first = alice.order(**times).ok()
    before = head()
    assert alice.order(**times).error == (-2010, "Duplicate order sent.")
    assert head() == before
    named = {"symbol": "BTCUSDT", "orderId": first["orderId"], "timestamp": alice.now_ms(), "recvWindow": LONG_MS}
    assert alice.call("DELETE", ORDER, **named).ok()["status"] == "CANCELED"
    assert alice.call("DELETE", ORDER, **named).error == (-2011, "Unknown order sent.")


def test_permissions(alice, make_key, head):
    reader = make_key(alice, permissions=["read"])
    trader = make_key(alice, permissions=["trade"])
    before = head()
    assert reader.order().error == REFUSED
    withdrawal = {"coin": "BTC", "address": "elsewhere", "amount": "1"}
    assert trader.call("POST", "/sapi/v1/capital/withdraw/apply", **withdrawal).error == REFUSED
    assert trader.get(ACCOUNT).error == REFUSED
    assert head() == before
    assert reader.get(ACCOUNT).ok()["canTrade"] is False
    assert trader.order().ok()["status"] == "NEW"
    told = reader.get("/sapi/v1/account/apiRestrictions").ok()
    assert (told["enableReading"], told["ipRestrict"]) == (True, False)
    assert (told["enableSpotAndMarginTrading"], told["enableWithdrawals"]) == (False, False)


def test_a_key_for_other_networks(alice, make_key, nothing_executed):
    far = make_key(alice, permissions=["read", "trade"], ip_allow=["203.0.113.0/24"])
    assert far.order().error == REFUSED
    near = make_key(alice, permissions=["read"], ip_allow=["127.0.0.1"])
    assert near.get("/sapi/v1/account/apiRestrictions").ok()["ipRestrict"] is True
