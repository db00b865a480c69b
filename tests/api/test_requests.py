"""Requests as JSON: what is read, and what is refused by which code and field."""

import orjson
import pytest

from accounts.problems import Problem
from orders import requests
from orders.api import list_schema, schema

ORDER = {"market": "BTC-USDT", "side": "buy", "price": "60000.1", "size": "0.5"}


def refused(read, body):
    with pytest.raises(Problem) as caught:
        read(body)
    return caught.value.code, set(caught.value.extra.get("errors", {}))


def test_a_limit_order_is_gtc_unless_said():
    order = requests.read_order(ORDER)
    assert (order.type, order.tif, order.price, order.size, order.post_only) == (0, 0, "60000.1", "0.5", False)


def test_a_market_order_is_ioc_unless_said():
    order = requests.read_order({"market": "BTC-USDT", "side": "sell", "type": "market", "size": "1"})
    assert (order.side, order.type, order.tif, order.price) == (1, 1, 1, None)


def test_null_is_as_good_as_missing():
    assert requests.read_order(ORDER | {"client_id": None, "stop_price": None}) == requests.read_order(ORDER)


def test_fields_are_those_of_the_document():
    assert set(requests.ORDER) == set(schema.NewOrder().fields)
    assert set(requests.AMEND) == set(schema.Amend().fields)
    assert set(requests.NAME) == set(schema.OrderName().fields)
    assert set(requests.LIST) == set(list_schema.NewList().fields)
    assert set(requests.DEAD_MAN) == set(schema.DeadManSwitch().fields)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"market": 1}, "market"), ({"market": "btc-usdt"}, "market"), ({"market": "BTCUSDT"}, "market"),
        ({"market": None}, "market"), ({"market": "BTC-USDT\n"}, "market"), ({"market": "X" * 1000}, "market"),
        ({"side": "BUY"}, "side"), ({"side": 0}, "side"), ({"side": True}, "side"), ({"side": ["buy"]}, "side"),
        ({"trigger": "take-profit"}, "trigger"), ({"trigger": 1}, "trigger"), ({"trail_percent": 1.5}, "trail_percent"),
        ({"display_size": 1}, "display_size"), ({"list_id": 1}, "list_id"),
        ({"type": "stop"}, "type"), ({"tif": "day"}, "tif"), ({"stp": 1}, "stp"),
        ({"price": 60000}, "price"), ({"price": 60000.1}, "price"), ({"price": True}, "price"),
        ({"price": ["1"]}, "price"), ({"size": {"a": 1}}, "size"), ({"size": 1}, "size"),
        ({"post_only": 1}, "post_only"), ({"post_only": "true"}, "post_only"),
        ({"expires_at": "1"}, "expires_at"), ({"expires_at": 1.5}, "expires_at"), ({"expires_at": True}, "expires_at"),
        ({"expires_at": 0}, "expires_at"), ({"expires_at": 2**63}, "expires_at"), ({"expires_at": -1}, "expires_at"),
        ({"client_id": 7}, "client_id"), ({"client_id": ""}, "client_id"), ({"client_id": "a b"}, "client_id"),
        ({"client_id": "x" * 65}, "client_id"), ({"client_id": "é"}, "client_id"), ({"client_id": "\x00"}, "client_id"),
        ({"account": 1}, "account"), ({"stop": "1"}, "stop"), ({"Price": "1"}, "Price"),
    ],
)  # fmt: skip
def test_a_wrong_type_is_refused_by_name(change, field):
    assert refused(requests.read_order, ORDER | change) == ("invalid_request", {field})


@pytest.mark.parametrize(
    "number",
    [
        "",
        " ",
        "NaN",
        "nan",
        "Infinity",
        "-inf",
        "1e3",
        "1E3",
        "+1",
        "1.",
        ".5",
        "1,5",
        "1_000",
        "0x10",
        " 1",
        "1 ",
        "1\n",
        "٣",
        "１",
        "--1",
        "1.2.3",
        "9" * 61,
        "9" * 400,
        "0." + "1" * 400,
        "1\x00",
    ],
)
@pytest.mark.parametrize("field", ["price", "size", "stop_price", "quote_amount"])
def test_what_is_no_plain_decimal_is_refused(number, field):
    assert refused(requests.read_order, ORDER | {field: number}) == ("invalid_number", {field})


def test_several_faults_are_told_together():
    assert refused(requests.read_order, {"side": "x", "price": "NaN", "nonsense": 1}) == (
        "invalid_request",
        {"side", "price", "nonsense", "market"},
    )


@pytest.mark.parametrize("body", [None, [], "x", 1, True, [ORDER]])
def test_an_order_is_an_object(body):
    assert refused(requests.read_order, body)[0] == "invalid_request"


def test_a_giant_of_unknown_fields_gets_a_short_answer():
    with pytest.raises(Problem) as caught:
        requests.read_order({f"field{i}" * 100: i for i in range(5000)})
    assert len(orjson.dumps(caught.value.document())) < 5_000


@pytest.mark.parametrize("body", [{}, {"orders": {}}, {"orders": None}, [], {"orders": [ORDER], "x": 1}, None])
def test_a_batch_is_one_list(body):
    assert refused(requests.read_orders, body)[0] == "invalid_request"


@pytest.mark.parametrize("count", [0, 501])
def test_a_batch_has_bounds(count):
    assert refused(requests.read_orders, {"orders": [ORDER] * count})[0] == "batch_too_large"


def test_a_bad_item_of_a_batch_stays_in_its_place():
    read = requests.read_orders({"orders": [ORDER, 7, ORDER]})
    assert [getattr(item, "code", "order") for item in read] == ["order", "invalid_request", "order"]


def test_an_amend_changes_something():
    assert refused(requests.read_amend, {})[0] == "invalid_request"
    assert refused(requests.read_amend, {"market": "BTC-USDT"})[0] == "invalid_request"
    assert requests.read_amend({"size": "1"}) == requests.AmendRequest(price=None, size="1")


@pytest.mark.parametrize("body", [{}, {"order_id": 1, "client_id": "a"}, {"order_id": 0}, {"order_id": "1"}, 3])
def test_an_order_has_one_name(body):
    assert refused(requests.read_name, body)[0] == "invalid_request"


@pytest.mark.parametrize("timeout", [-1, 86_400_001, "1000", 1.5, True, None])
def test_a_dead_man_switch_has_bounds(timeout):
    assert refused(requests.read_dead_man, {"timeout_ms": timeout})[0] == "invalid_request"


LEG = {"side": "sell", "price": "61000", "size": "1", "post_only": True}
STOP_LEG = {"side": "sell", "type": "market", "stop_price": "59000", "size": "1"}
OCO = {"kind": "oco", "market": "BTC-USDT", "orders": [LEG, STOP_LEG]}


def test_a_list_is_two_or_three_orders_of_one_market():
    order_list = requests.read_list(OCO | {"client_id": "exit"})
    assert (order_list.kind, order_list.market, order_list.client_id) == (0, "BTC-USDT", "exit")
    assert order_list.orders == tuple(requests.read_order({"market": "BTC-USDT"} | leg) for leg in (LEG, STOP_LEG))
    named = OCO | {"orders": [LEG | {"market": "BTC-USDT"}, STOP_LEG | {"client_id": "mine"}]}
    assert [order.client_id for order in requests.read_list(named).orders] == ["", "mine"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": None}, "kind"), ({"kind": "OCO"}, "kind"), ({"kind": 0}, "kind"), ({"market": None}, "market"),
        ({"market": "x"}, "market"), ({"orders": None}, "orders"), ({"orders": []}, "orders"),
        ({"orders": [LEG] * 4}, "orders"), ({"orders": {"0": LEG, "1": LEG}}, "orders"),
        ({"client_id": "x" * 63}, "client_id"), ({"client_id": ""}, "client_id"), ({"account": 1}, "account"),
        ({"orders": [LEG, 7]}, None), ({"orders": [LEG, None]}, None), ({"orders": [LEG, [LEG]]}, None),
        ({"orders": [LEG, LEG | {"market": "ETH-USDT"}]}, "orders[1].market"),
        ({"orders": [LEG | {"side": "up"}, LEG]}, "orders[0].side"),
        ({"orders": [LEG, LEG | {"orders": [LEG]}]}, "orders[1].orders"),
    ],
)  # fmt: skip
def test_a_wrong_list_is_refused_by_name(change, field):
    assert refused(requests.read_list, OCO | change) == ("invalid_request", {field} if field else set())


def test_a_number_in_an_order_of_a_list_keeps_its_code():
    bad = OCO | {"orders": [LEG, STOP_LEG | {"stop_price": "NaN"}]}
    assert refused(requests.read_list, bad) == ("invalid_number", {"orders[1].stop_price"})
