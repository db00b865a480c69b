"""The events of an account, each compared with what /api/v1 says of the same orders, fills and balances."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.binance_sockets.api_client import ApiClient
from tests.sockets.client import Client
from tests.sockets.journal import wait_published
from tests.stack import Stack

pytestmark = pytest.mark.process
MARKET, SYMBOL = "ETH-BTC", "ETHBTC"
Event = dict[str, Any]


@pytest.fixture(scope="module")
def accounts(stack: Stack) -> dict[str, dict[str, Any]]:
    return {name: stack.account(f"events-{name}", ETH="1000", BTC="1000") for name in ("alice", "bob")}


@pytest.fixture
def events(stack: Stack, accounts: dict[str, Any]) -> Iterator[ApiClient]:
    """Alice's events, from now on: those of the tests before were published."""
    wait_published(stack)
    with ApiClient(stack, accounts["alice"]) as client:
        assert client.ok("userDataStream.subscribe.signature") == {"subscriptionId": 0}
        yield client


@pytest.fixture
def desks(stack: Stack, accounts: dict[str, Any]) -> Iterator[dict[str, Client]]:
    """Sockets of /api/v1, where everybody trades."""
    with Client(stack.socket_url) as alice, Client(stack.socket_url) as bob:
        alice.auth(accounts["alice"])
        bob.auth(accounts["bob"])
        for client in (alice, bob):
            client.ok("order.cancel_all", params={})
        yield {"alice": alice, "bob": bob}
        for client in (alice, bob):
            client.ok("order.cancel_all", params={})


def place(desk: Client, side: str, price: str | None, size: str | None, **more: Any) -> dict[str, Any]:
    params = {"market": MARKET, "side": side, "price": price, "size": size, **more}
    return desk.ok("order.place", params={name: value for name, value in params.items() if value is not None})


def reports(client: ApiClient, order: dict[str, Any], until: str) -> list[Event]:
    """The order's reports up to the status `until`."""
    found = client.until(lambda event: event.get("i") == order["id"] and event["X"] == until)
    return [event for event in found if event.get("i") == order["id"]]


def same(amount: str, other: str) -> bool:
    assert len(amount.partition(".")[2]) >= 8, "padded as REST pads"
    return Decimal(amount) == Decimal(other)


def check(event: Event, order: dict[str, Any]) -> None:
    """What an event and /api/v1's order must agree on, whatever happened since."""
    assert (event["e"], event["s"], event["i"]) == ("executionReport", SYMBOL, order["id"])
    assert event["c"] == (order["client_id"] or "") and event["S"] == order["side"].upper()
    assert same(event["p"], order["price"] or "0") and same(event["P"], order["stop_price"] or "0")
    assert event["O"] == order["created_at"] and event["E"] == event["T"] >= event["O"]
    assert same(event["Q"], order["quote_amount"] or "0")
    assert (event["g"], event["r"], event["M"]) == (-1, "NONE", False)


def test_an_order_that_rests_and_is_filled_in_two(events: ApiClient, desks: dict[str, Client]) -> None:
    order = place(desks["alice"], "sell", "0.05", "2", client_id="mine-1")
    first = place(desks["bob"], "buy", "0.05", "0.5")["fills"][0]
    last = place(desks["bob"], "buy", "0.05", "1.5")["fills"][0]
    new, partly, filled = reports(events, order, "FILLED")
    for event in (new, partly, filled):
        check(event, order)
        assert event["o"] == "LIMIT" and event["f"] == "GTC" and same(event["q"], "2") and event["C"] == ""
        assert event["W"] == order["created_at"] and event["V"] == "NONE"
    assert (new["x"], new["X"], new["t"], new["N"], new["n"], new["w"]) == ("NEW", "NEW", -1, None, "0", True)
    assert same(new["z"], "0") and same(new["l"], "0") and same(new["Z"], "0")
    assert (partly["x"], partly["X"], partly["w"]) == ("TRADE", "PARTIALLY_FILLED", True)
    assert (filled["x"], filled["w"]) == ("TRADE", False)
    mine = {fill["trade_id"]: fill for fill in fills_of(desks["alice"])}
    sold = Decimal()
    for event, fill in ((partly, mine[first["trade_id"]]), (filled, mine[last["trade_id"]])):
        sold += Decimal(fill["size"])
        assert (event["t"], event["m"], event["N"], event["T"]) == (fill["trade_id"], True, "BTC", fill["time"])
        assert same(event["l"], fill["size"]) and same(event["L"], fill["price"]) and same(event["n"], fill["fee"])
        assert same(event["Y"], fill["quote"]) and same(event["z"], str(sold))
    assert same(filled["Z"], str(Decimal(first["quote"]) + Decimal(last["quote"])))


def fills_of(desk: Client) -> list[dict[str, Any]]:
    """Subscribed before the first fill of a test; all that came."""
    desk.ok("ping")
    return [fill for message in desk.messages if message.get("channel") == "fills" for fill in message["fills"]]


@pytest.fixture(autouse=True)
def fills_are_heard(desks: dict[str, Client]) -> None:
    for desk in desks.values():
        desk.ok("subscribe", channel="fills")
        desk.on("fills", "snapshot")


def test_a_market_order_by_quote_ends_filled_or_expired(events: ApiClient, desks: dict[str, Client]) -> None:
    place(desks["bob"], "sell", "0.05", "1")
    place(desks["bob"], "sell", "0.0501", "1")
    order = place(desks["alice"], "buy", None, None, type="market", quote_amount="0.06002")
    new, first, last = reports(events, order, "FILLED")
    assert (new["x"], new["o"], new["f"]) == ("NEW", "MARKET", "GTC") and same(new["Q"], "0.06002")
    assert (first["X"], last["x"], last["w"], last["m"]) == ("PARTIALLY_FILLED", "TRADE", False, False)
    assert same(last["Z"], order["filled_quote"]) and same(last["z"], order["filled_size"])
    assert same(last["q"], order["filled_size"]) and last["N"] == "ETH"
    order = place(desks["alice"], "buy", "0.0501", "5", tif="ioc")
    new, traded, expired = reports(events, order, "EXPIRED")
    assert (traded["X"], expired["x"], expired["w"], expired["t"]) == ("PARTIALLY_FILLED", "EXPIRED", False, -1)
    assert same(expired["z"], order["filled_size"]) and same(expired["l"], "0")


def test_cancel_amend_replace_and_stop(events: ApiClient, desks: dict[str, Client]) -> None:
    desk = desks["alice"]
    order = place(desk, "buy", "0.047", "1", client_id="first", post_only=True)
    desk.ok("order.amend", params={"order_id": order["id"], "size": "0.5"})
    other = desk.ok(
        "order.replace",
        params={
            "order_id": order["id"],
            "order": {"market": MARKET, "side": "buy", "price": "0.0471", "size": "1", "client_id": "second"},
        },
    )
    new, amended, canceled = reports(events, order, "CANCELED")
    assert (new["o"], amended["x"], amended["X"]) == ("LIMIT_MAKER", "REPLACED", "NEW") and same(amended["q"], "0.5")
    assert (canceled["x"], canceled["c"], canceled["C"]) == ("CANCELED", "first", "first")
    desk.ok("order.cancel", params={"order_id": other["id"]})
    new, canceled = reports(events, other, "CANCELED")
    assert (new["c"], canceled["C"], new["T"]) == ("second", "second", canceled["O"])

    place(desks["bob"], "buy", "0.0495", "1")
    place(desks["bob"], "sell", "0.0495", "0.1")
    stop = place(desk, "sell", "0.048", "0.2", stop_price="0.0485")
    (waiting,) = reports(events, stop, "NEW")
    assert (waiting["o"], waiting["w"], "W" in waiting) == ("STOP_LOSS_LIMIT", False, False)
    check(waiting, stop)
    place(desks["bob"], "buy", "0.0485", "1")
    place(desks["bob"], "sell", "0.0485", "1.2")
    triggered, *traded = reports(events, stop, "FILLED")
    assert (triggered["x"], triggered["X"], triggered["w"]) == ("NEW", "NEW", True)
    assert triggered["W"] == triggered["T"] >= stop["created_at"]
    assert traded and all(event["x"] == "TRADE" and event["W"] == triggered["W"] for event in traded)


@pytest.mark.parametrize(
    ("stp", "mode"),
    [("cancel_newest", "EXPIRE_TAKER"), ("cancel_oldest", "EXPIRE_MAKER"), ("decrement", "DECREMENT")],
)
def test_self_trade_prevention(events: ApiClient, desks: dict[str, Client], stp: str, mode: str) -> None:
    maker = place(desks["alice"], "sell", "0.052", "1")
    taker = place(desks["alice"], "buy", "0.052", "0.4", stp=stp)
    ended = maker if stp == "cancel_oldest" else taker
    found = events.until(lambda event: event.get("i") == ended["id"] and event["X"] == "EXPIRED_IN_MATCH")
    assert found[-1]["x"] == "TRADE_PREVENTION"
    assert next(event for event in found if event.get("i") == taker["id"])["V"] == mode
    assert not any(event.get("x") == "TRADE" for event in found)
    if stp == "decrement":
        reduced = [event for event in found if event.get("i") == maker["id"] and event["x"] == "TRADE_PREVENTION"]
        assert reduced[-1]["X"] == "NEW" and same(reduced[-1]["B"], "0.4") and same(reduced[-1]["q"], "0.6")


def test_balances_and_deposits(stack: Stack, events: ApiClient, desks: dict[str, Client]) -> None:
    place(desks["alice"], "buy", "0.047", "2")
    position = events.until(lambda event: event["e"] == "outboundAccountPosition")[-1]
    shown = {one["a"]: one for one in position["B"]}
    desks["alice"].ok("subscribe", channel="balances")
    balances = {one["asset"]: one for one in desks["alice"].on("balances", "snapshot")["balances"]}
    assert set(shown) == {"BTC"} and position["u"] == position["E"]
    assert same(shown["BTC"]["f"], balances["BTC"]["available"]) and same(shown["BTC"]["l"], balances["BTC"]["held"])
    stack.account("events-alice", ETH="7.5")
    *_, update, position = events.until(
        lambda event: event["e"] == "outboundAccountPosition" and event["B"][0]["a"] == "ETH"
    )
    assert (update["e"], update["a"]) == ("balanceUpdate", "ETH") and same(update["d"], "7.5")
    assert update["T"] == update["E"] == position["E"]


def test_lists_and_conditional_orders(events: ApiClient, desks: dict[str, Client]) -> None:
    """OCO, one leg of which is filled; OTO, whose second leg awakes; a trailing stop and an iceberg."""
    place(desks["bob"], "sell", "0.05", "0.1")
    place(desks["bob"], "buy", "0.05", "0.1")
    oco = events.ok(
        "orderList.place.oco", symbol=SYMBOL, side="SELL", quantity="1", listClientOrderId="pair",
        aboveType="LIMIT_MAKER", abovePrice="0.0505", belowType="STOP_LOSS", belowStopPrice="0.0475",
    )  # fmt: skip
    ids = {order["orderId"] for order in oco["orders"]}
    began = events.until(lambda event: event["e"] == "listStatus")
    assert {event["i"]: event["o"] for event in began if event["e"] == "executionReport"}.keys() == ids
    assert all(event["g"] == oco["orderListId"] for event in began if event["e"] == "executionReport")
    started = began[-1]
    assert (started["g"], started["c"], started["l"], started["L"]) == (
        oco["orderListId"], "OCO", "EXEC_STARTED", "EXECUTING"
    )  # fmt: skip
    assert started["C"] == "pair" and {order["i"] for order in started["O"]} == ids
    place(desks["bob"], "buy", "0.0505", "1")
    ended = events.until(lambda event: event["e"] == "listStatus")
    words = {event["i"]: (event["x"], event["X"], event["o"]) for event in ended if event["e"] == "executionReport"}
    assert set(words.values()) == {("TRADE", "FILLED", "LIMIT_MAKER"), ("EXPIRED", "EXPIRED", "STOP_LOSS")}
    assert (ended[-1]["l"], ended[-1]["L"]) == ("ALL_DONE", "ALL_DONE")

    oto = events.ok(
        "orderList.place.oto", symbol=SYMBOL, workingType="LIMIT", workingSide="BUY", workingPrice="0.049",
        workingQuantity="1", workingTimeInForce="GTC", pendingType="LIMIT", pendingSide="SELL", pendingPrice="0.0515",
        pendingQuantity="1", pendingTimeInForce="GTC",
    )  # fmt: skip
    working, pending = (order["orderId"] for order in oto["orders"])
    began = {event["i"]: event for event in events.until(lambda event: event["e"] == "listStatus")[:-1] if "i" in event}
    assert (began[working]["X"], began[pending]["X"]) == ("NEW", "PENDING_NEW")
    assert began[pending]["x"] == "NEW" and began[pending]["w"] is False and "W" not in began[pending]
    place(desks["bob"], "sell", "0.049", "1")
    awake = events.until(lambda event: event.get("i") == pending)[-1]
    assert (awake["x"], awake["X"], awake["w"], awake["W"]) == ("NEW", "NEW", True, awake["T"])
    assert events.until(lambda event: event["e"] == "listStatus")[-1]["c"] == "OTO"

    placed = events.ok(
        "order.place", symbol=SYMBOL, side="SELL", type="TAKE_PROFIT_LIMIT", timeInForce="GTC", quantity="0.5",
        price="0.0501", trailingDelta=100, stopPrice="0.051",
    )  # fmt: skip
    trailing = events.until(lambda event: event.get("i") == placed["orderId"])[-1]
    assert (trailing["o"], trailing["d"], trailing["w"]) == ("TAKE_PROFIT_LIMIT", 100, False)
    placed = events.ok(
        "order.place", symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="1", price="0.047",
        icebergQty="0.25",
    )  # fmt: skip
    iceberg = events.until(lambda event: event.get("i") == placed["orderId"])[-1]
    assert same(iceberg["F"], "0.25") and same(iceberg["q"], "1")
