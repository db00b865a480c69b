"""Signed-in browsers: sign-up, CSRF, orders by session, API keys."""

import base64
import json
import re
import time

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from accounts import signing
from tests.api.conftest import Answer, Trader
from tests.patience import PATIENCE_S


class Browser:
    """A browser that signs up; writes carry the CSRF token unless said otherwise."""

    def __init__(self, stack, name):
        self.stack = stack
        self.http = httpx.Client(base_url=stack.base_url, timeout=PATIENCE_S)
        page = self.http.get("/accounts/signup/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
        form = {"username": name, "email": f"{name}@example.org", "password1": "correct-horse-9",
                "password2": "correct-horse-9", "csrfmiddlewaretoken": token}  # fmt: skip
        answer = self.http.post("/accounts/signup/", data=form, headers={"Referer": stack.base_url})
        assert answer.status_code == 302, answer.text

    def call(self, method, path, body=None, *, csrf=True, headers=None):
        sent = {"X-CSRFToken": self.http.cookies["csrftoken"]} if csrf else {}
        data = b""
        if body is not None:
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        return Answer(self.http.request(method, f"/api/v1{path}", content=data, headers=sent | (headers or {})))


@pytest.fixture(scope="module")
def browser(stack):
    one = Browser(stack, f"browser{time.time_ns()}")
    yield one
    one.http.close()


@pytest.fixture
def mallory(stack):
    one = Browser(stack, f"mallory{time.time_ns()}")
    yield one
    one.http.close()


ORDER = {"market": "BTC-USDT", "side": "buy", "price": "60000", "size": "0.001"}


def test_whoever_signs_up_has_an_account(browser):
    account = browser.call("GET", "/account").ok()
    assert account["id"] >= 1
    assert account["permissions"] == ["read", "trade", "withdraw"]
    assert browser.call("GET", "/balances").ok()["balances"] == []


def test_a_session_reaches_the_matcher(browser):
    answer = browser.call("POST", "/orders", ORDER)
    assert (answer.status, answer.code) == (422, "insufficient_balance")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/orders", ORDER), ("POST", "/orders/batch", {"orders": [ORDER]}), ("DELETE", "/orders", None),
        ("POST", "/keys", {"permissions": ["trade"]}), ("POST", "/withdrawals", {"asset": "BTC", "amount": "1"}),
    ],
)  # fmt: skip
def test_without_the_token_nothing_is_written(browser, nothing_executed, method, path, body):
    keys = browser.call("GET", "/keys").ok()["keys"]
    answer = browser.call(method, path, body, csrf=False)
    assert (answer.status, answer.code) == (403, "csrf_failed")
    answer = browser.call(method, path, body, csrf=False, headers={"X-CSRFToken": "x" * 32})
    assert answer.code == "csrf_failed"
    assert browser.call("GET", "/keys").ok()["keys"] == keys


def test_another_site_cannot_write_with_the_token_of_a_cookie(browser, nothing_executed):
    answer = browser.call("POST", "/orders", ORDER, headers={"Origin": "https://evil.example"})
    assert answer.code == "csrf_failed"


def test_a_made_up_session_is_nobody(stack, nothing_executed):
    cookies = {"sessionid": "a" * 32, "csrftoken": "b" * 32}
    with httpx.Client(base_url=stack.base_url, cookies=cookies, timeout=PATIENCE_S) as client:
        answer = Answer(client.post("/api/v1/orders", json=ORDER, headers={"X-CSRFToken": "b" * 32}))
    assert (answer.status, answer.code) == (401, "not_authenticated")


def test_a_key_is_made_used_and_revoked(browser, stack, http):
    made = browser.call("POST", "/keys", {"permissions": ["trade", "read"], "label": "bot"}).ok(201)
    assert set(made.body) == {"key", "secret"}
    (listed,) = [key for key in browser.call("GET", "/keys").ok()["keys"] if key["key"] == made["key"]]
    assert (listed["label"], listed["permissions"], listed["revoked_at"]) == ("bot", ["read", "trade"], None)
    assert made["secret"] not in json.dumps(browser.call("GET", "/keys").body)
    account = browser.call("GET", "/account").ok()["id"]
    bot = Trader(stack, account, made["key"], made["secret"], http)
    assert bot.get("/account").ok()["id"] == account
    assert bot.post("/orders", bot.order()).code == "insufficient_balance"
    assert browser.call("DELETE", f"/keys/{made['key']}").status == 204
    assert bot.post("/orders", bot.order()).code == "invalid_key"
    assert browser.call("DELETE", f"/keys/{made['key']}").code == "unknown_key"


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_key_whose_secret_stays_with_its_owner(browser, http, kind):
    private = (
        ed25519.Ed25519PrivateKey.generate()
        if kind == "ed25519"
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    made = browser.call("POST", "/keys", {"permissions": ["read"], "public_key": pem}).ok(201)
    assert made["secret"] is None
    (listed,) = [key for key in browser.call("GET", "/keys").ok()["keys"] if key["key"] == made["key"]]
    assert listed["kind"] == kind

    def ask(path, signed_path):
        now = time.time_ns() // 1_000_000
        message = signing.canonical(now, "GET", signed_path, b"")
        signature = private.sign(message) if kind == "ed25519" else private.sign(message, PKCS1v15(), SHA256())
        headers = {"PVX-KEY": made["key"], "PVX-TIMESTAMP": str(now), "PVX-SIGN": base64.b64encode(signature).decode()}
        return Answer(http.get(path, headers=headers))

    assert ask("/api/v1/account", "/api/v1/account").ok()["permissions"] == ["read"]
    assert ask("/api/v1/account", "/api/v1/balances").code == "invalid_signature"


@pytest.mark.parametrize(
    "body",
    [
        {}, {"permissions": []}, {"permissions": ["all"]}, {"permissions": "read"}, {"permissions": [1]},
        {"permissions": ["read"], "ip_allow": ["nonsense"]}, {"permissions": ["read"], "ip_allow": "10.0.0.0/8"},
        {"permissions": ["read"], "label": "x" * 65}, {"permissions": ["read"], "account": 1},
        {"permissions": ["read"], "ip_allow": ["10.0.0.0/8"] * 33}, {"permissions": ["read"], "label": "a\u0000"}, [],
        {"permissions": ["read"], "public_key": "nonsense"}, {"permissions": ["read"], "public_key": 1},
    ],
)  # fmt: skip
def test_what_makes_no_key(browser, body):
    before = browser.call("GET", "/keys").ok()["keys"]
    answer = browser.call("POST", "/keys", body)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert browser.call("GET", "/keys").ok()["keys"] == before


def test_a_key_makes_no_keys(alice):
    for method, path, body in [("GET", "/keys", None), ("POST", "/keys", {"permissions": ["withdraw"]}),
                               ("DELETE", f"/keys/{alice.key}", None)]:  # fmt: skip
        answer = alice.call(method, path, body)
        assert (answer.status, answer.code) == (403, "session_required")
    alice.get("/account").ok()


def test_nobody_sees_or_revokes_anothers_key(browser, mallory):
    made = browser.call("POST", "/keys", {"permissions": ["read"]}).ok(201)
    assert made["key"] not in json.dumps(mallory.call("GET", "/keys").ok().body)
    assert mallory.call("DELETE", f"/keys/{made['key']}").code == "unknown_key"
    (kept,) = [key for key in browser.call("GET", "/keys").ok()["keys"] if key["key"] == made["key"]]
    assert kept["revoked_at"] is None


def test_who_signed_out_is_nobody(mallory):
    mallory.http.post(
        "/accounts/logout/",
        data={"csrfmiddlewaretoken": mallory.http.cookies["csrftoken"]},
        headers={"Referer": mallory.stack.base_url},
    )
    assert mallory.call("GET", "/account").code == "not_authenticated"
