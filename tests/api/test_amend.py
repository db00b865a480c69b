"""PATCH /orders/{id} and /orders/by-client-id/{client_id}."""

import pytest


def test_a_smaller_size_keeps_the_priority(alice):
    order = alice.place(size="0.003")
    amended = alice.patch(f"/orders/{order['id']}", {"size": "0.002"}).ok()
    assert (amended["kept_priority"], amended["size"], amended["remaining_size"]) == (True, "0.002", "0.002")
    stored = alice.caught_up(f"/orders/{order['id']}", amended["sequence"])
    assert (stored["size"], stored["status"]) == ("0.002", "open")


def test_a_better_price_trades(alice, bob):
    bob.place("sell", size="0.001")
    order = alice.place(price="59900", size="0.003")
    amended = alice.patch(f"/orders/{order['id']}", {"price": "60000"}).ok()
    assert (amended["kept_priority"], amended["status"], amended["filled_size"]) == (False, "partially_filled", "0.001")
    assert [(fill["size"], fill["liquidity"]) for fill in amended["fills"]] == [("0.001", "taker")]
    stored = alice.caught_up(f"/orders/{order['id']}", amended["sequence"]).body
    for name in set(stored) & set(amended.body):
        assert stored[name] == amended[name], name


def test_right_after_placing_by_either_id(alice):
    """The read model need not have the order yet."""
    for i in range(20):
        order = alice.place(client_id=f"am{i}-{alice._fresh_ms()}", price="59000", size="0.002")
        path = f"/orders/{order['id']}" if i % 2 else f"/orders/by-client-id/{order['client_id']}"
        assert alice.patch(path, {"size": "0.001"}).ok()["id"] == order["id"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid_request"), ({"price": None}, 400, "invalid_request"), ({"size": 1}, 400, "invalid_request"),
        ({"side": "sell"}, 400, "invalid_request"), ({"price": "NaN"}, 400, "invalid_number"),
        ({"price": "60000.01"}, 422, "price_not_on_tick"), ({"size": "0.000001"}, 422, "size_not_on_lot"),
        ({"size": "0"}, 422, "invalid_size"), ({"price": "9" * 50}, 422, "price_too_large"),
        ([], 400, "invalid_request"),
    ],
)  # fmt: skip
def test_refused_before_the_matcher(alice, head, body, status, code):
    order = alice.place(price="59000")
    before = head()
    answer = alice.patch(f"/orders/{order['id']}", body)
    assert (answer.status, answer.code) == (status, code)
    assert head() == before


@pytest.mark.parametrize(("body", "code"), [({"price": "90000"}, "price_band"), ({"size": "2000"}, "size_too_large")])
def test_refused_by_the_matcher(alice, body, code):
    order = alice.place(price="59000")
    answer = alice.patch(f"/orders/{order['id']}", body)
    assert (answer.status, answer.code) == (422, code)
    stored = alice.caught_up(f"/orders/{order['id']}", answer["sequence"])
    assert (stored["price"], stored["size"]) == ("59000", "0.001")


def test_not_mine_not_there_not_anymore(alice, bob):
    theirs = bob.place(price="59000")
    gone = alice.place(price="59000")
    alice.delete(f"/orders/{gone['id']}").ok()
    for path in (f"/orders/{theirs['id']}", f"/orders/{gone['id']}", "/orders/999999999", "/orders/by-client-id/none"):
        answer = alice.patch(path, {"size": "0.002"})
        assert (answer.status, answer.code) == (404, "unknown_order"), path
    assert bob.caught_up(f"/orders/{theirs['id']}", theirs["sequence"])["size"] == "0.001"


def test_a_waiting_stop_cannot_be_amended(alice):
    stop = alice.place("sell", price="59000", stop_price="59500")
    answer = alice.patch(f"/orders/{stop['id']}", {"size": "0.002"})
    assert (answer.status, answer.code) == (409, "not_amendable")
