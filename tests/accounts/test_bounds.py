"""What strangers can make the exchange keep, and ask of its database, has bounds that nobody else feels."""

import re

import pytest
from django.contrib.auth import SESSION_KEY
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import failures, keys, limits, network, services
from accounts.api import answers
from accounts.api.answers import Answers
from accounts.limits import Limit
from accounts.problems import Problem
from accounts.sessions import SessionStore

# No window of theirs ends while a test runs.
WINDOW_S = 10**9
TWO = Limit(2, WINDOW_S)


@pytest.fixture
def fresh(redis_client, monkeypatch):
    monkeypatch.setattr(failures, "FAILURES", Limit(5, WINDOW_S))
    keys.forget()
    limits.forget()
    yield
    keys.forget()
    limits.forget()


def is_refused(name):
    try:
        limits.take(name, TWO)
    except Problem as problem:
        return problem.code == "rate_limited"
    return False


def test_many_names_set_only_the_quiet_free(monkeypatch):
    limits.forget()
    monkeypatch.setattr(limits, "COUNTERS_MAX", 100)
    for name in ("quiet", "late"):
        limits.take(name, TWO, 2)
        for guess in range(99):
            limits.take(f"{name} {guess}", TWO)
    assert is_refused("late")
    assert not is_refused("quiet")
    limits.forget()


def test_whoever_is_counted_all_the_time_is_not_forgotten(monkeypatch):
    limits.forget()
    monkeypatch.setattr(limits, "COUNTERS_MAX", 100)
    steady = Limit(10_000, WINDOW_S)
    for guess in range(1_000):
        limits.take(f"guess {guess}", TWO)
        left = limits.take("steady", steady).remaining
    assert left == 10_000 - 1_000
    assert len(limits._counters) == 100
    limits.forget()


def test_a_subscriber_of_ipv6_is_one_caller(settings):
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"public": {"requests": (2, WINDOW_S)}}
    limits.forget()
    limits.take_public("2001:db8:1:1::1")
    limits.take_public("2001:db8:1:1::2")
    with pytest.raises(Problem, match="rate_limited"):
        limits.take_public("2001:db8:1:1:ffff::3")
    assert limits.take_public("2001:db8:1:2::1").remaining == 1
    limits.forget()


@pytest.mark.parametrize(
    ("address", "party"),
    [
        ("203.0.113.7", "203.0.113.7"), ("2001:db8:1:1:2:3:4:5", "2001:db8:1:1::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"), ("", ""), ("x" * 1_000, "x" * 64), ("fe80::1%eth0", "fe80::/64"),
    ],
)  # fmt: skip
def test_whom_an_address_stands_for(address, party):
    assert network.party(address) == party


# --- keys and sessions that nobody has


@pytest.mark.django_db(transaction=True)
def test_guessed_keys_cost_few_queries_and_then_none(fresh):
    pair = services.create_api_key(account=services.create_account(name="alice"), permissions=["read"])
    with CaptureQueriesContext(connection) as asked:
        codes = []
        for guess in range(50):
            try:
                codes.append(keys.find(f"{guess:032x}", address="203.0.113.7"))
            except Problem as problem:
                codes.append(problem.code)
    assert codes == [None] * 5 + ["rate_limited"] * 45
    assert len(asked) == 5
    # Another address is not held up, and at the guesser's a key that this process knows is not either.
    assert keys.find(pair[0], address="198.51.100.1") is not None
    assert keys.find(pair[0], address="203.0.113.7") is not None


@pytest.mark.django_db(transaction=True)
def test_guesses_push_no_known_key_out(fresh, monkeypatch):
    monkeypatch.setattr(keys, "CACHE_KEYS_MAX", 10)
    monkeypatch.setattr(keys, "CACHE_S", 3_600.0)
    pair = services.create_api_key(account=services.create_account(name="alice"), permissions=["read"])
    known = keys.find(pair[0])
    for guess in range(100):
        assert keys.find(f"{guess:032x}") is None
    with CaptureQueriesContext(connection) as asked:
        assert keys.find(pair[0]) is known
        assert keys.find(f"{99:032x}") is None
    assert len(asked) == 0
    assert len(keys._unknown) == 10


BAD_COOKIES = ["\x00" * 32, "a\x00" * 16, "x" * 7, "x" * 65, "X" * 32, "é" * 32, "'" * 32, "../" * 11, "a" * 100_000]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("cookie", BAD_COOKIES, ids=[repr(cookie[:9]) for cookie in BAD_COOKIES])
@pytest.mark.parametrize("path", ["/api/v1/account", "/accounts/login/", "/keys/"])
def test_a_session_cookie_that_is_none_is_nobodys(fresh, path, cookie):
    client = Client()
    client.cookies["sessionid"] = ""
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(path, headers={"Cookie": f"sessionid={cookie}"})
    assert answer.status_code == {"/api/v1/account": 401, "/accounts/login/": 200, "/keys/": 302}[path]
    assert [query for query in asked.captured_queries if "django_session" in query["sql"]] == []


@pytest.mark.django_db(transaction=True)
def test_guessed_sessions_cost_few_queries_and_then_none(fresh):
    client = Client()
    with CaptureQueriesContext(connection) as asked:
        codes = [
            client.get("/api/v1/account", headers={"Cookie": f"sessionid={guess:032x}"}).status_code
            for guess in range(20)
        ]
    assert codes == [401] * 5 + [429] * 15
    assert len([query for query in asked.captured_queries if "django_session" in query["sql"]]) == 5


@pytest.mark.django_db(transaction=True)
def test_our_own_sessions_have_keys_of_that_form(fresh):
    store = SessionStore()
    store[SESSION_KEY] = "1"
    store.save()
    assert re.fullmatch(r"[a-z0-9]{32}", store.session_key)
    assert SessionStore(store.session_key)[SESSION_KEY] == "1"


# --- answers kept for a moment


def test_kept_answers_are_bounded_by_their_bytes(monkeypatch):
    monkeypatch.setattr(answers, "BYTES_MAX", 100_000)
    kept = Answers()
    kept.keep("/hot", b"hot", 3_600)
    for spelling in range(1_000):
        assert kept.get("/hot") == b"hot"
        kept.keep(f"/depth?limit={spelling:0100d}", b"x" * 1_000, 3_600)
    assert len(kept) <= 100_000 // 1_500 + 1
    assert kept.get(f"/depth?limit={999:0100d}") == b"x" * 1_000
    assert kept.get(f"/depth?limit={0:0100d}") is None


def test_an_answer_is_good_for_its_time_and_not_kept_when_huge(monkeypatch):
    kept = Answers()
    kept.keep("/a", b"a", -1)
    assert kept.get("/a") is None
    assert len(kept) == 0
    kept.keep("/b", b"x" * answers.BYTES_MAX, 3_600)
    assert kept.get("/b") is None
