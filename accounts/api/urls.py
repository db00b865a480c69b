"""Addresses of accounts under /api/v1/."""

from django.urls import path

from accounts.api import views

urlpatterns = [
    path("time", views.TimeView.as_view(), name="time"),
    path("account", views.AccountView.as_view(), name="account"),
    path("keys", views.KeysView.as_view(), name="keys"),
    path("keys/<str:key>", views.KeyView.as_view(), name="key"),
]
