"""Addresses under /api/v3/."""

from django.urls import path

from accounts.binance.endpoint import route
from orders.binance import account, market, market_history, trading

urlpatterns = [
    path("ping", route(GET=market.PING), name="binance_ping"),
    path("time", route(GET=market.TIME), name="binance_time"),
    path("exchangeInfo", route(GET=market.INFO), name="binance_exchange_info"),
    path("depth", route(GET=market.DEPTH), name="binance_depth"),
    path("trades", route(GET=market_history.TRADES), name="binance_trades"),
    path("historicalTrades", route(GET=market_history.HISTORICAL), name="binance_historical_trades"),
    path("aggTrades", route(GET=market_history.AGGREGATES), name="binance_agg_trades"),
    path("klines", route(GET=market_history.KLINES), name="binance_klines"),
    path("uiKlines", route(GET=market_history.KLINES), name="binance_ui_klines"),
    path("avgPrice", route(GET=market_history.AVERAGE), name="binance_avg_price"),
    path("ticker", route(GET=market_history.WINDOW), name="binance_ticker"),
    path("ticker/24hr", route(GET=market_history.DAY), name="binance_ticker_24hr"),
    path("ticker/price", route(GET=market_history.PRICE), name="binance_ticker_price"),
    path("ticker/bookTicker", route(GET=market_history.BOOK), name="binance_ticker_book"),
    path("ticker/tradingDay", route(GET=market_history.TRADING_DAY), name="binance_ticker_trading_day"),
    path("order", route(**trading.ORDER), name="binance_order"),
    path("account", route(GET=account.ACCOUNT), name="binance_account"),
    path("openOrders", route(GET=account.OPEN_ORDERS), name="binance_open_orders"),
]
