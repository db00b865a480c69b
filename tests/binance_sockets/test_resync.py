"""A client that keeps its book as Binance's documents say ends up with the engine's, whatever breaks meanwhile."""

import signal
import socket as sockets
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from websockets.exceptions import ConnectionClosed

from orders.marketdata import names
from tests.binance_sockets.api_client import ApiClient
from tests.binance_sockets.client import BookFollower, MarketClient
from tests.patience import PATIENCE_S
from tests.sockets.journal import book_of, replay
from tests.sockets.test_resync import last_change, settle
from tests.sockets.traffic import Traffic
from tests.stack import Stack, wait_until

pytestmark = pytest.mark.process
MARKET = "BTC-USDT"


@pytest.fixture(scope="module")
def trader(stack: Stack) -> dict[str, Any]:
    return stack.account("binance-resync", BTC="1000", USDT="50000000")


@pytest.fixture
def traffic(stack: Stack, trader: dict[str, Any]) -> Iterator[Traffic]:
    traffic = Traffic(stack, trader, MARKET, middle=60_000).start()
    yield traffic
    traffic.end()


@pytest.fixture
def follower(request: pytest.FixtureRequest, stack: Stack, traffic: Traffic) -> Iterator[BookFollower]:
    client = BookFollower(stack, getattr(request, "param", "btcusdt@depth@100ms")).connect()
    yield client
    client.close()


def follow_for(client: BookFollower, deltas: int) -> None:
    goal = client.deltas + deltas
    while client.deltas < goal:
        client.step()


def assert_same_book(stack: Stack, client: BookFollower) -> None:
    client.reach(last_change(stack, MARKET))
    assert client.best() == book_of(replay(stack), MARKET)


def test_disconnects(stack: Stack, traffic: Traffic, follower: BookFollower) -> None:
    for _ in range(3):
        follow_for(follower, 2)
        follower.client.socket.socket.shutdown(sockets.SHUT_RDWR)
        follower.connect()
    follow_for(follower, 2)
    settle(stack, traffic)
    assert_same_book(stack, follower)
    assert follower.best()[0], "bids are left"


def test_many_clients_join_one_stream(stack: Stack, traffic: Traffic) -> None:
    clients = [BookFollower(stack).connect() for _ in range(10)]
    settle(stack, traffic)
    for client in clients:
        assert_same_book(stack, client)
        client.close()


BOTH_PACES = pytest.mark.parametrize("follower", ["btcusdt@depth@100ms", "btcusdt@depth"], indirect=True)


@BOTH_PACES
def test_market_data_killed_under_load(stack: Stack, traffic: Traffic, follower: BookFollower) -> None:
    with ApiClient(stack, traffic.account) as private, MarketClient(stack, "/ws/btcusdt@trade") as public:
        private.ok("userDataStream.subscribe.signature")
        # What was placed before ends now, and is told of: of all that stands in the end there was news.
        private.signed("openOrders.cancelAll", symbol="BTCUSDT")
        for _ in range(2):
            follow_for(follower, 2)
            stack.kill("marketdata", signal.SIGKILL)
            stack.end("marketdata")
            before = traffic.placed
            wait_until(lambda before=before: traffic.placed > before + 50, "orders go on without market data")
            stack.launch("marketdata")
            private.ask("ping")  # reads what came: who never reads is cut off
        follow_for(follower, 2)
        private.ask("ping")
        end = settle(stack, traffic)
        # One connection saw it all, and no hole: the follower raises OutOfStep.
        assert follower.connects == 1
        assert_same_book(stack, follower)
        trades = drain(public)
        assert [trade["t"] for trade in trades] == list(range(trades[0]["t"], trades[-1]["t"] + 1))
        # Every order that stands now, and no other, stands by its events, too.
        events = private.until(lambda event: event.get("X") == "CANCELED" and event["I"] >= end)
        private.ask("ping")  # what came with that event is here, too
        events += [message["event"] for message in private.events]
        assert not any(event["e"] == "eventStreamTerminated" for event in events)
        status = {event["i"]: event["X"] for event in events if event["e"] == "executionReport"}
        still = {id for id, word in status.items() if word in ("NEW", "PARTIALLY_FILLED")}
        assert still == set(replay(stack).open_orders(traffic.account["account"]))
        filled: dict[int, list[int]] = {}
        for event in events:
            if event.get("x") == "TRADE":
                filled.setdefault(event["i"], []).append(event["t"])
        assert all(len(set(numbers)) == len(numbers) for numbers in filled.values()), "no trade twice"


def drain(client: MarketClient) -> list[dict[str, Any]]:
    """All that came so far."""
    client.ask("LIST_SUBSCRIPTIONS")
    return client.kept


def test_redis_emptied_under_load(stack: Stack, traffic: Traffic, follower: BookFollower) -> None:
    follow_for(follower, 2)
    store = redis.Redis.from_url(stack.env["REDIS_URL"])
    for _ in range(2):
        store.delete(*store.scan_iter("md:*"))
        follow_for(follower, 3)
    store.close()
    settle(stack, traffic)
    assert follower.connects == 1, "the connection lived on"
    assert_same_book(stack, follower)


def test_user_events_go_on_when_redis_was_emptied(stack: Stack, trader: dict[str, Any]) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    with ApiClient(stack, trader) as client:
        client.ok("userDataStream.subscribe.signature")
        first = client.ok("order.place", **order, price="59000")["orderId"]
        client.until(lambda event: event.get("i") == first)
        store = redis.Redis.from_url(stack.env["REDIS_URL"])
        store.delete(*store.scan_iter("md:*"))
        wait_until(lambda: bool(store.exists(names.SEQUENCE)), "market data stored everything anew")
        store.close()
        # The account did not change meanwhile: nothing was lost, so nothing ends.
        second = client.ok("order.place", **order, price="59001")["orderId"]
        events = client.until(lambda event: event.get("i") == second)
        assert not any(event["e"] == "eventStreamTerminated" for event in events)
        client.ok("openOrders.cancelAll", symbol="BTCUSDT")


def test_the_sockets_process_restarts(stack: Stack, traffic: Traffic, follower: BookFollower) -> None:
    follow_for(follower, 1)
    traffic.stop()
    stack.restart("sockets")
    with pytest.raises(ConnectionClosed):
        while True:
            follower.step()
    follower.client = None
    # A quiet book has no deltas; somebody must move it once for the first one.
    with MarketClient(stack) as anybody:
        anybody.subscribe("btcusdt@depth20@100ms")
        levels = anybody.expect(lambda message: "lastUpdateId" in message)
    bids, asks = book_of(replay(stack), MARKET)
    assert [tuple(level) for level in levels["bids"]] == bids[:20]
    assert [tuple(level) for level in levels["asks"]] == asks[:20]


def test_depth_over_rest_is_as_new_as_the_deltas(stack: Stack, traffic: Traffic) -> None:
    """The snapshot that a client asks for after a delta has that delta, without waiting: nothing is asked twice."""
    with MarketClient(stack, "/ws/btcusdt@depth@100ms") as client:
        url = f"{stack.base_url}/api/v3/depth?symbol=BTCUSDT&limit=100"
        for _ in range(20):
            delta = client.event("depthUpdate")
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
                body = answer.read().decode()
            assert int(body.partition('"lastUpdateId":')[2].partition(",")[0]) >= delta["u"]
            time.sleep(0.02)
