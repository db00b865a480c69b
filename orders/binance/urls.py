"""Addresses under /api/v3/."""

from django.urls import path

from accounts.binance.endpoint import route
from orders.binance import account, market, trading

urlpatterns = [
    path("ping", route(GET=market.PING), name="binance_ping"),
    path("time", route(GET=market.TIME), name="binance_time"),
    path("exchangeInfo", route(GET=market.INFO), name="binance_exchange_info"),
    path("depth", route(GET=market.DEPTH), name="binance_depth"),
    path("order", route(**trading.ORDER), name="binance_order"),
    path("account", route(GET=account.ACCOUNT), name="binance_account"),
    path("openOrders", route(GET=account.OPEN_ORDERS), name="binance_open_orders"),
]
