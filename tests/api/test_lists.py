"""Conditional orders, icebergs and /order-lists: answers, reads, repetitions and every refusal."""

import pytest

SELL = {"market": "BTC-USDT", "side": "sell", "size": "0.002"}
LIMIT_LEG = {"side": "sell", "size": "0.002", "price": "60600", "post_only": True}
STOP_LEG = {"side": "sell", "size": "0.002", "type": "market", "stop_price": "59400"}


def oco(**more):
    return {"kind": "oco", "market": "BTC-USDT", "orders": [LIMIT_LEG, STOP_LEG]} | more


def otoco(**more):
    entry = {"side": "buy", "size": "0.002", "price": "59800"}
    return {"kind": "otoco", "market": "BTC-USDT", "orders": [entry, LIMIT_LEG, STOP_LEG]} | more


@pytest.fixture(autouse=True)
def last_price(alice, bob):
    """Each test begins with the last price at 60,000, and keeps near it: no breaker, no band."""
    alice.place("sell", "60000", "0.001")
    bob.place("buy", "60000", "0.001")


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (
            {"type": "market", "stop_price": "60600", "trigger": "take_profit"},
            ("waiting", "take_profit", "60600", None, None),
        ),
        ({"price": "59300", "stop_price": "59400", "trigger": "stop"}, ("waiting", "stop", "59400", None, None)),
        ({"type": "market", "trail_percent": "2.5"}, ("waiting", "stop", None, "2.5", None)),
        (
            {"price": "60000", "trail_percent": "0.0100", "stop_price": "60300", "trigger": "take_profit"},
            ("waiting", "take_profit", "60300", "0.01", None),
        ),
        ({"price": "60600", "display_size": "0.001"}, ("open", None, None, None, "0.001")),
    ],
)
def test_an_order_of_a_new_kind_is_answered_as_the_read_model_has_it(alice, body, shown):
    made = alice.post("/orders", SELL | body).ok(201)
    names = ("status", "trigger", "stop_price", "trail_percent", "display_size")
    assert tuple(made[name] for name in names) == shown
    stored = alice.caught_up(f"/orders/{made['id']}", made["sequence"]).body
    assert {name: made[name] for name in stored} == stored


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"price": "60600", "trail_percent": "0"}, "invalid_parameter"),
        ({"price": "60600", "trail_percent": "0.0099"}, "invalid_parameter"),
        ({"price": "60600", "trail_percent": "50.0001"}, "invalid_parameter"),
        ({"price": "60600", "trail_percent": "-1"}, "invalid_parameter"),
        ({"price": "60600", "trail_percent": "9" * 60}, "invalid_parameter"),
        ({"price": "60600", "trail_percent": "0.12345"}, "too_precise"),
        ({"price": "60600", "trail_percent": "1e1"}, "invalid_number"),
        ({"price": "60600", "display_size": "0"}, "invalid_size"),
        ({"price": "60600", "display_size": "0.000000001"}, "size_not_on_lot"),
        ({"price": "60600", "display_size": "9" * 60}, "size_too_large"),
        ({"price": "60600", "trigger": "profit"}, "invalid_request"),
    ],
)
def test_what_is_refused_before_the_matcher(alice, body, code, nothing_executed):
    assert alice.post("/orders", SELL | body).code == code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"price": "60600", "trigger": "take_profit"}, "invalid_parameter"),
        ({"type": "market", "display_size": "0.001"}, "invalid_parameter"),
        ({"price": "60600", "tif": "ioc", "display_size": "0.001"}, "invalid_parameter"),
        ({"price": "60600", "size": "1", "display_size": "0.001"}, "too_many_parts"),
        ({"type": "market", "stop_price": "59400", "trigger": "take_profit"}, "stop_would_trigger"),
    ],
)
def test_what_the_matcher_refuses(alice, body, code):
    before = alice.place("buy", "50000")["sequence"]
    orders = alice.caught_up("/orders", before)["orders"]
    answer = alice.post("/orders", SELL | body)
    assert answer.code == code
    assert alice.caught_up("/orders", answer["sequence"])["orders"] == orders


def test_a_pair_is_answered_as_the_read_model_has_it(alice):
    made = alice.post("/order-lists", oco(client_id="pair-1")).ok(201)
    assert (made["kind"], made["status"], made["client_id"], made["duplicate"]) == ("oco", "live", "pair-1", False)
    first, second = made["orders"]
    assert (first["status"], second["status"]) == ("open", "waiting")
    assert made["legs"] == [
        {"order_id": first["id"], "client_id": "pair-1.1"},
        {"order_id": second["id"], "client_id": "pair-1.2"},
    ]
    assert made["id"] == first["id"] == first["list_id"] == second["list_id"]
    stored = alice.caught_up(f"/order-lists/{made['id']}", made["sequence"]).body
    plain = {name: made[name] for name in stored if name != "orders"}
    assert {name: stored[name] for name in plain} == plain
    for leg, row in zip(made["orders"], stored["orders"], strict=True):
        assert {name: leg[name] for name in row} == row
    assert alice.get("/order-lists/by-client-id/pair-1").ok().body == stored
    assert alice.get("/order-lists").ok()["order_lists"] == [stored]


def test_a_trade_of_one_leg_ends_the_other(alice, bob):
    made = alice.post("/order-lists", oco()).ok(201)
    limit, stop = (leg["id"] for leg in made["orders"])
    taken = bob.place("buy", "60600", "0.001")
    assert [fill["order_id"] for fill in taken["fills"]] == [taken["id"]]
    stored = alice.caught_up(f"/order-lists/{made['id']}", taken["sequence"])
    assert stored["status"] == "ended"
    assert [(leg["id"], leg["status"], leg["done_reason"]) for leg in stored["orders"]] == [
        (limit, "partially_filled", None),
        (stop, "canceled", "list"),
    ]
    assert alice.get("/order-lists").ok()["order_lists"] == []
    assert alice.get("/order-lists?status=closed&limit=1").ok()["order_lists"] == [stored.body]
    # What is left is an ordinary order.
    assert alice.patch(f"/orders/{limit}", {"size": "0.0015"}).ok()["kept_priority"]
    assert alice.delete(f"/orders/{limit}").ok()["status"] == "canceled"


def test_pending_orders_come_when_the_first_is_filled(alice, bob):
    made = alice.post("/order-lists", otoco(client_id="entry")).ok(201)
    assert [leg["status"] for leg in made["orders"]] == ["open", "pending", "pending"]
    assert alice.patch(f"/orders/{made['id']}", {"size": "0.001"}).code == "not_amendable"
    taken = bob.place("sell", "59800", "0.002")
    stored = alice.caught_up(f"/order-lists/{made['id']}", taken["sequence"])
    assert stored["status"] == "live"
    assert [leg["status"] for leg in stored["orders"]] == ["filled", "open", "waiting"]
    canceled = alice.delete("/order-lists/by-client-id/entry").ok()
    assert canceled["order_ids"] == [leg["id"] for leg in made["orders"][1:]]


def test_canceling_a_list_ends_what_is_left_of_it(alice, bob):
    start = alice.place("buy", "50000")["sequence"]
    money = alice.balances(start)
    for body in (oco(), otoco()):
        made = alice.post("/order-lists", body).ok(201)
        answer = alice.delete(f"/order-lists/{made['id']}").ok()
        assert answer["order_ids"] == [leg["id"] for leg in made["orders"]]
        assert alice.balances(answer["sequence"]) == money
        stored = alice.caught_up(f"/order-lists/{made['id']}", answer["sequence"])
        assert sorted(leg["done_reason"] for leg in stored["orders"])[0] == "canceled"
        assert alice.delete(f"/order-lists/{made['id']}").code == "unknown_order"
    # Of others nothing is known, and nothing ends.
    made = alice.post("/order-lists", oco()).ok(201)
    assert bob.get(f"/order-lists/{made['id']}").code == "unknown_order"
    assert bob.delete(f"/order-lists/{made['id']}").code == "unknown_order"
    assert alice.caught_up(f"/order-lists/{made['id']}", made["sequence"])["status"] == "live"


def test_canceling_one_order_of_a_list_ends_the_others(alice):
    made = alice.post("/order-lists", otoco()).ok(201)
    last = made["orders"][2]["id"]
    canceled = alice.delete(f"/orders/{last}").ok()
    assert (canceled["id"], canceled["done_reason"]) == (last, "canceled")
    stored = alice.caught_up(f"/order-lists/{made['id']}", canceled["sequence"])
    assert [leg["done_reason"] for leg in stored["orders"]] == ["list", "list", "canceled"]


def test_the_same_list_again_is_not_placed_again(alice):
    made = alice.post("/order-lists", oco(client_id="once")).ok(201)
    again = alice.post("/order-lists", oco(client_id="once")).ok(200)
    assert again["duplicate"] is True
    assert {**again.body, "duplicate": False} == {**made.body, "orders": again["orders"]}
    assert [leg["id"] for leg in again["orders"]] == [leg["id"] for leg in made["orders"]]
    other = oco(client_id="once", orders=[LIMIT_LEG | {"price": "60601"}, STOP_LEG])
    assert alice.post("/order-lists", other).code == "client_order_id_reused"
    stored = alice.caught_up("/orders", made["sequence"])["orders"]
    assert sorted(order["id"] for order in stored) == [leg["id"] for leg in made["orders"]]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (oco(orders=[LIMIT_LEG, LIMIT_LEG]), "invalid_list"),
        (oco(orders=[LIMIT_LEG | {"post_only": False}, STOP_LEG]), "invalid_list"),
        (oco(orders=[LIMIT_LEG, STOP_LEG | {"size": "0.003"}]), "invalid_list"),
        (oco(orders=[LIMIT_LEG, STOP_LEG | {"side": "buy"}]), "invalid_list"),
        (oco(orders=[LIMIT_LEG, STOP_LEG | {"stop_price": "60700", "trigger": "take_profit"}]), "invalid_list"),
        (oco(orders=[LIMIT_LEG, STOP_LEG, STOP_LEG]), "invalid_parameter"),
        (otoco(kind="oto"), "invalid_parameter"),
        (oco(orders=[LIMIT_LEG]), "invalid_parameter"),
        (otoco(orders=[STOP_LEG, LIMIT_LEG, STOP_LEG]), "invalid_list"),
        (oco(orders=[LIMIT_LEG, STOP_LEG | {"stop_price": "60400"}]), "stop_would_trigger"),
    ],
)
def test_a_refused_list_places_nothing(alice, body, code):
    before = alice.place("buy", "50000")["sequence"]
    orders, money = alice.caught_up("/orders", before)["orders"], alice.balances(before)
    answer = alice.post("/order-lists", body)
    assert answer.code == code
    assert alice.caught_up("/orders", answer["sequence"])["orders"] == orders
    assert alice.balances(answer["sequence"]) == money


def test_a_list_beyond_what_is_available_places_nothing(make_trader):
    poor = make_trader("api-poor-in-coins", BTC="0.0019")
    for body, code in ((oco(), "insufficient_balance"), (otoco(), "insufficient_balance")):
        answer = poor.post("/order-lists", body)
        assert answer.code == code
        assert poor.caught_up("/orders?status=all", answer["sequence"])["orders"] == []
        assert poor.balances(answer["sequence"]) == {"BTC": ("0.0019", "0")}


@pytest.mark.parametrize(
    "body",
    [None, [], {}, oco(kind="all"), oco(orders=[]), oco(orders="x"), oco(extra=1), oco(client_id="x" * 63)],
)
def test_what_is_no_list_does_not_reach_the_matcher(alice, body, nothing_executed):
    assert alice.post("/order-lists", raw=b"null" if body is None else None, body=body).code == "invalid_request"


@pytest.mark.parametrize("name", ["0", "9" * 30, "by-client-id/nobody", "by-client-id/%00", "-1"])
def test_a_list_that_is_not_there(alice, name, nothing_executed):
    assert alice.get(f"/order-lists/{name}").status == 404
    assert alice.delete(f"/order-lists/{name}").status == 404


def test_lists_come_in_pages(alice):
    ids = [alice.post("/order-lists", oco()).ok(201)["id"] for _ in range(3)]
    sequence = alice.place("buy", "50000")["sequence"]
    first = alice.caught_up("/order-lists?limit=2", sequence)
    assert [one["id"] for one in first["order_lists"]] == ids[:0:-1]
    rest = alice.get(f"/order-lists?limit=2&cursor={first['next_cursor']}").ok()
    assert ([one["id"] for one in rest["order_lists"]], rest["next_cursor"]) == (ids[:1], None)
    assert alice.get("/order-lists?market=ETH-BTC").ok()["order_lists"] == []
    assert alice.get("/order-lists?market=ETH-XXX").code == "unknown_market"


def test_what_an_account_pays(alice):
    answer = alice.get("/fees").ok()
    assert answer["tier"] == 0
    assert {row["market"]: (row["maker_percent"], row["taker_percent"]) for row in answer["fees"]}["BTC-USDT"] == (
        "0.1",
        "0.15",
    )
    assert alice.get("/fees?market=x").code == "invalid_request"
