"""DELETE of one order and of many, replace, and the dead-man switch."""

import pytest


def test_by_id_and_by_client_id(alice):
    one = alice.place(price="59000")
    two = alice.place(price="59000", client_id=f"x{alice._fresh_ms()}")
    gone = alice.delete(f"/orders/{one['id']}").ok()
    assert (gone["id"], gone["status"], gone["done_reason"], gone["remaining_size"]) == (
        one["id"], "canceled", "canceled", "0.001",
    )  # fmt: skip
    assert alice.delete(f"/orders/by-client-id/{two['client_id']}").ok()["id"] == two["id"]
    stored = alice.caught_up(f"/orders/{one['id']}", gone["sequence"])
    assert (stored["status"], stored["done_reason"]) == ("canceled", "canceled")


def test_the_hold_comes_back(alice):
    before = alice.balances(alice.delete("/orders").ok()["sequence"])
    order = alice.place()
    assert alice.balances(order["sequence"])["USDT"][1] == "60"
    gone = alice.delete(f"/orders/{order['id']}").ok()
    assert alice.balances(gone["sequence"]) == before


@pytest.mark.parametrize(
    "path", ["/orders/999999999", "/orders/by-client-id/none", "/orders/99999999999999999999", "/orders/0"]
)
def test_what_is_not_there(alice, path):
    answer = alice.delete(path)
    assert (answer.status, answer.code) == (404, "unknown_order")


def test_twice(alice):
    order = alice.place()
    alice.delete(f"/orders/{order['id']}").ok()
    assert alice.delete(f"/orders/{order['id']}").code == "unknown_order"


def test_anothers_order_stays(alice, bob):
    theirs = bob.place(price="59000", client_id=f"bob{bob._fresh_ms()}")
    for path in (f"/orders/{theirs['id']}", f"/orders/by-client-id/{theirs['client_id']}"):
        answer = alice.delete(path)
        assert (answer.status, answer.code) == (404, "unknown_order")
    assert bob.caught_up(f"/orders/{theirs['id']}", answer["sequence"])["status"] == "open"


def test_cancel_all_by_market_and_side(alice, bob):
    theirs = bob.place(price="59000")
    buy = alice.place(price="59000")
    sell = alice.place("sell", price="61000")
    other = alice.place(market="ETH-USDT", price="3000", size="0.01")
    assert alice.delete("/orders?market=BTC-USDT&side=sell").ok()["order_ids"] == [sell["id"]]
    assert alice.delete("/orders?market=BTC-USDT").ok()["order_ids"] == [buy["id"]]
    gone = alice.delete("/orders").ok()
    assert (gone["count"], gone["order_ids"]) == (1, [other["id"]])
    assert bob.caught_up(f"/orders/{theirs['id']}", gone["sequence"])["status"] == "open"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?markte=BTC-USDT", 400, "invalid_request"), ("?side=up", 400, "invalid_request"),
        ("?market=XXX-YYY", 404, "unknown_market"), ("?market=", 400, "invalid_request"),
    ],
)  # fmt: skip
def test_a_misspelt_filter_cancels_nothing(alice, head, query, status, code):
    order = alice.place(price="59000")
    before = head()
    answer = alice.delete(f"/orders{query}")
    assert (answer.status, answer.code) == (status, code)
    assert head() == before
    assert alice.caught_up(f"/orders/{order['id']}", before)["status"] == "open"


def test_replace(alice):
    old = alice.place(price="59000")
    new = alice.post(f"/orders/{old['id']}/replace", alice.order(price="59100", size="0.002")).ok(201)
    assert (new["replaced"], new["status"], new["size"]) == (old["id"], "open", "0.002")
    stored = alice.caught_up(f"/orders/{old['id']}", new["sequence"])
    assert (stored["status"], stored["done_reason"]) == ("canceled", "replaced")


def test_a_refused_replace_leaves_the_old_order(alice, bob):
    old = alice.place(price="59000")
    theirs = bob.place(price="59000")
    for path, body, code in [
        (f"/orders/{old['id']}/replace", alice.order(price="90000"), "price_band"),
        (f"/orders/{old['id']}/replace", alice.order(market="ETH-USDT", price="3000"), "invalid_parameter"),
        (f"/orders/{old['id']}/replace", alice.order(price="1.23456789"), "price_not_on_tick"),
        (f"/orders/{theirs['id']}/replace", alice.order(), "unknown_order"),
        ("/orders/999999999/replace", alice.order(), "unknown_order"),
    ]:
        assert alice.post(path, body).code == code
    sequence = alice.delete("/orders?side=sell").ok()["sequence"]
    assert [order["id"] for order in alice.caught_up("/orders", sequence)["orders"]] == [old["id"]]
    assert bob.caught_up(f"/orders/{theirs['id']}", sequence)["status"] == "open"


def test_the_dead_man_switch_fires(alice):
    order = alice.place(price="59000")
    armed = alice.post("/dead-man-switch", {"timeout_ms": 1}).ok()
    assert armed["fires_at"] > 0
    # Whatever comes next finds it due; the matcher's own timer would come by itself soon after.
    again = alice.post("/dead-man-switch", {"timeout_ms": 0}).ok()
    assert again["fires_at"] is None
    stored = alice.caught_up(f"/orders/{order['id']}", again["sequence"])
    assert (stored["status"], stored["done_reason"]) == ("canceled", "deadman")


def test_the_dead_man_switch_can_be_called_off(alice):
    order = alice.place(price="59000")
    alice.post("/dead-man-switch", {"timeout_ms": 60_000}).ok()
    off = alice.post("/dead-man-switch", {"timeout_ms": 0}).ok()
    assert off["fires_at"] is None
    assert alice.caught_up(f"/orders/{order['id']}", off["sequence"])["status"] == "open"


@pytest.mark.parametrize("timeout", [-1, 86_400_001, "1", 1.5, None])
def test_the_dead_man_switch_has_bounds(alice, nothing_executed, timeout):
    assert alice.post("/dead-man-switch", {"timeout_ms": timeout}).code == "invalid_request"
