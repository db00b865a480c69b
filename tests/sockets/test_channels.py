"""What each channel brings, over real processes."""

import json
import urllib.request
from typing import Any

import pytest

from matching.money import format_atoms
from tests.patience import PATIENCE_S
from tests.sockets.client import Book, Client
from tests.sockets.journal import book_of, replay, wait_published
from tests.stack import Stack, wait_until

pytestmark = pytest.mark.process
MARKET = "ETH-USDT"


@pytest.fixture(scope="module")
def maker(stack: Stack) -> dict[str, Any]:
    return stack.account("channels-maker", ETH="100", USDT="1000000")


@pytest.fixture(scope="module")
def taker(stack: Stack) -> dict[str, Any]:
    return stack.account("channels-taker", ETH="100", USDT="1000000")


def place(client: Client, **order: str) -> dict[str, Any]:
    reply = client.order("place", market=MARKET, **order)
    assert reply["status"] == "ok", reply
    return reply["result"]


def test_public_channels_show_a_trade(stack: Stack, maker: dict[str, Any], taker: dict[str, Any]) -> None:
    with Client(stack.socket_url) as one, Client(stack.socket_url) as two, Client(stack.socket_url) as public:
        one.auth(maker)
        two.auth(taker)
        wait_published(stack)
        for channel in ("book", "trades", "ticker"):
            assert public.ok("subscribe", channel=channel, market=MARKET) == {"channel": channel, "market": MARKET}
        public.ok("subscribe", channel="candles", market=MARKET, interval="1m")
        book = Book()
        book.apply(public.on("book", "snapshot"))
        public.on("ticker", "snapshot")
        public.on("candles", "snapshot")
        before = public.on("trades", "snapshot")["trades"]

        resting = place(one, side="sell", price="3001.5", size="0.75")
        assert (resting["status"], resting["fills"]) == ("open", [])
        taken = place(two, side="buy", price="3002", size="0.25", tif="ioc")
        assert (taken["status"], taken["fills"][0]["price"], taken["fills"][0]["size"]) == ("filled", "3001.5", "0.25")

        while book.position < taken["sequence"]:
            book.apply(public.on("book", "update"))
        assert book.asks["3001.5"] == "0.5"
        (trade,) = public.on("trades", "update")["trades"]
        assert trade == {
            "id": before[-1]["id"] + 1 if before else 1, "price": "3001.5", "size": "0.25", "quote": "750.375",
            "side": "buy", "time": taken["updated_at"], "sequence": taken["sequence"],
        }  # fmt: skip
        message = public.on("ticker", "update", lambda message: message["ticker"]["last"] == "3001.5")
        assert message["market"] == MARKET
        ticker = message["ticker"]
        assert (ticker["market"], ticker["ask"], ticker["ask_size"]) == (MARKET, "3001.5", "0.5")
        (candle,) = public.on("candles", "update")["candles"]
        assert (candle["close"], candle["open_time"] % 60_000) == ("3001.5", 0)
        one.ok("order.cancel_all", params={"market": MARKET})


def test_private_channels_show_only_the_owner(stack: Stack, maker: dict[str, Any], taker: dict[str, Any]) -> None:
    with Client(stack.socket_url) as one, Client(stack.socket_url) as two:
        one.auth(maker)
        two.auth(taker)
        wait_published(stack)
        for client in (one, two):
            for channel in ("orders", "fills", "balances"):
                client.ok("subscribe", channel=channel)
            assert client.on("orders", "snapshot")["orders"] == []
            assert client.on("fills", "snapshot")["fills"] == []
        had = {balance["asset"]: balance for balance in one.on("balances", "snapshot")["balances"]}
        two.on("balances", "snapshot")

        resting = place(one, side="sell", price="3005", size="1", client_id=f"mine-{one.socket.id}")
        update = one.on("orders", "update")
        assert update["orders"] == [{key: resting[key] for key in update["orders"][0]}]
        taken = place(two, side="buy", price="3005", size="0.4", tif="ioc")

        order = one.on("orders", "update", lambda message: message["sequence"] >= taken["sequence"])["orders"][0]
        assert (order["id"], order["status"], order["filled_size"], order["remaining_size"]) == (
            resting["id"], "partially_filled", "0.4", "0.6"
        )  # fmt: skip
        (fill,) = one.on("fills", "update")["fills"]
        assert (fill["liquidity"], fill["size"], fill["order_id"]) == ("maker", "0.4", resting["id"])
        (fill,) = two.on("fills", "update")["fills"]
        assert {**fill} == taken["fills"][0]

        held = one.on("balances", "update", lambda message: message["sequence"] >= taken["sequence"])
        shown = {balance["asset"]: balance for balance in held["balances"]}
        assert shown["ETH"]["held"] == "0.6"
        assert shown["USDT"]["available"] != had["USDT"]["available"]
        for client, account in ((one, maker), (two, taker)):
            engine_says = replay(stack).balances(account["account"])
            client.ok("unsubscribe", channel="balances")
            client.ok("subscribe", channel="balances")
            again = {one["asset"]: one for one in client.on("balances", "snapshot")["balances"]}
            assert again["ETH"]["available"] == format_atoms(engine_says[3][0], 18)
            assert again["USDT"]["held"] == format_atoms(engine_says[2][1], 6)

        place(one, side="sell", price="3010", size="1")
        one.on("orders", "update", lambda message: message["orders"][0]["price"] == "3010")
        assert two.ok("ping")["time"] > 0
        assert not [m for m in two.messages if m.get("channel") == "orders" and m["orders"][0]["side"] == "sell"]
        one.ok("order.cancel_all", params={})
        gone = one.on("orders", "update", lambda message: len(message["orders"]) == 2)["orders"]
        assert {order["status"] for order in gone} == {"canceled"}


def test_rest_and_sockets_show_the_same_book(stack: Stack, maker: dict[str, Any]) -> None:
    with Client(stack.socket_url) as client:
        client.auth(maker)
        for price in ("2990", "2991.25", "2980.01"):
            placed = place(client, side="buy", price=price, size="0.5")
        client.ok("subscribe", channel="book", market=MARKET)
        book = Book()
        book.apply(client.on("book", "snapshot"))
        while book.position < placed["sequence"]:
            book.apply(client.on("book", "update"))

        def rest_book() -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
            with urllib.request.urlopen(
                f"{stack.base_url}/api/v1/markets/{MARKET}/depth", timeout=PATIENCE_S
            ) as answer:
                depth = json.load(answer)
            return [tuple(level) for level in depth["bids"]], [tuple(level) for level in depth["asks"]]

        # A busy book is stored a few times a second, so REST may be a moment behind.
        wait_until(lambda: rest_book() == book.best(), "REST shows the socket's book")
        assert book.best() == book_of(replay(stack), MARKET)
        client.ok("order.cancel_all", params={})


def test_unsubscribed_channels_are_silent(stack: Stack, maker: dict[str, Any]) -> None:
    with Client(stack.socket_url) as client, Client(stack.socket_url) as other:
        client.auth(maker)
        for one in (client, other):
            one.ok("subscribe", channel="book", market=MARKET)
            one.on("book", "snapshot")
        client.ok("unsubscribe", channel="book", market=MARKET)
        placed = place(client, side="buy", price="2950", size="0.5")
        other.on("book", "update", lambda message: message["last"] >= placed["sequence"])
        client.ok("ping")
        late = [message for message in client.messages if message.get("channel") == "book"]
        assert not [message for message in late if message["last"] >= placed["sequence"]]
        client.ok("order.cancel_all", params={})


def test_lists_begin_and_end(stack: Stack, maker: dict[str, Any], taker: dict[str, Any]) -> None:
    limit = {"side": "sell", "size": "0.5", "price": "3300", "post_only": True}
    stop = {"side": "sell", "size": "0.5", "type": "market", "stop_price": "2700"}
    with Client(stack.socket_url) as one, Client(stack.socket_url) as two:
        one.auth(maker)
        two.auth(taker)
        one.ok("order.cancel_all", params={})
        wait_published(stack)
        one.ok("subscribe", channel="lists")
        assert one.on("lists", "snapshot")["lists"] == []
        made = one.ok("order.list", params={"kind": "oco", "market": MARKET, "orders": [limit, stop], "client_id": "c"})
        (begun,) = one.on("lists", "update")["lists"]
        assert begun == {name: made[name] for name in begun}
        with Client(stack.socket_url) as late:
            late.auth(maker)
            late.ok("subscribe", channel="lists")
            assert late.on("lists", "snapshot")["lists"] == [begun]

        taken = place(two, side="buy", price="3300", size="0.1", tif="ioc")
        (ended,) = one.on("lists", "update")["lists"]
        assert ended == begun | {
            "status": "ended", "sequence": taken["sequence"], "updated_at": taken["updated_at"],
        }  # fmt: skip
        assert one.ok("order.cancel_list", params={"client_id": "c"})["order_ids"] == [made["id"]]
