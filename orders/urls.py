"""Addresses of the web terminal's pages."""

from django.urls import path

from orders import views

urlpatterns = [
    path("", views.markets, name="markets_page"),
    path("markets/<str:symbol>/", views.market, name="market_page"),
    path("wallet/", views.wallet, name="wallet_page"),
    path("keys/", views.api_keys, name="api_keys_page"),
]
