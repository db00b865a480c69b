"""Probes of ccxt's blocking client. Each gets the Desk of its test."""

import time
from dataclasses import dataclass
from typing import Any

import pytest

from tests.clients.conftest import ASK, BID, SYMBOL
from tests.clients.probes import REST, probe
from tests.clients.venue import eventually

ADDRESS = "0x52908400098527886E0F7030069857D2E4169EE7"


@dataclass
class Desk:
    """A trader and the maker who quotes, both ccxt.binance."""

    trader: Any
    maker: Any

    def buys(self, size: float = 0.01) -> dict[str, Any]:
        """The trader's market buy, filled."""
        return self.trader.create_order(SYMBOL, "market", "buy", size)

    def bids(self, price: float = 59_000, size: float = 0.5) -> dict[str, Any]:
        """The trader's resting bid."""
        return self.trader.create_order(SYMBOL, "limit", "buy", size, price)


@probe(REST, "GET exchangeInfo", "fetchMarkets")
def markets(desk: Desk) -> None:
    market = {market["symbol"]: market for market in desk.trader.fetch_markets()}[SYMBOL]
    assert market["spot"] and market["active"] and not market["margin"]
    assert (market["id"], market["baseId"], market["quoteId"]) == ("BTCUSDT", "BTC", "USDT")
    assert market["precision"]["price"] == 0.1
    assert market["precision"]["amount"] == 0.00001
    assert market["limits"]["amount"]["min"] == 0.00001
    assert market["limits"]["cost"]["min"] == 1


@probe(REST, "GET sapi capital/config/getall", "fetchCurrencies")
def currencies(desk: Desk) -> None:
    found = desk.trader.fetch_currencies()
    assert {"BTC", "ETH", "USDT"} <= set(found)
    assert found["BTC"]["precision"] == 1e-8


@probe(REST, "GET exchangeInfo", "fetchTradingLimits")
def trading_limits(desk: Desk) -> None:
    assert desk.trader.fetch_trading_limits([SYMBOL])[SYMBOL]["min"] == 0.00001


@probe(REST, "GET sapi system/status", "fetchStatus")
def status(desk: Desk) -> None:
    assert desk.trader.fetch_status()["status"] == "ok"


@probe(REST, "GET time", "fetchTime")
def server_time(desk: Desk) -> None:
    assert abs(desk.trader.fetch_time() - time.time() * 1000) < 60_000


@probe(REST, "GET depth", "fetchOrderBook", "fetchL2OrderBook")
def order_book(desk: Desk) -> None:
    def book():
        found = desk.trader.fetch_order_book(SYMBOL)
        return found["bids"] == [[BID, 1]] and found["asks"] == [[ASK, 1]] and found

    found = eventually(book, "the maker's two quotes and nothing else")
    assert found["nonce"] > 0
    assert desk.trader.fetch_order_book(SYMBOL, 5)["bids"] == [[BID, 1]]
    assert desk.trader.fetch_l2_order_book(SYMBOL)["asks"] == [[ASK, 1]]


@probe(REST, "GET ticker/24hr", "fetchTicker")
def ticker(desk: Desk) -> None:
    desk.buys()

    def is_right():
        found = desk.trader.fetch_ticker(SYMBOL)
        return (found["last"], found["bid"], found["ask"]) == (ASK, BID, ASK) and found

    found = eventually(is_right, "the last price and the best quotes")
    assert found["baseVolume"] > 0
    assert found["high"] >= found["low"] > 0


@probe(REST, "GET ticker/24hr", "fetchTickers")
def tickers(desk: Desk) -> None:
    assert set(desk.trader.fetch_tickers()) == {"BTC/USDT", "ETH/USDT", "ETH/BTC"}
    assert set(desk.trader.fetch_tickers([SYMBOL, "ETH/BTC"])) == {SYMBOL, "ETH/BTC"}


@probe(REST, "GET ticker/bookTicker", "fetchBidsAsks")
def bids_asks(desk: Desk) -> None:
    def is_right():
        found = desk.trader.fetch_bids_asks([SYMBOL])[SYMBOL]
        return (found["bid"], found["bidVolume"], found["ask"], found["askVolume"]) == (BID, 1, ASK, 1)

    eventually(is_right, "the best quotes with their sizes")


@probe(REST, "GET ticker/price", "fetchLastPrices")
def last_prices(desk: Desk) -> None:
    desk.buys()
    eventually(lambda: desk.trader.fetch_last_prices([SYMBOL])[SYMBOL]["price"] == ASK, "the last price")


@probe(REST, "GET klines", "fetchOHLCV")
def candles(desk: Desk) -> None:
    def traded(timeframe):
        # Each time anew: a candle may begin after a trade.
        desk.buys(0.001)
        found = desk.trader.fetch_ohlcv(SYMBOL, timeframe)
        return found and found[-1][5] > 0 and found

    for timeframe in ("1m", "1h", "1d", "1w"):
        found = eventually(lambda timeframe=timeframe: traded(timeframe), timeframe)
        opened, first, high, low, last, volume = found[-1]
        assert low <= min(first, last) <= max(first, last) <= high
        assert volume > 0
        assert opened % 60_000 == 0
    since = found[-1][0]
    assert desk.trader.fetch_ohlcv(SYMBOL, "1w", since=since, limit=1)[0][0] == since


@probe(REST, "GET aggTrades", "fetchTrades")
def trades(desk: Desk) -> None:
    desk.buys(0.012)
    found = eventually(
        lambda: [trade for trade in desk.trader.fetch_trades(SYMBOL, limit=5) if trade["amount"] == 0.012], "the trade"
    )[-1]
    assert (found["price"], found["side"]) == (ASK, "buy")
    assert found["cost"] == pytest.approx(721.2)
    by_trade = {"fetchTradesMethod": "publicGetTrades"}
    eventually(
        lambda: (
            [trade["amount"] for trade in desk.trader.fetch_trades(SYMBOL, limit=5, params=by_trade)][-1:] == [0.012]
        ),
        "the trade among single ones",
    )


@probe(REST, "GET account", "fetchBalance")
def balance(desk: Desk) -> None:
    before = desk.trader.fetch_balance()["USDT"]
    desk.bids(59_000, 0.5)
    after = desk.trader.fetch_balance()["USDT"]
    assert after["used"] == before["used"] + 29_500
    assert after["total"] == before["total"]


@probe(REST, "GET sapi asset/tradeFee", "fetchTradingFee")
def trading_fee(desk: Desk) -> None:
    found = desk.trader.fetch_trading_fee(SYMBOL)
    assert found["symbol"] == SYMBOL
    assert 0 < found["maker"] <= found["taker"] < 0.01


@probe(REST, "GET sapi asset/tradeFee", "fetchTradingFees")
def trading_fees(desk: Desk) -> None:
    found = desk.trader.fetch_trading_fees()
    assert found[SYMBOL]["taker"] == desk.trader.fetch_trading_fee(SYMBOL)["taker"]
    assert set(found) == {"BTC/USDT", "ETH/USDT", "ETH/BTC"}


@probe(REST, "GET sapi capital/deposit/address", "fetchDepositAddress")
def deposit_address(desk: Desk) -> None:
    found = desk.trader.fetch_deposit_address("BTC")
    assert found["currency"] == "BTC"
    assert found["address"]


@probe(REST, "GET sapi capital/deposit/hisrec", "fetchDeposits")
def deposits(desk: Desk) -> None:
    found = desk.trader.fetch_deposits("BTC")
    assert [(one["amount"], one["status"], one["type"]) for one in found] == [(1000, "ok", "deposit")]
    assert desk.trader.fetch_deposits("BTC", since=int(time.time() * 1000) + 60_000) == []


@probe(REST, "POST sapi capital/withdraw/apply", "withdraw")
def withdraw(desk: Desk) -> None:
    before = desk.trader.fetch_balance()["ETH"]
    made = desk.trader.withdraw("ETH", 0.5, ADDRESS)
    assert made["id"]
    eventually(lambda: desk.trader.fetch_balance()["ETH"]["free"] == before["free"] - 0.5, "what is withdrawn is held")


@probe(REST, "GET sapi capital/withdraw/history", "fetchWithdrawals")
def withdrawals(desk: Desk) -> None:
    made = desk.trader.withdraw("ETH", 0.25, ADDRESS)
    found = {one["id"]: one for one in desk.trader.fetch_withdrawals("ETH")}[made["id"]]
    assert (found["amount"], found["address"], found["type"]) == (0.25, ADDRESS, "withdrawal")
    assert found["status"] in {"pending", "ok"}


@probe(REST, "GET sapi capital/config/getall", "fetchTransactionFee", "fetchTransactionFees")
def transaction_fees(desk: Desk) -> None:
    assert "BTC" in desk.trader.fetch_transaction_fees()["withdraw"]
    assert "BTC" in desk.trader.fetch_transaction_fee("BTC")["withdraw"]


@probe(REST, "GET sapi capital/config/getall", "fetchDepositWithdrawFee", "fetchDepositWithdrawFees")
def deposit_withdraw_fees(desk: Desk) -> None:
    assert "BTC" in desk.trader.fetch_deposit_withdraw_fees()
    assert desk.trader.fetch_deposit_withdraw_fee("BTC")["withdraw"]["fee"] is not None
