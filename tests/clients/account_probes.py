"""Probes of ccxt.pro: the user data stream, and orders and reads over the WebSocket API."""

from typing import Any

import pytest

from tests.clients.conftest import ASK, SYMBOL
from tests.clients.probes import SOCKETS, probe
from tests.clients.socket_probes import Trading
from tests.clients.venue import watched, watching

STREAM = "userDataStream.subscribe.signature"


@probe(SOCKETS, f"{STREAM}: executionReport", "watchOrders")
async def orders(trading: Trading) -> None:
    client = trading.client
    await client.authenticate()
    async with watching(lambda: client.watch_orders(SYMBOL)) as watch:
        resting = await trading.act(trading.bids, 59_000, 0.5)
        order = (await watch.until(lambda found: found[-1]["id"] == resting["id"], "the bid"))[-1]
        assert (order["status"], order["price"], order["amount"], order["side"]) == ("open", 59_000, 0.5, "buy")
        assert order["clientOrderId"] == resting["clientOrderId"]
        await trading.act(trading.trader.cancel_order, resting["id"], SYMBOL)
        await watch.until(lambda found: found[-1]["status"] == "canceled", "its cancel")
        bought = await trading.act(trading.buys, 0.02)
        order = (await watch.until(lambda found: found[-1]["status"] == "closed", "the market order"))[-1]
        assert (order["id"], order["filled"], order["average"]) == (bought["id"], 0.02, ASK)


@probe(SOCKETS, f"{STREAM}: executionReport", "watchMyTrades")
async def my_trades(trading: Trading) -> None:
    client = trading.client
    await client.authenticate()
    async with watching(lambda: client.watch_my_trades(SYMBOL)) as watch:
        bought = await trading.act(trading.buys, 0.02)
        trade = (await watch.until(lambda found: found[-1]["order"] == bought["id"], "the trade"))[-1]
    assert (trade["price"], trade["amount"], trade["side"], trade["takerOrMaker"]) == (ASK, 0.02, "buy", "taker")
    assert trade["fee"]["currency"] == "BTC"
    assert trade["fee"]["cost"] == pytest.approx(bought["fee"]["cost"])


@probe(SOCKETS, f"{STREAM}: outboundAccountPosition", "watchBalance")
async def balance(trading: Trading) -> None:
    client = trading.client
    await client.authenticate()
    before = (await trading.act(trading.trader.fetch_balance))["USDT"]
    async with watching(client.watch_balance) as watch:
        await trading.act(trading.bids, 59_000, 0.5)
        found = await watch.until(lambda found: found["USDT"]["used"] == before["used"] + 29_500, "what the bid holds")
        assert found["USDT"]["free"] == before["free"] - 29_500


@probe(SOCKETS, "order.place", "createOrderWs", "createLimitOrderWs", "createMarketOrderWs")
async def create(trading: Trading) -> None:
    client = trading.client
    made = await client.create_order_ws(SYMBOL, "limit", "buy", 0.02, ASK, {"newClientOrderId": "probe-create-ws"})
    assert (made["status"], made["filled"], made["average"]) == ("closed", 0.02, ASK)
    assert made["clientOrderId"] == "probe-create-ws"
    assert [(trade["price"], trade["amount"]) for trade in made["trades"]] == [(ASK, 0.02)]
    resting = await client.create_order_ws(SYMBOL, "LIMIT_MAKER", "buy", 0.01, 59_000)
    assert (resting["status"], resting["postOnly"]) == ("open", True)
    sold = await client.create_order_ws(SYMBOL, "market", "sell", 0.02)
    assert (sold["status"], sold["filled"]) == ("closed", 0.02)


async def bids_over_the_socket(trading: Trading, price: float = 59_000, **more: Any) -> dict[str, Any]:
    """A resting bid."""
    return await trading.client.create_order_ws(SYMBOL, "limit", "buy", 0.5, price, more)


@probe(SOCKETS, "order.cancelReplace", "editOrderWs")
async def edit(trading: Trading) -> None:
    made = await bids_over_the_socket(trading)
    edited = await trading.client.edit_order_ws(made["id"], SYMBOL, "limit", "buy", 0.4, 59_100)
    assert (edited["status"], edited["price"], edited["amount"]) == ("open", 59_100, 0.4)
    assert (await trading.client.fetch_order_ws(made["id"], SYMBOL))["status"] == "canceled"


@probe(SOCKETS, "order.cancel", "cancelOrderWs")
async def cancel(trading: Trading) -> None:
    made = await bids_over_the_socket(trading)
    canceled = await trading.client.cancel_order_ws(made["id"], SYMBOL)
    assert (canceled["id"], canceled["status"]) == (made["id"], "canceled")


@probe(SOCKETS, "openOrders.cancelAll", "cancelAllOrdersWs")
async def cancel_all(trading: Trading) -> None:
    made = {(await bids_over_the_socket(trading, price))["id"] for price in (59_000, 59_001)}
    assert {order["id"] for order in await trading.client.cancel_all_orders_ws(SYMBOL)} == made
    assert await trading.client.fetch_open_orders_ws(SYMBOL) == []


@probe(SOCKETS, "order.status", "fetchOrderWs")
async def fetch(trading: Trading) -> None:
    made = await bids_over_the_socket(trading, newClientOrderId="probe-fetch-ws")
    found = await trading.client.fetch_order_ws(made["id"], SYMBOL)
    assert (found["status"], found["price"], found["amount"]) == ("open", 59_000, 0.5)
    by_name = await trading.client.fetch_order_ws("", SYMBOL, {"origClientOrderId": "probe-fetch-ws"})
    assert by_name["id"] == made["id"]


@probe(SOCKETS, "openOrders.status", "fetchOpenOrdersWs")
async def open_orders(trading: Trading) -> None:
    made = await bids_over_the_socket(trading)
    assert [order["id"] for order in await trading.client.fetch_open_orders_ws(SYMBOL)] == [made["id"]]


@probe(SOCKETS, "allOrders", "fetchOrdersWs")
async def all_orders(trading: Trading) -> None:
    bought = await trading.act(trading.buys)
    made = await bids_over_the_socket(trading)
    found = await trading.client.fetch_orders_ws(SYMBOL)
    assert [order["id"] for order in found[-2:]] == [bought["id"], made["id"]]
    assert found[-1]["status"] == "open"
    assert (await trading.client.fetch_closed_orders_ws(SYMBOL))[-1]["id"] == bought["id"]


@probe(SOCKETS, "myTrades", "fetchMyTradesWs")
async def fetch_my_trades(trading: Trading) -> None:
    bought = await trading.act(trading.buys, 0.015)
    found = (await trading.client.fetch_my_trades_ws(SYMBOL, limit=1))[-1]
    assert (found["order"], found["amount"], found["side"]) == (bought["id"], 0.015, "buy")


@probe(SOCKETS, "trades.historical", "fetchTradesWs")
async def fetch_trades(trading: Trading) -> None:
    await trading.act(trading.buys, 0.016)

    async def last() -> Any:
        return (await trading.client.fetch_trades_ws(SYMBOL, limit=1))[-1]

    found = await watched(last, lambda trade: trade["amount"] == 0.016, "the trade")
    assert (found["price"], found["side"]) == (ASK, "buy")


@probe(SOCKETS, "account.status", "fetchBalanceWs")
async def fetch_balance(trading: Trading) -> None:
    # ccxt 4.5.90 takes an answer of account.status for one of futures and leaves the coins in `info`.
    told = (await trading.client.fetch_balance_ws())["info"]["balances"]
    found = {row["asset"]: (float(row["free"]), float(row["locked"])) for row in told}
    expected = (await trading.act(trading.trader.fetch_balance))["USDT"]
    assert found["USDT"] == (expected["free"], expected["used"])


@probe(SOCKETS, "klines", "fetchOHLCVWs")
async def fetch_candles(trading: Trading) -> None:
    await trading.act(trading.buys)

    async def both() -> list[Any]:
        over_rest = await trading.act(trading.trader.fetch_ohlcv, SYMBOL, "1h", None, 1)
        return [over_rest, await trading.client.fetch_ohlcv_ws(SYMBOL, "1h", limit=1)]

    # The candle may change between the two.
    found = await watched(both, lambda found: found[0] == found[1], "the same over REST and socket")
    assert found[1][0][4] == ASK
