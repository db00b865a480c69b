"""Signed requests: what is taken, what is refused, and that a refused one leaves no trace."""

import time

import pytest
import redis

from accounts import auth, gate, keys, limits, network, services, signing
from accounts.problems import Problem
from exchange.embedded import Redis

NOW = 1_790_000_000_000
BODY = b'{"size":"1"}'
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(redis_client):
    keys.forget()
    return services.create_account(name="alice")


@pytest.fixture
def pair(account):
    return services.create_api_key(account=account, permissions=["read", "trade"])


def signed(pair, **changes):
    """Arguments of authenticate for a good request, with changes made after it was signed."""
    key, secret = pair
    window = changes.pop("signed_window", None)
    timestamp = changes.pop("timestamp_ms", NOW)
    arguments = {
        "key": key, "timestamp": str(timestamp), "window": None if window is None else str(window), "method": "POST",
        "signature": signing.sign(secret, timestamp, "POST", "/api/v1/orders?a=1", BODY, window),
        "path_with_query": "/api/v1/orders?a=1", "body": BODY, "ip": "10.0.0.7", "now_ms": NOW,
    }  # fmt: skip
    return arguments | changes


def refused(code, **arguments):
    with pytest.raises(Problem) as caught:
        auth.authenticate(**arguments)
    assert caught.value.code == code


def test_a_good_signature_names_the_caller(account, pair):
    caller = auth.authenticate(**signed(pair))
    assert caller.account_id == account.pk
    assert caller.permissions == {"read", "trade"}
    assert caller.deadline_us == (NOW + 5_000) * 1_000


def test_the_window_sets_the_deadline(pair):
    assert auth.authenticate(**signed(pair, signed_window=60_000)).deadline_us == (NOW + 60_000) * 1_000


@pytest.mark.parametrize(
    "change",
    [
        {"method": "GET"}, {"path_with_query": "/api/v1/orders?a=2"}, {"body": BODY + b" "}, {"body": b""},
        {"timestamp": str(NOW - 1)}, {"signature": ""}, {"signature": "00" * 32}, {"signature": "é" * 64},
        {"window": "60000"}, {"window": "4999"},
    ],
)  # fmt: skip
def test_whatever_is_changed_after_signing_is_noticed(pair, change):
    refused("invalid_signature", **signed(pair, **change))


def test_anothers_secret_does_not_fit(account, pair):
    _, secret = services.create_api_key(account=account, permissions=["read"])
    refused("invalid_signature", **signed((pair[0], secret)))


@pytest.mark.parametrize("key", ["", "unknown", "0" * 32, "\x00", "a" * 10_000, "' OR 1=1", "ключ"])
def test_an_unknown_key(pair, key):
    refused("invalid_key", **signed(pair, key=key))


@pytest.mark.parametrize("timestamp", ["", "now", "1e12", "1.5", "-5", "٣", "1_000", "9" * 16, " 5"])
def test_a_timestamp_is_digits(pair, timestamp):
    refused("invalid_timestamp", **signed(pair, timestamp=timestamp))


@pytest.mark.parametrize("window", ["0", "60001", "", "5s", "-1"])
def test_a_window_has_bounds(pair, window):
    refused("invalid_timestamp", **signed(pair, window=window))


def test_the_window_closes_to_the_millisecond(pair):
    auth.authenticate(**signed(pair, now_ms=NOW + 5_000))
    refused("signature_expired", **signed(pair, now_ms=NOW + 5_001))
    auth.authenticate(**signed(pair, now_ms=NOW + 7, signed_window=7))
    refused("signature_expired", **signed(pair, now_ms=NOW + 8, signed_window=7))


def test_a_clock_may_run_a_second_ahead(pair):
    auth.authenticate(**signed(pair, now_ms=NOW - 1_000))
    refused("invalid_timestamp", **signed(pair, now_ms=NOW - 1_001))


def test_the_allow_list(account):
    pair = services.create_api_key(account=account, permissions=["read"], ip_allow=["10.0.0.0/24", "2001:db8::/32"])
    auth.authenticate(**signed(pair, ip="10.0.0.7"))
    auth.authenticate(**signed(pair, ip="2001:db8::1"))
    for address in ("10.0.1.7", "2001:db9::1", "", "unix:"):
        refused("ip_not_allowed", **signed(pair, ip=address))


def test_a_revoked_key_is_refused(account, pair):
    services.revoke_api_key(account=account, key=pair[0])
    refused("invalid_key", **signed(pair))


def test_a_key_dies_with_its_user(django_user_model):
    user = django_user_model.objects.create_user("bob")
    pair = services.create_api_key(account=services.create_account(user=user), permissions=["read"])
    auth.authenticate(**signed(pair))
    user.is_active = False
    user.save()
    keys.forget()
    refused("invalid_key", **signed(pair))


# --- the gate


def test_a_signature_passes_once(pair, redis_client):
    caller = auth.authenticate(**signed(pair, signed_window=60_000))
    began_s = time.monotonic()
    gate.admit(caller, now_s=NOW / 1000)
    with pytest.raises(Problem) as caught:
        gate.admit(caller, now_s=NOW / 1000 + 59)
    assert caught.value.code == "signature_replayed"
    ttl_ms = redis_client.pttl(f"api:sig:{caller.signature}")
    passed_ms = (time.monotonic() - began_s) * 1_000
    assert 62_000 - passed_ms - 1 <= ttl_ms <= 62_000


def test_the_case_of_a_signature_makes_no_other_request(pair):
    arguments = signed(pair)
    gate.admit(auth.authenticate(**arguments), now_s=NOW / 1000)
    again = auth.authenticate(**arguments | {"signature": arguments["signature"].upper()})
    with pytest.raises(Problem) as caught:
        gate.admit(again, now_s=NOW / 1000)
    assert caught.value.code == "signature_replayed"


def test_a_process_with_a_cached_key_learns_of_its_end_at_the_next_write(account, pair, monkeypatch):
    monkeypatch.setattr(keys, "CACHE_S", 3_600.0)
    caller = auth.authenticate(**signed(pair))
    stale = keys._cache[pair[0]]
    services.revoke_api_key(account=account, key=pair[0])
    keys._cache[pair[0]] = stale
    auth.authenticate(**signed(pair))
    with pytest.raises(Problem) as caught:
        gate.admit(caller)
    assert caught.value.code == "invalid_key"
    assert keys.find(pair[0]) is None


def test_orders_are_counted_and_refused_ones_are_not(pair, settings):
    settings.RATE_LIMITS = {"standard": {"orders": (10, 10), "requests": (1, 10)}}
    start = NOW // 10_000 * 10
    callers = [auth.authenticate(**signed(pair, timestamp_ms=NOW + i)) for i in range(4)]
    assert gate.admit(callers[0], units=8, now_s=start)[:3] == (10, 2, 10)
    with pytest.raises(Problem) as caught:
        gate.admit(callers[1], units=3, now_s=start + 1)
    assert caught.value.code == "rate_limited"
    assert caught.value.headers["Retry-After"] == "9"
    assert gate.admit(callers[2], units=2, now_s=start + 2).remaining == 0
    assert gate.admit(callers[3], units=3, now_s=start + 10).remaining == 7


def test_requests_are_counted_in_the_process():
    limits.forget()
    limit = limits.Limit(2, 10**9)  # a window that does not end meanwhile
    assert limits.take("a", limit).remaining == 1
    assert limits.take("a", limit).remaining == 0
    with pytest.raises(Problem) as caught:
        limits.take("a", limit)
    assert caught.value.code == "rate_limited"
    assert limits.take("b", limit).remaining == 1


def test_the_gate_survives_a_restart_of_redis(pair, redis_client):
    """Its connections are gone, and so is the script that Redis had kept."""
    gate.admit(auth.authenticate(**signed(pair)))
    redis_client.script_flush()
    redis_client.client_kill_filter(_type="normal", skipme=True)
    gate.admit(auth.authenticate(**signed(pair, timestamp_ms=NOW + 1)))


@pytest.fixture
def own_redis(settings, tmp_path):
    server = Redis(tmp_path / "redis", name=f"g{tmp_path.stat().st_ino}")
    server.start()
    settings.REDIS_URL = server.url
    yield server
    server.stop()


def refused_as_stale(caller, *, now_ms):
    with pytest.raises(Problem) as caught:
        gate.admit(caller, now_s=now_ms / 1000)
    assert (caught.value.code, caught.value.status) == ("signature_stale", 401)


def test_what_a_restarted_redis_may_have_forgotten_is_refused(pair, own_redis):
    gate.begin_remembering(now_ms=NOW - 60_000)
    used = auth.authenticate(**signed(pair))
    gate.admit(used, now_s=NOW / 1000)
    own_redis.stop()
    own_redis.start()
    for _ in range(2):
        refused_as_stale(used, now_ms=NOW + 1_000)
    # It remembers since NOW + 1 s. Clocks run ahead: what was used before may carry a time three seconds later.
    edge = NOW + 1_000 + gate.UNSURE_MS
    refused_as_stale(auth.authenticate(**signed(pair, timestamp_ms=edge, now_ms=edge)), now_ms=edge)
    fresh = auth.authenticate(**signed(pair, timestamp_ms=edge + 1, now_ms=edge))
    gate.admit(fresh, now_s=edge / 1000)
    with pytest.raises(Problem) as caught:
        gate.admit(fresh, now_s=edge / 1000)
    assert caught.value.code == "signature_replayed"
    # A process that begins to serve later changes nothing about it.
    gate.begin_remembering(now_ms=edge + 10_000)
    gate.admit(auth.authenticate(**signed(pair, timestamp_ms=edge + 2, now_ms=edge)), now_s=edge / 1000)


def test_a_refusal_as_stale_counts_no_order(pair, own_redis, settings):
    settings.RATE_LIMITS = {"standard": {"orders": (1, 3_600), "requests": (1, 10)}}
    for i in range(3):
        refused_as_stale(auth.authenticate(**signed(pair, timestamp_ms=NOW + i)), now_ms=NOW)
    late = NOW + gate.UNSURE_MS + 1
    assert (
        gate.admit(auth.authenticate(**signed(pair, timestamp_ms=late, now_ms=late)), now_s=late / 1000).remaining == 0
    )


def test_without_redis_no_write_passes(pair, settings):
    caller = auth.authenticate(**signed(pair))
    settings.REDIS_URL = "unix:///nonexistent.sock"
    with pytest.raises(redis.RedisError):
        gate.admit(caller)


# --- proxies


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("9.9.9.9", "1.1.1.1", "9.9.9.9"),
        ("10.0.0.1", "1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "nonsense"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
    ],
)
def test_only_our_proxies_are_believed(settings, remote, forwarded, expected):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert network.client_ip(remote, forwarded) == expected


def test_without_proxies_the_header_means_nothing(settings):
    settings.TRUSTED_PROXIES = []
    assert network.client_ip("9.9.9.9", "1.1.1.1") == "9.9.9.9"
