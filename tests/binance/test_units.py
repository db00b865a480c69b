"""Parts of the dialect by themselves: parameters, texts, weights and bans."""

import pytest
from django.test import Client

from accounts.binance import endpoint, params, weights
from accounts.binance.amounts import amount_text, fixed
from accounts.binance.auth import signed_text
from accounts.binance.errors import Refusal, refusal_of
from accounts.problems import Problem
from matching.gateway import GatewayBusy, GatewayTimeout
from orders.binance import intervals, reads, trading, words
from orders.binance.tickers import percent
from orders.models import Order
from orders.requests import OrderName


@pytest.mark.parametrize(
    ("query", "body", "text"),
    [
        ("a=1&b=2&signature=x", "", b"a=1&b=2"),
        ("signature=x&a=1", "", b"a=1"),
        ("a=1&signature=x&b=2", "", b"a=1&b=2"),
        ("a=1", "b=2&signature=x", b"a=1b=2"),
        ("a=1&signature=x", "b=2", b"a=1b=2"),
        ("a=%20+1", "", b"a=%20+1"),
        ("", "", b""),
    ],
)
def test_the_text_that_is_signed(query, body, text):
    assert signed_text(query, body) == text


def test_parameters_of_a_query_and_a_form():
    assert params.parse("a=1&b=%2B+x&signature=a+b%2Fc", "c=3") == {
        "a": "1",
        "b": "+ x",
        "signature": "a+b/c",
        "c": "3",
    }
    assert params.parse("a=1", "a=2&b=") == {"a": "1", "b": ""}
    for twice in (("a=1&a=1", ""), ("", "a=1&a=2")):
        with pytest.raises(Refusal) as caught:
            params.parse(*twice)
        assert caught.value.code == -1101


def test_parameters_of_a_socket():
    assert params.of_json({"a": 1, "b": 0.00001, "c": True, "d": "x", "e": ["A", "B"]}) == {
        "a": "1", "b": "0.00001", "c": "true", "d": "x", "e": '["A","B"]',
    }  # fmt: skip
    for odd in (None, {}, [1], float("nan")):
        with pytest.raises(Refusal):
            params.read(params.of_json({"a": odd}), {"a": params.decimal})


@pytest.mark.parametrize(
    ("text", "shown"), [("1", "1.00000000"), ("0.5", "0.50000000"), ("1.123456789", "1.123456789")]
)
def test_amounts_have_eight_decimals(text, shown):
    assert fixed(text) == shown
    assert amount_text(0, 18) == "0.00000000"
    assert amount_text(5, 18) == "0.000000000000000005"


@pytest.mark.parametrize(
    ("of", "name"),
    [
        ((0, 0, 0, 0, False), "LIMIT"), ((0, 0, 0, 0, True), "LIMIT_MAKER"), ((1, 0, 0, 0, False), "MARKET"),
        ((1, 5, 0, 0, False), "STOP_LOSS"), ((0, 5, 0, 0, False), "STOP_LOSS_LIMIT"),
        ((1, 5, 0, 1, False), "TAKE_PROFIT"), ((0, 0, 100, 1, False), "TAKE_PROFIT_LIMIT"),
    ],
)  # fmt: skip
def test_order_types(of, name):
    type, stop, trail, trigger, post_only = of
    assert words.order_type(type=type, stop=stop, trail=trail, trigger=trigger, post_only=post_only) == name


@pytest.mark.parametrize(
    ("of", "name"),
    [
        (("open", "", 0), "NEW"), (("open", "", 1), "PARTIALLY_FILLED"), (("waiting", "", 0), "NEW"),
        (("pending", "", 0), "PENDING_NEW"), (("filled", "filled", 1), "FILLED"),
        (("canceled", "unfilled", 1), "EXPIRED"),
        (("canceled", "stp", 0), "EXPIRED_IN_MATCH"), (("canceled", "list", 0), "EXPIRED"),
        (("canceled", "replaced", 0), "CANCELED"), (("canceled", "refused", 0), "REJECTED"),
    ],
)  # fmt: skip
def test_statuses(of, name):
    assert words.status(*of) == name


@pytest.mark.parametrize("interval", intervals.NAMES)
def test_intervals_follow_on_each_other(interval):
    time_ms = 1_709_200_800_000  # 2024-02-29
    at = intervals.opened(time_ms, interval)
    following = intervals.moved(at, interval, 1)
    assert at <= time_ms < following
    assert intervals.opened(at, interval) == intervals.opened(following - 1, interval) == at
    assert intervals.moved(following, interval, -1) == at
    # A kept one that begins within it ends within it.
    kept = intervals.stored(interval)
    assert kept in intervals.MADE_OF.values() or kept == interval
    assert intervals.opened(at, kept) == at
    assert intervals.opened(following, kept) == following


def test_months_and_weeks_begin_where_they_should():
    assert intervals.opened(1_709_200_800_000, "1M") == 1_706_745_600_000  # 2024-02-01
    assert intervals.moved(1_706_745_600_000, "1M", 1) == 1_709_251_200_000  # 2024-03-01
    assert intervals.moved(1_706_745_600_000, "1M", -14) == 1_669_852_800_000  # 2022-12-01
    assert intervals.opened(4 * intervals.DAY, "1w") == 4 * intervals.DAY
    assert intervals.opened(1_709_200_800_000, "1w") == 1_708_905_600_000  # Monday, 2024-02-26


def test_percents():
    from decimal import Decimal

    assert percent(Decimal(110), Decimal(100)) == "10.000"
    assert percent(Decimal(0), Decimal(0)) == "0.000"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (GatewayBusy("x"), 503, -1008), (GatewayTimeout("x"), 504, -1007), (Problem("unavailable"), 503, -1001),
        (ValueError("secret"), 500, -1000), (Problem("deadline_passed"), 400, -1021),
    ],
)  # fmt: skip
def test_trouble_of_ours(error, status, code):
    refusal = refusal_of(error, "place")
    assert (refusal.status, refusal.code) == (status, code)
    assert "secret" not in refusal.msg


@pytest.fixture
def counting(settings):
    settings.BINANCE_WEIGHT_PER_MINUTE = 10
    weights.forget()
    endpoint.forget()
    yield Client()
    weights.forget()


def test_too_much_weight_is_429_and_going_on_is_418(counting, monkeypatch):
    now = [6_000_000_000.0]
    monkeypatch.setattr(weights.time, "time", lambda: now[0])
    used = [counting.get("/api/v3/ping").headers["X-MBX-USED-WEIGHT-1M"] for _ in range(10)]
    assert used == [str(number) for number in range(1, 11)]
    for _ in range(weights.REFUSED_MAX):
        refused = counting.get("/api/v3/ping")
        assert (refused.status_code, refused.json()["code"], refused.headers["Retry-After"]) == (429, -1003, "61")
        assert "current limit is 10 request weight per 1 MINUTE" in refused.json()["msg"]
    banned = counting.get("/api/v3/ping")
    assert (banned.status_code, banned.json()["code"]) == (418, -1003)
    assert int(banned.headers["Retry-After"]) == weights.BAN_S_FIRST + 1
    assert f"IP banned until {int((now[0] + weights.BAN_S_FIRST) * 1000)}." in banned.json()["msg"]
    # Others are served, and so is the same one once the ban is over; a second ban is longer.
    assert counting.get("/api/v3/ping", REMOTE_ADDR="203.0.113.9").status_code == 200
    now[0] += weights.BAN_S_FIRST
    assert counting.get("/api/v3/ping").status_code == 200
    codes = [counting.get("/api/v3/ping").status_code for _ in range(weights.REFUSED_MAX + 10)]
    assert codes[-1] == 418
    assert int(counting.get("/api/v3/ping").headers["Retry-After"]) == 2 * weights.BAN_S_FIRST + 1


def test_a_new_minute_begins_at_zero(counting, monkeypatch):
    now = [6_000_000_059.0]
    monkeypatch.setattr(weights.time, "time", lambda: now[0])
    assert [counting.get("/api/v3/ping").status_code for _ in range(12)] == [200] * 10 + [429] * 2
    now[0] += 1
    assert counting.get("/api/v3/ping").headers["X-MBX-USED-WEIGHT-1M"] == "1"


def test_one_subscriber_of_ipv6_is_one(counting, monkeypatch):
    monkeypatch.setattr(weights.time, "time", lambda: 6_000_000_000.0)
    for number in range(10):
        assert counting.get("/api/v3/ping", REMOTE_ADDR=f"2001:db8::{number}").status_code == 200
    assert counting.get("/api/v3/ping", REMOTE_ADDR="2001:db8::ffff").status_code == 429


def test_a_step_of_unknown_outcome_is_told_as_that():
    told = {}
    with pytest.raises(Refusal) as caught:
        trading._tell_failure(told, "cancel", "cancel", GatewayTimeout("x"))
    assert (caught.value.code, caught.value.status, caught.value.data) == (-1007, 504, told)
    assert told["cancelResult"] == "UNKNOWN"
    trading._tell_failure(told, "newOrder", "place", Problem("insufficient_balance"))
    assert (told["newOrderResult"], told["newOrderResponse"]["code"]) == ("FAILURE", -2010)


@pytest.mark.parametrize("name", ["\ud800", "a\x00", "\n"])
def test_names_that_cannot_be_printed_are_refused(name):
    with pytest.raises(Refusal) as caught:
        params.of_json({name: None})
    assert caught.value.code == -1100
    assert caught.value.document()["msg"].isprintable()


def test_a_name_that_only_a_closed_order_has_is_left_to_the_matcher(monkeypatch):
    """It may be a new order's by now; conditions are the matcher's to judge anyway."""
    closed = Order(id=5, status=Order.Status.CANCELED)
    monkeypatch.setattr(reads, "find_order", lambda **_: closed)
    name, market = OrderName(client_id="x"), type("Market", (), {"id": 1})()
    assert trading.named_to_cancel(7, market, name) == (None, name)
    closed.status = Order.Status.OPEN
    assert trading.named_to_cancel(7, market, name) == (closed, OrderName(order_id=5))


def test_an_order_stored_between_two_looks_is_found(monkeypatch):
    market, name = type("Market", (), {"id": 1})(), OrderName(client_id="mine")
    stored = Order(id=5, status=Order.Status.OPEN)
    answers = iter([Problem("unknown_order"), stored])

    def find_order(**_):
        answer = next(answers)
        if isinstance(answer, Problem):
            raise answer
        return answer

    monkeypatch.setattr(reads, "find_order", find_order)
    monkeypatch.setattr(reads, "is_known", lambda *_: True)
    assert trading.named_to_cancel(7, market, name) == (stored, OrderName(order_id=5))
