"""Addresses under /api/v3/."""

from django.urls import path

from accounts.binance.endpoint import route
from orders.binance import account, lists, market, market_history, trading

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
    path("order/test", route(POST=trading.TEST), name="binance_order_test"),
    path("order/cancelReplace", route(POST=trading.CANCEL_REPLACE), name="binance_cancel_replace"),
    path("order/amend/keepPriority", route(PUT=trading.AMEND), name="binance_amend"),
    path("order/oco", route(POST=lists.PLACE_OLD_OCO), name="binance_old_oco"),
    path("orderList", route(**lists.ORDER_LIST), name="binance_order_list"),
    path("orderList/oco", route(POST=lists.PLACE_OCO), name="binance_oco"),
    path("orderList/oto", route(POST=lists.PLACE_OTO), name="binance_oto"),
    path("orderList/otoco", route(POST=lists.PLACE_OTOCO), name="binance_otoco"),
    path("allOrderList", route(GET=lists.ALL_LISTS), name="binance_all_lists"),
    path("openOrderList", route(GET=lists.OPEN_LISTS), name="binance_open_lists"),
    path("account", route(GET=account.ACCOUNT), name="binance_account"),
    path("openOrders", route(GET=account.OPEN_ORDERS, DELETE=trading.CANCEL_OPEN), name="binance_open_orders"),
    path("allOrders", route(GET=account.ALL_ORDERS), name="binance_all_orders"),
    path("myTrades", route(GET=account.MY_TRADES), name="binance_my_trades"),
    path("account/commission", route(GET=account.COMMISSION), name="binance_commission"),
    path("rateLimit/order", route(GET=account.ORDER_COUNTS), name="binance_order_counts"),
]
