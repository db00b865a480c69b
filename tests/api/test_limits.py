"""Rate limits and their headers, through Django's own handler with limits of the test's own."""

import json
import time

import pytest

from accounts import keys, limits, services, signing

pytestmark = pytest.mark.django_db(transaction=True)
# None ends while a test runs.
WINDOW_S = 10**9


@pytest.fixture
def call(client, redis_client, settings):
    settings.RATE_LIMITS = {
        "public": {"requests": (5, WINDOW_S)},
        "standard": {"orders": (4, WINDOW_S), "requests": (3, WINDOW_S)},
        "maker": {"orders": (1_000, WINDOW_S), "requests": (1_000, WINDOW_S)},
    }
    limits.forget()
    keys.forget()

    def make(tier="standard"):
        account = services.create_account(name=f"limits-{tier}", rate_tier=tier)
        key, secret = services.create_api_key(account=account, permissions=["read", "trade"])
        now = time.time_ns() // 1_000_000 - 2_000
        count = iter(range(10_000))

        def call(method, path, body=b""):
            path = f"/api/v1{path}"
            headers = signing.headers(
                key=key, secret=secret, timestamp_ms=now + next(count), method=method, path_with_query=path, body=body,
                window_ms=signing.WINDOW_MS_MAX,
            )  # fmt: skip
            return client.generic(method, path, body, content_type="application/json", headers=headers)

        return call

    yield make
    limits.forget()


def test_public_reads_by_address(client, call):
    for left in (4, 3, 2, 1, 0):
        answer = client.get("/api/v1/time")
        assert answer.status_code == 200
        assert (answer["RateLimit-Limit"], answer["RateLimit-Remaining"]) == ("5", str(left))
        assert 1 <= int(answer["RateLimit-Reset"]) <= WINDOW_S
    answer = client.get("/api/v1/time")
    assert (answer.status_code, json.loads(answer.content)["code"]) == (429, "rate_limited")
    assert int(answer["Retry-After"]) >= 1
    assert answer["RateLimit-Remaining"] == "0"
    assert client.get("/api/v1/time", REMOTE_ADDR="10.9.9.9").status_code == 200


def test_guessing_keys_is_counted_by_address(client, call):
    headers = {"PVX-KEY": "0" * 32, "PVX-TIMESTAMP": "1", "PVX-SIGN": "0"}
    statuses = [client.get("/api/v1/orders", headers=headers).status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2


def test_reads_by_account(call):
    read = call()
    statuses = [read("GET", "/account").status_code for _ in range(5)]
    assert statuses == [200] * 3 + [429] * 2


def test_writes_by_account_each_item_of_a_batch_counts(call):
    write = call()
    batch = json.dumps({"orders": [{}, {}, {}]}).encode()
    answer = write("POST", "/orders/batch", batch)
    assert (answer.status_code, answer["RateLimit-Remaining"]) == (200, "1")
    answer = write("POST", "/orders/batch", batch)
    assert (answer.status_code, json.loads(answer.content)["code"]) == (429, "rate_limited")
    answer = write("POST", "/orders", b"{}")
    assert (answer.status_code, answer["RateLimit-Remaining"]) == (400, "0")
    assert write("POST", "/orders", b"{}").status_code == 429
    assert write("GET", "/account").status_code == 200


def test_a_higher_tier(call):
    maker = call("maker")
    assert maker("GET", "/account")["RateLimit-Limit"] == "1000"
    assert maker("POST", "/orders", b"{}")["RateLimit-Limit"] == "1000"


def test_a_refused_write_has_used_its_signature(call, redis_client):
    """Over the limit, the signature is spent all the same: the client signs anew, which costs it nothing."""
    write = call()
    for _ in range(4):
        write("POST", "/orders", b"{}")
    assert write("POST", "/orders", b"{}").status_code == 429
    assert len(redis_client.keys("api:sig:*")) == 5
