"""Addresses of the web terminal's pages."""

from django.urls import path

from orders import views

urlpatterns = [
    path("", views.markets, name="markets"),
    path("markets/<str:symbol>/", views.market, name="market"),
    path("keys/", views.api_keys, name="api_keys"),
]
