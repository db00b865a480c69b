"""Addresses of markets and orders under /api/v1/."""

from django.urls import path

from orders.api import fees, lists, markets, reads, writes

urlpatterns = [
    path("markets", markets.MarketsView.as_view(), name="markets"),
    path("markets/<str:symbol>", markets.MarketView.as_view(), name="market"),
    path("markets/<str:symbol>/depth", markets.DepthView.as_view(), name="depth"),
    path("markets/<str:symbol>/trades", markets.TradesView.as_view(), name="trades"),
    path("markets/<str:symbol>/candles", markets.CandlesView.as_view(), name="candles"),
    path("markets/<str:symbol>/ticker", markets.TickerView.as_view(), name="ticker"),
    path("tickers", markets.TickersView.as_view(), name="tickers"),
    path("orders", reads.OrdersView.as_view(), name="orders"),
    path("orders/batch", writes.OrderBatchView.as_view(), name="orders_batch"),
    path("orders/batch-cancel", writes.OrderBatchCancelView.as_view(), name="orders_batch_cancel"),
    path("orders/<int:order_id>", reads.OrderView.as_view(), name="order"),
    path("orders/<int:order_id>/replace", writes.ReplaceOrderView.as_view(), name="order_replace"),
    path("orders/by-client-id/<str:client_id>", reads.OrderView.as_view(), name="order_by_client_id"),
    path("order-lists", lists.ListsView.as_view(), name="order_lists"),
    path("order-lists/<int:list_id>", lists.ListView.as_view(), name="order_list"),
    path("order-lists/by-client-id/<str:client_id>", lists.ListView.as_view(), name="order_list_by_client_id"),
    path("fees", fees.FeesView.as_view(), name="fees"),
    path("fills", reads.FillsView.as_view(), name="fills"),
    path("dead-man-switch", writes.DeadManSwitchView.as_view(), name="dead_man_switch"),
]
