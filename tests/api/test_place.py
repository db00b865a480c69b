"""POST /orders: every kind of order, its answer, and every refusal."""

from decimal import Decimal

import pytest

from tests.api.conftest import PRICE


def test_an_order_rests(alice):
    made = alice.place(client_id="a-1")
    assert made["status"] == "open"
    assert (made["market"], made["side"], made["type"], made["tif"]) == ("BTC-USDT", "buy", "limit", "gtc")
    assert (made["price"], made["size"], made["remaining_size"], made["filled_size"]) == (
        "60000",
        "0.001",
        "0.001",
        "0",
    )
    assert (made["fills"], made["duplicate"], made["average_price"], made["client_id"]) == ([], False, None, "a-1")
    assert int(made.headers["X-Sequence"]) == made["sequence"]


def test_a_taker_gets_its_fills_at_once(alice, bob):
    maker = bob.place("sell", size="0.002")
    taken = alice.place("buy", "60100", "0.003")
    assert (taken["status"], taken["filled_size"], taken["remaining_size"]) == ("partially_filled", "0.002", "0.001")
    assert (taken["average_price"], taken["filled_quote"], taken["fee_asset"]) == ("60000", "120", "BTC")
    (fill,) = taken["fills"]
    assert (fill["price"], fill["size"], fill["quote"], fill["liquidity"]) == ("60000", "0.002", "120", "taker")
    assert (fill["order_id"], fill["fee"], fill["fee_asset"]) == (taken["id"], "0.000003", "BTC")
    filled = bob.caught_up(f"/orders/{maker['id']}", taken["sequence"])
    assert (filled["status"], filled["filled_size"], filled["fee"], filled["fee_asset"]) == (
        "filled",
        "0.002",
        "0.12",
        "USDT",
    )


def test_the_answer_equals_what_the_read_model_says_later(alice, bob):
    """Without waiting for the projection, the same order to the last field."""
    bob.place("sell", size="0.002")
    bodies = [
        alice.order(price="60100", size="0.003", client_id="eq-1"),
        alice.order(price="59000", size="0.003", post_only=True, client_id="eq-2"),
        alice.order(price="60100", size="0.003", tif="ioc"),
        alice.order("sell", price="59000", size="0.003", stop_price="59500", stp="cancel_both"),
        alice.order(price="59000", size="0.003", tif="gtd", expires_at=4_000_000_000_000),
        {"market": "BTC-USDT", "side": "sell", "type": "market", "size": "0.001"},
        {"market": "BTC-USDT", "side": "sell", "type": "market", "quote_amount": "30"},
    ]
    for body in bodies:
        made = alice.post("/orders", body).ok(201).body
        stored = alice.caught_up(f"/orders/{made['id']}", made["sequence"]).body
        assert {name: made[name] for name in stored} == stored


def test_money_moves_as_the_answer_says(alice, bob):
    start = bob.place("sell", size="0.002")["sequence"]
    before = {trader.account: trader.balances(start) for trader in (alice, bob)}
    taken = alice.place("buy", size="0.001")
    after = {trader.account: trader.balances(taken["sequence"]) for trader in (alice, bob)}

    def change(trader, asset, which):
        return Decimal(after[trader.account][asset][which]) - Decimal(before[trader.account][asset][which])

    assert (change(alice, "BTC", 0), change(alice, "USDT", 0)) == (Decimal("0.0009985"), -60)
    assert (change(bob, "BTC", 1), change(bob, "USDT", 0)) == (Decimal("-0.001"), Decimal("59.94"))


@pytest.mark.parametrize("field", ["size", "quote_amount"])
def test_market_orders_by_size_and_by_amount(alice, bob, field):
    bob.place("sell", size="0.002")
    asked = {"size": "0.001", "quote_amount": "60"}[field]
    taken = alice.post("/orders", {"market": "BTC-USDT", "side": "buy", "type": "market", field: asked}).ok(201)
    assert (taken["status"], taken["done_reason"], taken["filled_size"], taken["price"]) == (
        "filled",
        "filled",
        "0.001",
        None,
    )


def test_a_market_order_without_a_market(alice):
    taken = alice.post("/orders", {"market": "BTC-USDT", "side": "buy", "type": "market", "size": "0.001"}).ok(201)
    assert (taken["status"], taken["done_reason"], taken["fills"]) == ("canceled", "unfilled", [])


def test_fill_or_kill(alice, bob):
    bob.place("sell", size="0.002")
    killed = alice.place("buy", size="0.003", tif="fok")
    assert (killed["status"], killed["done_reason"], killed["fills"]) == ("canceled", "fok", [])
    assert alice.place("buy", size="0.002", tif="fok")["status"] == "filled"


def test_a_stop_waits_and_can_be_canceled(alice):
    stop = alice.place("sell", price="59000", stop_price="59500")
    assert (stop["status"], stop["stop_price"]) == ("waiting", "59500")
    assert alice.delete(f"/orders/{stop['id']}").ok()["status"] == "canceled"


def test_self_trade_prevention(alice):
    mine = alice.place("sell")
    refused = alice.place("buy", stp="cancel_newest")
    assert (refused["status"], refused["done_reason"]) == ("canceled", "stp")
    assert alice.caught_up(f"/orders/{mine['id']}", refused["sequence"])["status"] == "open"


REFUSED_AT_THE_EDGE = [
    ({"market": "XXX-YYY"}, 404, "unknown_market"),
    ({"market": "btc_usdt"}, 400, "invalid_request"),
    ({"price": "60000.05"}, 422, "price_not_on_tick"),
    ({"size": "0.000001"}, 422, "size_not_on_lot"),
    ({"price": "0"}, 422, "invalid_price"),
    ({"price": "-1"}, 422, "invalid_price"),
    ({"stop_price": "0"}, 422, "invalid_price"),
    ({"size": "0"}, 422, "invalid_size"),
    ({"size": "-0.001"}, 422, "invalid_size"),
    ({"quote_amount": "0"}, 422, "invalid_amount"),
    ({"quote_amount": "0.0000001"}, 422, "too_precise"),
    ({"price": "9" * 60}, 422, "price_too_large"),
    ({"size": "9" * 60}, 422, "size_too_large"),
    ({"quote_amount": "9" * 60}, 422, "notional_too_large"),
    ({"price": "9" * 400}, 400, "invalid_number"),
    ({"size": "0." + "0" * 400 + "1"}, 400, "invalid_number"),
    ({"price": "NaN"}, 400, "invalid_number"),
    ({"price": "6e4"}, 400, "invalid_number"),
    ({"price": "Infinity"}, 400, "invalid_number"),
    ({"price": "1e5"}, 400, "invalid_number"),
    ({"size": ""}, 400, "invalid_number"),
    ({"price": 60000}, 400, "invalid_request"),
    ({"price": 60000.5}, 400, "invalid_request"),
    ({"size": True}, 400, "invalid_request"),
    ({"size": ["0.001"]}, 400, "invalid_request"),
    ({"side": "up"}, 400, "invalid_request"),
    ({"post_only": 1}, 400, "invalid_request"),
    ({"client_id": "x" * 65}, 400, "invalid_request"),
    ({"client_id": "a\u0000b"}, 400, "invalid_request"),
    ({"expires_at": 2**60, "tif": "gtd"}, 400, "invalid_request"),
    ({"account": 1}, 400, "invalid_request"),
]


@pytest.mark.parametrize(("change", "status", "code"), REFUSED_AT_THE_EDGE)
def test_refused_before_the_matcher(alice, nothing_executed, change, status, code):
    answer = alice.post("/orders", alice.order() | change)
    assert (answer.status, answer.code) == (status, code)


REFUSED_BY_THE_MATCHER = [
    ({"size": "1000.00001"}, "size_too_large"),
    ({"price": "0.1", "size": "0.001"}, "notional_too_small"),
    ({"price": "28147497671065.5"}, "price_band"),
    ({"price": "10000"}, "price_band"),
    ({"price": "90000"}, "price_band"),
    ({"stop_price": "59000"}, "stop_would_trigger"),
    ({"tif": "gtd"}, "invalid_expiry"),
    ({"tif": "gtd", "expires_at": 1}, "invalid_expiry"),
    ({"quote_amount": "10"}, "invalid_parameter"),
    ({"type": "market"}, "invalid_parameter"),
    ({"post_only": True, "tif": "ioc"}, "invalid_parameter"),
    ({"expires_at": 4_000_000_000_000}, "invalid_parameter"),
]


@pytest.mark.parametrize(("change", "code"), REFUSED_BY_THE_MATCHER)
def test_refused_by_the_matcher(alice, head, change, code):
    held = alice.balances(head())
    answer = alice.post("/orders", alice.order() | change)
    assert (answer.status in (400, 422), answer.code) == (True, code)
    assert alice.balances(answer["sequence"]) == held
    assert alice.caught_up("/orders", answer["sequence"])["orders"] == []


def test_without_a_price_or_a_size(alice):
    assert alice.post("/orders", {"market": "BTC-USDT", "side": "buy", "size": "0.001"}).code == "invalid_price"
    assert alice.post("/orders", {"market": "BTC-USDT", "side": "buy", "price": "60000"}).code == "invalid_size"


def test_more_than_there_is(make_trader):
    poor = make_trader("api-poor", USDT="59.9")
    answer = poor.post("/orders", poor.order())
    assert (answer.status, answer.code) == (422, "insufficient_balance")
    assert poor.balances(answer["sequence"]) == {"USDT": ("59.9", "0")}


def test_post_only_does_not_take(alice, bob):
    bob.place("sell")
    answer = alice.post("/orders", alice.order(post_only=True))
    assert (answer.status, answer.code) == (422, "post_only_would_cross")


def test_a_repeated_client_id_gives_the_first_result(alice, bob):
    bob.place("sell", size="0.002")
    body = alice.order(size="0.001", client_id=f"twice-{alice._fresh_ms()}")
    first = alice.post("/orders", body).ok(201)
    bob.delete("/orders").ok()
    again = alice.post("/orders", body).ok(200)
    assert again["duplicate"] is True
    assert {**again.body, "duplicate": False} == first.body
    assert first["status"] == "filled"


def test_a_client_id_with_other_content_is_refused(alice):
    body = alice.order(client_id=f"other-{alice._fresh_ms()}")
    first = alice.post("/orders", body).ok(201)
    answer = alice.post("/orders", body | {"size": "0.002"})
    assert (answer.status, answer.code) == (409, "client_order_id_reused")
    listed = alice.caught_up("/orders", answer["sequence"])["orders"]
    assert [order["id"] for order in listed] == [first["id"]]


def test_anothers_client_id_is_none_of_mine(alice, bob):
    body = alice.order(client_id=f"mine-{alice._fresh_ms()}")
    first = alice.post("/orders", body).ok(201)
    second = bob.post("/orders", body).ok(201)
    assert first["id"] != second["id"]


def test_the_last_price_did_not_move(alice):
    """The tests of this package trade at one price, so that its bands hold for all."""
    ticker = alice.call("GET", "/markets/BTC-USDT/ticker", sign=False).ok()
    assert ticker["last"] == str(PRICE)
