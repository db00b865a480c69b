"""POST /orders/batch and /orders/batch-cancel."""

import pytest


def test_each_order_has_its_own_result(alice, bob):
    bob.place("sell", size="0.002")
    answer = alice.post(
        "/orders/batch",
        {
            "orders": [
                alice.order(size="0.001"),
                alice.order(price="NaN"),
                alice.order(market="XXX-YYY"),
                alice.order(price="59000", post_only=True),
                alice.order(size="1000.00001"),
                7,
                alice.order(size="0.001"),
            ]
        },
    ).ok()
    outcomes = [item["order"]["status"] if "order" in item else item["error"]["code"] for item in answer["results"]]
    assert outcomes == [
        "filled", "invalid_number", "unknown_market", "open", "size_too_large", "invalid_request", "filled",
    ]  # fmt: skip
    assert [len(item["order"]["fills"]) for item in answer["results"] if "order" in item] == [1, 0, 1]
    listed = alice.caught_up("/orders", answer["sequence"])["orders"]
    assert [order["id"] for order in listed] == [answer["results"][3]["order"]["id"]]


def test_five_hundred_at_once_and_gone_at_once(alice):
    bodies = [alice.order(price=f"{59_000 + i / 10:.1f}", size="0.0001") for i in range(500)]
    made = alice.post("/orders/batch", {"orders": bodies}).ok()
    ids = [item["order"]["id"] for item in made["results"]]
    assert ids == sorted(set(ids))
    assert len(ids) == 500
    gone = alice.post("/orders/batch-cancel", {"orders": [{"order_id": number} for number in ids]}).ok()
    assert {item["order"]["status"] for item in gone["results"]} == {"canceled"}
    assert alice.caught_up("/orders", gone["sequence"])["orders"] == []


def test_a_client_id_twice_in_a_batch_is_one_order(alice):
    body = alice.order(client_id=f"b{alice._fresh_ms()}")
    answer = alice.post("/orders/batch", {"orders": [body, body, body | {"size": "0.5"}]}).ok()
    first, second, third = answer["results"]
    assert second["order"] == first["order"] | {"duplicate": True}
    assert third["error"]["code"] == "client_order_id_reused"


def test_cancels_each_have_their_own_result(alice, bob):
    mine = alice.place(client_id=f"c{alice._fresh_ms()}")
    theirs = bob.place(price="59000")
    answer = alice.post(
        "/orders/batch-cancel",
        {"orders": [{"order_id": theirs["id"]}, {"client_id": mine["client_id"]}, {"order_id": mine["id"]}, {}, 1]},
    ).ok()
    outcomes = [item["order"]["status"] if "order" in item else item["error"]["code"] for item in answer["results"]]
    assert outcomes == ["unknown_order", "canceled", "unknown_order", "invalid_request", "invalid_request"]
    assert bob.caught_up(f"/orders/{theirs['id']}", answer["sequence"])["status"] == "open"


@pytest.mark.parametrize("path", ["/orders/batch", "/orders/batch-cancel"])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"orders": []}, "batch_too_large"),
        ({"orders": [{}] * 501}, "batch_too_large"),
        ({"orders": {}}, "invalid_request"),
        ({}, "invalid_request"),
        ([], "invalid_request"),
        ({"orders": [], "x": 1}, "invalid_request"),
    ],
)
def test_what_is_no_batch(alice, nothing_executed, path, body, code):
    answer = alice.post(path, body)
    assert (answer.status, answer.code) == (400, code)


def test_a_batch_of_nonsense_reaches_nobody(alice, nothing_executed):
    answer = alice.post("/orders/batch", {"orders": [{}, None, [], "x"]}).ok()
    assert {item["error"]["code"] for item in answer["results"]} == {"invalid_request"}
    assert answer["sequence"] == 0
