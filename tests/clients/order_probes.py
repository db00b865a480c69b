"""Probes of ccxt's blocking client: what places, changes, ends and lists orders."""

from typing import Any

import pytest

from tests.clients.conftest import ASK, SYMBOL
from tests.clients.probes import REST, probe
from tests.clients.rest_probes import Desk
from tests.clients.venue import eventually

PLACE = "POST order"


def is_open(desk: Desk, made: dict[str, Any], **expected: Any) -> dict[str, Any]:
    """The order rests, as asked for; what the exchange itself has of it."""
    found = desk.trader.fetch_order(made["id"], SYMBOL)
    assert found["status"] == "open"
    assert found["filled"] == 0
    for name, value in expected.items():
        assert found[name] == value, (name, found)
    return found["info"]


@probe(REST, PLACE, "createOrder")
def create(desk: Desk) -> None:
    made = desk.trader.create_order(SYMBOL, "limit", "buy", 0.02, ASK, {"clientOrderId": "probe-create"})
    assert (made["status"], made["filled"], made["average"]) == ("closed", 0.02, ASK)
    assert made["clientOrderId"] == "probe-create"
    assert [(trade["price"], trade["amount"]) for trade in made["trades"]] == [(ASK, 0.02)]
    assert made["fee"]["currency"] == "BTC"
    assert made["fee"]["cost"] > 0


@probe(REST, f"{PLACE} (LIMIT)", "createLimitOrder", "createLimitBuyOrder", "createLimitSellOrder")
def create_limit(desk: Desk) -> None:
    is_open(desk, desk.trader.create_limit_order(SYMBOL, "buy", 0.01, 59_000), price=59_000, side="buy", type="limit")
    is_open(desk, desk.trader.create_limit_buy_order(SYMBOL, 0.01, 59_100), price=59_100, side="buy")
    is_open(desk, desk.trader.create_limit_sell_order(SYMBOL, 0.01, 61_000), price=61_000, side="sell")


@probe(REST, f"{PLACE} (MARKET)", "createMarketOrder", "createMarketBuyOrder", "createMarketSellOrder")
def create_market(desk: Desk) -> None:
    assert desk.trader.create_market_order(SYMBOL, "buy", 0.01)["filled"] == 0.01
    assert desk.trader.create_market_buy_order(SYMBOL, 0.02)["filled"] == 0.02
    sold = desk.trader.create_market_sell_order(SYMBOL, 0.03)
    assert (sold["filled"], sold["status"], sold["fee"]["currency"]) == (0.03, "closed", "USDT")


@probe(
    REST, f"{PLACE} (quoteOrderQty)", "createMarketOrderWithCost", "createMarketBuyOrderWithCost",
    "createMarketSellOrderWithCost",
)  # fmt: skip
def create_market_with_cost(desk: Desk) -> None:
    assert desk.trader.create_market_order_with_cost(SYMBOL, "buy", 601)["filled"] == 0.01
    assert desk.trader.create_market_buy_order_with_cost(SYMBOL, 1202)["filled"] == 0.02
    sold = desk.trader.create_market_sell_order_with_cost(SYMBOL, 599)
    assert (sold["filled"], sold["cost"]) == (0.01, 599)


@probe(REST, f"{PLACE} (LIMIT_MAKER)", "createPostOnlyOrder")
def create_post_only(desk: Desk) -> None:
    made = desk.trader.create_post_only_order(SYMBOL, "limit", "buy", 0.01, 60_000)
    assert is_open(desk, made, postOnly=True)["type"] == "LIMIT_MAKER"


@probe(
    REST, f"{PLACE} (STOP_LOSS, STOP_LOSS_LIMIT)", "createStopLossOrder", "createStopOrder", "createStopLimitOrder",
    "createTriggerOrder",
)  # fmt: skip
def create_stops(desk: Desk) -> None:
    trader = desk.trader
    made = trader.create_stop_loss_order(SYMBOL, "market", "sell", 0.01, None, 58_000)
    assert is_open(desk, made, triggerPrice=58_000)["type"] == "STOP_LOSS"
    made = trader.create_stop_order(SYMBOL, "limit", "sell", 0.01, 57_900, 58_000)
    assert is_open(desk, made, triggerPrice=58_000, price=57_900)["type"] == "STOP_LOSS_LIMIT"
    made = trader.create_stop_limit_order(SYMBOL, "buy", 0.01, 62_100, 62_000)
    assert is_open(desk, made, triggerPrice=62_000, price=62_100)["type"] == "STOP_LOSS_LIMIT"
    made = trader.create_trigger_order(SYMBOL, "limit", "sell", 0.01, 57_900, 58_000)
    assert is_open(desk, made, triggerPrice=58_000)["type"] == "STOP_LOSS_LIMIT"


@probe(REST, f"{PLACE} (TAKE_PROFIT, TAKE_PROFIT_LIMIT)", "createTakeProfitOrder")
def create_take_profits(desk: Desk) -> None:
    made = desk.trader.create_take_profit_order(SYMBOL, "limit", "sell", 0.01, 62_000, 62_100)
    assert is_open(desk, made, triggerPrice=62_100, price=62_000)["type"] == "TAKE_PROFIT_LIMIT"
    made = desk.trader.create_take_profit_order(SYMBOL, "market", "sell", 0.01, None, 62_100)
    assert is_open(desk, made, triggerPrice=62_100)["type"] == "TAKE_PROFIT"


@probe(REST, f"{PLACE} (trailingDelta)", "createTrailingPercentOrder")
def create_trailing(desk: Desk) -> None:
    made = desk.trader.create_trailing_percent_order(
        SYMBOL, "market", "sell", 0.01, None, 2, None, {"stopLossOrTakeProfit": "stopLoss"}
    )
    info = is_open(desk, made)
    assert (info["type"], int(info["trailingDelta"])) == ("STOP_LOSS", 200)


@probe(REST, "POST order/cancelReplace", "editOrder")
def edit(desk: Desk) -> None:
    made = desk.bids(59_000, 0.5)
    edited = desk.trader.edit_order(made["id"], SYMBOL, "limit", "buy", 0.4, 59_100)
    assert edited["id"] != made["id"]
    is_open(desk, edited, price=59_100, amount=0.4)
    assert desk.trader.fetch_order(made["id"], SYMBOL)["status"] == "canceled"


@probe(REST, "DELETE order", "cancelOrder")
def cancel(desk: Desk) -> None:
    made = desk.bids()
    canceled = desk.trader.cancel_order(made["id"], SYMBOL)
    assert (canceled["id"], canceled["status"]) == (made["id"], "canceled")
    named = desk.trader.create_order(SYMBOL, "limit", "buy", 0.01, 59_000, {"clientOrderId": "probe-cancel"})
    canceled = desk.trader.cancel_order("", SYMBOL, {"clientOrderId": "probe-cancel"})
    assert canceled["id"] == named["id"]
    assert desk.trader.fetch_open_orders(SYMBOL) == []


@probe(REST, "DELETE openOrders", "cancelAllOrders")
def cancel_all(desk: Desk) -> None:
    made = {desk.bids(price)["id"] for price in (59_000, 59_001, 59_002)}
    assert {order["id"] for order in desk.trader.cancel_all_orders(SYMBOL)} == made
    assert desk.trader.fetch_open_orders(SYMBOL) == []


@probe(REST, "GET order", "fetchOrder")
def fetch(desk: Desk) -> None:
    made = desk.trader.create_order(SYMBOL, "limit", "buy", 0.5, 59_000, {"clientOrderId": "probe-fetch"})
    is_open(desk, made, price=59_000, amount=0.5, remaining=0.5, side="buy", timeInForce="GTC")
    by_name = desk.trader.fetch_order("", SYMBOL, {"clientOrderId": "probe-fetch"})
    assert by_name["id"] == made["id"]
    assert by_name["timestamp"] == made["timestamp"]


@probe(REST, "GET openOrders", "fetchOpenOrders")
def open_orders(desk: Desk) -> None:
    made = desk.bids()
    assert [order["id"] for order in desk.trader.fetch_open_orders(SYMBOL)] == [made["id"]]
    # ccxt wants it acknowledged that this counts more.
    desk.trader.options["fetchOpenOrders"]["warnWithoutSymbol"] = False
    assert [order["id"] for order in desk.trader.fetch_open_orders()] == [made["id"]]


@probe(REST, "GET allOrders", "fetchOrders", "fetchClosedOrders", "fetchCanceledOrders", "fetchCanceledAndClosedOrders")
def orders(desk: Desk) -> None:
    bought, canceled, resting = desk.buys(), desk.bids(), desk.bids()
    desk.trader.cancel_order(canceled["id"], SYMBOL)
    since = bought["timestamp"]

    def ids(found: list[dict[str, Any]]) -> list[str]:
        return [order["id"] for order in found]

    every = desk.trader.fetch_orders(SYMBOL, since=since)
    assert ids(every)[-3:] == [bought["id"], canceled["id"], resting["id"]]
    assert [order["status"] for order in every[-3:]] == ["closed", "canceled", "open"]
    assert bought["id"] in ids(desk.trader.fetch_closed_orders(SYMBOL, since=since))
    assert canceled["id"] in ids(desk.trader.fetch_canceled_orders(SYMBOL, since=since))
    both = ids(desk.trader.fetch_canceled_and_closed_orders(SYMBOL, since=since))
    assert bought["id"] in both
    assert canceled["id"] in both
    assert resting["id"] not in both


@probe(REST, "GET myTrades", "fetchMyTrades")
def my_trades(desk: Desk) -> None:
    bought = desk.buys(0.015)
    found = desk.trader.fetch_my_trades(SYMBOL, limit=1)[-1]
    assert (found["order"], found["price"], found["amount"], found["side"]) == (bought["id"], ASK, 0.015, "buy")
    assert found["takerOrMaker"] == "taker"
    assert found["fee"]["currency"] == "BTC"
    assert found["fee"]["cost"] == pytest.approx(bought["fee"]["cost"])
    sold = desk.maker.fetch_my_trades(SYMBOL, limit=1)[-1]
    assert (sold["id"], sold["side"], sold["takerOrMaker"]) == (found["id"], "sell", "maker")


@probe(REST, "GET myTrades (orderId)", "fetchOrderTrades")
def order_trades(desk: Desk) -> None:
    first, _ = desk.buys(0.01), desk.buys(0.02)
    found = eventually(lambda: desk.trader.fetch_order_trades(first["id"], SYMBOL), "the order's trades")
    assert [(trade["order"], trade["amount"]) for trade in found] == [(first["id"], 0.01)]
