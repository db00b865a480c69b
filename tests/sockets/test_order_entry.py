"""Orders over a socket: the same rules, answers and codes as over REST."""

import threading
from typing import Any
from uuid import uuid4

import pytest

from tests.sockets.client import Client
from tests.sockets.journal import replay
from tests.stack import Stack

pytestmark = pytest.mark.process
MARKET = "BTC-USDT"


@pytest.fixture(scope="module")
def account(stack: Stack) -> dict[str, Any]:
    return stack.account("entry", BTC="50", USDT="5000000")


@pytest.fixture
def client(stack: Stack, account: dict[str, Any]) -> Any:
    with Client(stack.socket_url) as client:
        client.auth(account)
        client.ok("order.cancel_all", params={})
        yield client


def bid(**changes: Any) -> dict[str, Any]:
    return {"market": MARKET, "side": "buy", "price": "55000", "size": "0.01"} | changes


def test_place_amend_replace_cancel(client: Client) -> None:
    placed = client.ok("order.place", params=bid(client_id=f"e{uuid4().hex}"))
    assert placed["status"] == "open"
    amended = client.ok("order.amend", params={"order_id": placed["id"], "size": "0.005"})
    assert (amended["kept_priority"], amended["size"]) == (True, "0.005")
    amended = client.ok("order.amend", params={"client_id": placed["client_id"], "price": "55100.5"})
    assert (amended["kept_priority"], amended["price"]) == (False, "55100.5")
    replaced = client.ok("order.replace", params={"order_id": placed["id"], "order": bid(price="54000")})
    assert (replaced["replaced"], replaced["price"]) == (placed["id"], "54000")
    assert client.code("order.cancel", params={"order_id": placed["id"]}) == "unknown_order"
    canceled = client.ok("order.cancel", params={"order_id": replaced["id"]})
    assert (canceled["id"], canceled["remaining_size"]) == (replaced["id"], "0.01")


def test_batches_answer_each_item(client: Client) -> None:
    orders = [bid(), bid(price="55000.03"), bid(size="x"), bid(price="54999"), bid(market="NO-SUCH")]
    results = client.ok("order.batch", params={"orders": orders})["results"]
    codes = [one["error"]["code"] if "error" in one else "placed" for one in results]
    assert codes == ["placed", "price_not_on_tick", "invalid_number", "placed", "unknown_market"]
    names = [{"order_id": results[0]["order"]["id"]}, {"order_id": 2**50}, {"order_id": results[3]["order"]["id"]}]
    canceled = client.ok("order.cancel_batch", params={"orders": names})["results"]
    assert ["error" in one for one in canceled] == [False, True, False]
    assert client.ok("order.cancel_all", params={})["count"] == 0


def test_cancel_all_and_dead_man_switch(client: Client) -> None:
    ids = [client.ok("order.place", params=bid(price=str(55000 + at)))["id"] for at in range(3)]
    assert client.ok("order.dead_man", params={"timeout_ms": 60_000})["fires_at"] > 0
    assert client.ok("order.dead_man", params={"timeout_ms": 0})["fires_at"] is None
    assert client.ok("order.cancel_all", params={"market": MARKET, "side": "sell"})["order_ids"] == []
    assert client.ok("order.cancel_all", params={"market": MARKET})["order_ids"] == ids


def test_a_duplicate_has_the_first_result(client: Client) -> None:
    order = bid(client_id=f"d{uuid4().hex}")
    first = client.ok("order.place", params=order)
    again = client.ok("order.place", params=order)
    assert again == first | {"duplicate": True}
    assert client.code("order.place", params=order | {"size": "0.02"}) == "client_order_id_reused"
    assert client.ok("order.cancel_all", params={})["order_ids"] == [first["id"]]
    # Over the socket's end too: the matcher knows, not the socket.
    assert client.ok("order.place", params=order)["id"] == first["id"]


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (bid(price="55000.05"), "price_not_on_tick"),
        (bid(size="0.000001"), "size_not_on_lot"),
        (bid(size="0.00001"), "notional_too_small"),
        (bid(size="1000000"), "size_too_large"),
        (bid(price="1"), "notional_too_small"),
        (bid(price="9" * 60), "price_too_large"),
        (bid(price="1" * 400), "invalid_number"),
        (bid(price="NaN"), "invalid_number"),
        (bid(price="-5"), "invalid_price"),
        (bid(price=55000), "invalid_request"),
        (bid(price=55000.0), "invalid_request"),
        (bid(side=0), "invalid_request"),
        (bid(client_id="x" * 65), "invalid_request"),
        (bid(suprise="1"), "invalid_request"),
        (bid(size=None), "invalid_size"),
        (bid(market="BTC-EUR"), "unknown_market"),
        (bid(market={"a": []}), "invalid_request"),
        (bid(size="900"), "insufficient_balance"),
        (bid(type="market"), "invalid_parameter"),
        (bid(tif="gtd", expires_at=1), "invalid_expiry"),
        (bid(price="100000"), "price_band"),
        (None, "invalid_request"),
        ([], "invalid_request"),
        ("buy", "invalid_request"),
    ],
)
def test_a_bad_order_has_a_code_and_does_nothing(client: Client, order: Any, code: str) -> None:
    assert client.code("order.place", params=order) == code
    assert client.ok("order.cancel_all", params={})["order_ids"] == []


def pair(**changes: Any) -> dict[str, Any]:
    limit = {"side": "sell", "size": "0.01", "price": "66000", "post_only": True}
    stop = {"side": "sell", "size": "0.01", "type": "market", "stop_price": "57000"}
    return {"kind": "oco", "market": MARKET, "orders": [limit, stop]} | changes


def test_lists_are_placed_and_canceled(client: Client) -> None:
    name = f"l{uuid4().hex}"
    made = client.ok("order.list", params=pair(client_id=name))
    assert [order["status"] for order in made["orders"]] == ["open", "waiting"]
    again = client.ok("order.list", params=pair(client_id=name))
    assert (again["id"], again["duplicate"]) == (made["id"], True)
    canceled = client.ok("order.cancel_list", params={"client_id": name})
    assert canceled["order_ids"] == [order["id"] for order in made["orders"]]
    assert client.code("order.cancel_list", params={"list_id": made["id"]}) == "unknown_order"
    assert client.code("order.cancel_list", params={"list_id": 2**50}) == "unknown_order"
    assert client.ok("order.cancel_all", params={})["count"] == 0


@pytest.mark.parametrize(
    ("params", "code"),
    [
        (None, "invalid_request"), ([], "invalid_request"), (pair(kind="x"), "invalid_request"),
        (pair(orders=[{}]), "invalid_request"), (pair(market="NO-SUCH"), "unknown_market"),
        (pair(orders=pair()["orders"][:1] * 2), "invalid_list"),
    ],
)  # fmt: skip
def test_a_bad_list_has_a_code_and_does_nothing(client: Client, params: Any, code: str) -> None:
    assert client.code("order.list", params=params) == code
    assert client.ok("order.cancel_all", params={})["count"] == 0


def test_others_orders_are_unknown(stack: Stack, client: Client) -> None:
    mine = client.ok("order.place", params=bid())
    with Client(stack.socket_url) as other:
        other.auth(stack.account("entry-other", USDT="1000"))
        assert other.code("order.cancel", params={"order_id": mine["id"]}) == "unknown_order"
        assert other.code("order.amend", params={"order_id": mine["id"], "size": "0.005"}) == "unknown_order"
    assert client.ok("order.cancel", params={"order_id": mine["id"]})["remaining_size"] == "0.01"


def test_a_passed_deadline_executes_nothing(client: Client) -> None:
    assert client.code("order.place", params=bid(), deadline=1_600_000_000_000) == "deadline_passed"
    assert client.code("order.place", params=bid(), deadline="soon") == "invalid_request"
    assert client.ok("order.cancel_all", params={})["order_ids"] == []


def test_requests_are_executed_in_order_though_some_need_the_database(stack: Stack, client: Client) -> None:
    order = bid(client_id=f"o{uuid4().hex}")
    placed = client.ok("order.place", params=order)
    ids = []
    for price in ("55001", "55002", "55003"):
        # An amend looks its market up in a thread; the place behind it must not overtake it.
        ids.append(client.send("order.amend", params={"order_id": placed["id"], "price": price}))
        ids.append(client.send("order.place", params=bid()))
    replies = {reply["id"]: reply for reply in (client.expect(lambda m: m.get("id") in ids) for _ in ids)}
    sequences = [replies[id]["result"]["sequence"] for id in ids]
    assert sequences == sorted(sequences)


def test_many_in_flight_are_all_answered(client: Client) -> None:
    ids = [client.send("order.place", params=bid(price=str(50000 + at % 500))) for at in range(900)]
    replies = {reply["id"]: reply for reply in (client.expect(lambda m: m.get("id") in ids) for _ in ids)}
    assert len(replies) == 900
    codes = {reply["error"]["code"] for reply in replies.values() if reply["status"] == "error"}
    # What was not executed says so; nothing is left open.
    assert codes <= {"overloaded", "too_many_orders", "deadline_passed"}
    placed = [reply["result"]["id"] for reply in replies.values() if reply["status"] == "ok"]
    assert placed
    assert sorted(client.ok("order.cancel_all", params={})["order_ids"]) == sorted(placed)


def test_what_is_too_much_in_flight_is_refused_unexecuted(client: Client) -> None:
    orders = [bid(price=str(50000 + at)) for at in range(500)]
    ids = [client.send("order.batch", params={"orders": orders}) for _ in range(4)]
    replies = {reply["id"]: reply for reply in (client.expect(lambda m: m.get("id") in ids) for _ in ids)}
    refused = {reply["error"]["code"] for reply in replies.values() if reply["status"] == "error"}
    assert refused <= {"too_many_in_flight", "overloaded", "rate_limited", "deadline_passed"}
    placed = sum(
        "order" in one for reply in replies.values() if reply["status"] == "ok" for one in reply["result"]["results"]
    )
    assert len(client.ok("order.cancel_all", params={})["order_ids"]) == placed


def test_two_sockets_of_one_account_and_a_thread_each(stack: Stack, account: dict[str, Any]) -> None:
    placed: list[int] = []

    def trade(seed: int) -> None:
        with Client(stack.socket_url) as client:
            client.auth(account)
            for at in range(40):
                placed.append(client.ok("order.place", params=bid(price=str(51000 + seed * 100 + at)))["id"])

    threads = [threading.Thread(target=trade, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(placed)) == 80
    assert set(placed) <= set(replay(stack).open_orders(account["account"]))
