"""Every market stream against what was traded; requests, framings and bounds of /ws and /stream."""

import time
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.binance_sockets.client import PATIENCE_S, MarketClient
from tests.sockets.client import Client
from tests.stack import Stack

pytestmark = pytest.mark.process
MARKET, SYMBOL = "ETH-USDT", "ethusdt"


@pytest.fixture(scope="module")
def trader(stack: Stack) -> Iterator[Client]:
    with Client(stack.socket_url) as client:
        client.auth(stack.account("streams", ETH="1000", USDT="50000000"))
        yield client
        client.ok("order.cancel_all", params={})


def place(trader: Client, side: str, price: str, size: str, **more: Any) -> dict[str, Any]:
    params = {"market": MARKET, "side": side, "price": price, "size": size, **more}
    return trader.ok("order.place", params=params)


def sweep(trader: Client) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two asks at 3000.1 and one at 3000.2, taken by one buy: three trades, two aggregate ones. (buy, last ask)"""
    trader.ok("order.cancel_all", params={"market": MARKET})
    for price in ("3000.1", "3000.1"):
        place(trader, "sell", price, "0.5")
    rest = place(trader, "sell", "3000.2", "0.5")
    place(trader, "buy", "2999.9", "0.7")
    return place(trader, "buy", "3000.2", "1.2"), rest


def test_trades_one_by_one_and_aggregated(stack: Stack, trader: Client) -> None:
    with MarketClient(stack) as client:
        client.subscribe(f"{SYMBOL}@trade", f"{SYMBOL}@aggTrade")
        taken, _ = sweep(trader)
        trades = [client.event("trade") for _ in range(3)]
        runs = [client.event("aggTrade") for _ in range(2)]
        place(trader, "sell", "2999.9", "0.1")
        sold = client.event("trade")
    assert [(one["p"], one["q"], one["m"]) for one in trades] == [
        ("3000.1", "0.5", False), ("3000.1", "0.5", False), ("3000.2", "0.2", False)
    ]  # fmt: skip
    assert [one["t"] for one in trades] == [fill["trade_id"] for fill in taken["fills"]]
    assert all(one["T"] == taken["created_at"] and one["s"] == "ETHUSDT" for one in trades)
    assert [(one["p"], one["q"], one["f"], one["l"], one["m"]) for one in runs] == [
        ("3000.1", "1", trades[0]["t"], trades[1]["t"], False), ("3000.2", "0.2", trades[2]["t"], trades[2]["t"], False)
    ]  # fmt: skip
    assert [one["a"] for one in runs] == [one["f"] for one in runs]
    assert (sold["m"], sold["p"], sold["t"]) == (True, "2999.9", trades[2]["t"] + 1), "the buyer was the maker"
    assert not {"a", "b"} & sold.keys(), "nobody's orders are shown"


def test_a_candle_with_its_taker_volumes(stack: Stack, trader: Client) -> None:
    with MarketClient(stack) as client:
        client.subscribe(*(f"{SYMBOL}@kline_{interval}" for interval in ("1d", "1w", "3d", "1M")))
        seen = last_trade(stack)
        had = {"v": "0", "V": "0", "n": 0}
        if seen:
            had = client.event("kline", lambda one: one["k"]["i"] == "1d" and one["k"]["L"] >= seen)["k"]
        taken, _ = sweep(trader)
        place(trader, "sell", "2999.9", "0.7")
        last = taken["fills"][-1]["trade_id"] + 1
        candle = client.event("kline", lambda one: one["k"]["i"] == "1d" and one["k"]["L"] == last)["k"]
        for interval in ("1w", "3d", "1M"):
            whole = client.event("kline", lambda one, i=interval: one["k"]["i"] == i and one["k"]["L"] == last)["k"]
            assert whole["x"] is False and whole["n"] >= candle["n"]
    assert candle["x"] is False and candle["s"] == "ETHUSDT"
    assert candle["T"] == candle["t"] + 24 * 3600 * 1000 - 1 and candle["t"] % (24 * 3600 * 1000) == 0
    assert candle["c"] == "2999.9"
    assert Decimal(candle["l"]) <= Decimal("2999.9") and Decimal(candle["h"]) >= Decimal("3000.2")
    assert Decimal(candle["v"]) - Decimal(had["v"]) == Decimal("1.9")
    assert Decimal(candle["V"]) - Decimal(had["V"]) == Decimal("1.2"), "takers bought"
    assert candle["n"] - had["n"] == 4


def last_trade(stack: Stack) -> int:
    with Client(stack.socket_url) as client:
        client.ok("subscribe", channel="trades", market=MARKET)
        trades = client.on("trades", "snapshot")["trades"]
        return trades[-1]["id"] if trades else 0


def test_tickers_of_one_and_of_all(stack: Stack, trader: Client) -> None:
    with MarketClient(stack) as client:
        client.subscribe(
            f"{SYMBOL}@ticker", f"{SYMBOL}@miniTicker", f"{SYMBOL}@avgPrice", "!ticker@arr", "!miniTicker@arr"
        )
        taken, _ = sweep(trader)
        last = taken["fills"][-1]["trade_id"]
        ticker = client.event("24hrTicker", lambda one: one["L"] == last and one["a"] == "3000.2" and one["B"] == "0.7")
        mini = client.event("24hrMiniTicker", lambda one: one["v"] == ticker["v"])
        average = client.event("avgPrice", lambda one: one["T"] == taken["created_at"])
        tickers = client.expect(lambda one: isinstance(one, list) and any(each.get("L") == last for each in one))
        minis = client.expect(
            lambda one: isinstance(one, list) and any(each == each | {"v": mini["v"], "e": mini["e"]} for each in one)
        )
    assert (ticker["c"], ticker["Q"], ticker["b"], ticker["A"]) == ("3000.2", "0.2", "2999.9", "0.3")
    assert ticker["F"] == last - ticker["n"] + 1
    assert ticker["C"] - ticker["O"] == 24 * 3600 * 1000
    assert Decimal(ticker["p"]) == Decimal(ticker["c"]) - Decimal(ticker["o"])
    assert Decimal(ticker["l"]) <= Decimal(ticker["w"]) <= Decimal(ticker["h"])
    assert {key: mini[key] for key in "cohlvqs"} == {key: ticker[key] for key in "cohlvqs"}
    assert Decimal(ticker["l"]) <= Decimal(average["w"]) <= Decimal(ticker["h"])
    assert {one["e"] for one in tickers} == {"24hrTicker"} and {one["e"] for one in minis} == {"24hrMiniTicker"}


def test_best_prices_and_levels(stack: Stack, trader: Client) -> None:
    with MarketClient(stack) as client:
        client.subscribe(f"{SYMBOL}@bookTicker", f"{SYMBOL}@depth5@100ms", f"{SYMBOL}@depth20")
        sweep(trader)
        best = client.expect(lambda one: one.get("a") == "3000.2" and one.get("A") == "0.3" and one["b"] == "2999.9")
        assert best == {"u": best["u"], "s": "ETHUSDT", "b": "2999.9", "B": "0.7", "a": "3000.2", "A": "0.3"}
        levels = client.expect(
            lambda one: one.get("asks") == [["3000.2", "0.3"]] and one["bids"] == [["2999.9", "0.7"]]
        )
        assert levels["lastUpdateId"] <= best["u"]
        for cents in range(30):
            place(trader, "buy", f"2990.{cents:02}", "0.01")
        five = client.expect(lambda one: len(one.get("bids", ())) == 5 and one["bids"][-1][0] == "2990.26")
        twenty = client.expect(lambda one: len(one.get("bids", ())) == 20 and one["bids"][1][0] == "2990.29")
        assert twenty["bids"][:5] == five["bids"]
    with MarketClient(stack, f"/ws/{SYMBOL}@bookTicker") as late:
        assert '"A":"0.30000000"' in late.socket.recv(timeout=PATIENCE_S), "amounts are padded to eight decimals"
    with MarketClient(stack, f"/ws/{SYMBOL}@depth10") as late:
        # Who comes to a quiet market gets its state at once.
        assert late.receive()["bids"] == twenty["bids"][:10]


def test_deltas_of_a_second(stack: Stack, trader: Client) -> None:
    with MarketClient(stack, f"/ws/{SYMBOL}@depth/{SYMBOL}@depth@100ms") as client:
        trader.ok("order.cancel_all", params={"market": MARKET})
        for tenths in range(10):
            place(trader, "buy", f"2950.{tenths}", "0.01")
            time.sleep(0.1)
        trader.ok("order.cancel_all", params={"market": MARKET})
        deltas = [client.event("depthUpdate")]
        while ["2950.9", "0"] not in deltas[-1]["b"] or len(deltas) < 3:
            deltas.append(client.event("depthUpdate"))
    assert all(delta["U"] <= delta["u"] for delta in deltas)


def test_requests_and_both_framings(stack: Stack, trader: Client) -> None:
    with MarketClient(stack, f"/stream?streams={SYMBOL}@trade/{SYMBOL}@bookTicker") as client:
        assert client.ask("GET_PROPERTY", ["combined"])["result"] is True
        assert client.ask("LIST_SUBSCRIPTIONS")["result"] == [f"{SYMBOL}@trade", f"{SYMBOL}@bookTicker"]
        assert client.ask("UNSUBSCRIBE", [f"{SYMBOL}@bookTicker", "btcusdt@trade"], id="text-id")["result"] is None
        assert client.ask("LIST_SUBSCRIPTIONS")["result"] == [f"{SYMBOL}@trade"]
        sweep(trader)
        wrapped = client.expect(lambda one: one.get("stream") == f"{SYMBOL}@trade")
        assert wrapped["data"]["e"] == "trade"
        assert client.ask("SET_PROPERTY", ["combined", False])["result"] is None
        sweep(trader)
        assert client.event("trade")["s"] == "ETHUSDT"
    with MarketClient(stack, "/stream/ws/3") as client:
        assert client.ask("GET_PROPERTY", ["combined"])["result"] is False
        assert client.ask("LIST_SUBSCRIPTIONS")["result"] == []


BAD_REQUESTS = [
    ("no json", 3), ("[]", 2), ("7", 2), ("{}", 2), ('{"method":"SUBSCRIBE","id":1}', 2),
    ('{"method":"subscribe","params":["ethusdt@trade"],"id":1}', 2),
    ('{"method":"SUBSCRIBE","params":["nosuch@trade"],"id":1}', 2),
    ('{"method":"SUBSCRIBE","params":["ethusdt@trade","ETHUSDT@trade"],"id":1}', 2),
    ('{"method":"SUBSCRIBE","params":["ethusdt@kline_2m"],"id":1}', 2),
    ('{"method":"SUBSCRIBE","params":["ethusdt@depth7"],"id":1}', 2),
    ('{"method":"SUBSCRIBE","params":["ethusdt@depth@200ms"],"id":1}', 2),
    ('{"method":"SUBSCRIBE","params":["!trade@arr"],"id":1}', 2),
    ('{"method":"SUBSCRIBE","params":"ethusdt@trade","id":1}', 2), ('{"method":"SUBSCRIBE","params":[1],"id":1}', 2),
    ('{"method":"SUBSCRIBE","params":["' + "x" * 10_000 + '"],"id":1}', 2),
    ('{"method":"LIST_SUBSCRIPTIONS","id":1.5}', 2), ('{"method":"LIST_SUBSCRIPTIONS","id":"' + "x" * 37 + '"}', 2),
    ('{"method":"LIST_SUBSCRIPTIONS","id":1,"more":1}', 2),
    ('{"method":"SET_PROPERTY","params":["combined",1],"id":1}', 1),
    ('{"method":"SET_PROPERTY","params":["x",true],"id":1}', 0), ('{"method":"GET_PROPERTY","params":[5],"id":1}', 2),
    ('{"method":["SUBSCRIBE"],"params":["ethusdt@trade"],"id":1}', 2), ('{"method":"SET_PROPERTY","id":1}', 2),
]  # fmt: skip


def test_bad_requests_change_nothing(stack: Stack) -> None:
    with MarketClient(stack) as client:
        for text, code in BAD_REQUESTS:
            client.socket.send(text)
            reply = client.receive()
            assert reply["error"]["code"] == code and reply["error"]["msg"], (text, reply)
            time.sleep(0.2)  # no faster than the limit
        client.socket.send(b"\x00")
        assert client.receive()["error"]["code"] == 3
        assert client.ask("LIST_SUBSCRIPTIONS")["result"] == []


def test_bounds(stack: Stack) -> None:
    with MarketClient(stack) as client:
        with suppress(ConnectionClosed):  # it may be over before all is sent
            for _ in range(200):
                client.send({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        assert client.closed() == (1008, "Too many requests")
    with MarketClient(stack, f"/ws/{SYMBOL}@trade/nosuch@trade") as client:
        assert client.receive()["error"]["code"] == 2
        assert client.closed()[0] == 1008
    with pytest.raises(InvalidStatus):
        MarketClient(stack, "/streams")
