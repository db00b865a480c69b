"""Addresses under /sapi/v1/; those that need markets are in orders/binance/sapi.py."""

from django.urls import path

from accounts.binance.endpoint import route
from wallets.binance import capital, status

urlpatterns = [
    path("capital/config/getall", route(GET=capital.COINS), name="binance_coins"),
    path("capital/deposit/address", route(GET=capital.ADDRESS), name="binance_deposit_address"),
    path("capital/deposit/hisrec", route(GET=capital.DEPOSITS), name="binance_deposits"),
    path("capital/withdraw/apply", route(POST=capital.WITHDRAW_APPLY), name="binance_withdraw"),
    path("capital/withdraw/history", route(GET=capital.WITHDRAWALS), name="binance_withdrawals"),
    path("system/status", route(GET=status.SYSTEM), name="binance_system_status"),
    path("spot/delist-schedule", route(GET=status.DELISTINGS), name="binance_delistings"),
    path("account/status", route(GET=status.ACCOUNT), name="binance_account_status"),
    path("account/apiRestrictions", route(GET=status.API_RESTRICTIONS), name="binance_api_restrictions"),
]
