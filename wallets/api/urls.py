"""Addresses of wallets under /api/v1/."""

from django.urls import path

from wallets.api import chain, views

urlpatterns = [
    path("assets", views.AssetsView.as_view(), name="assets"),
    path("balances", views.BalancesView.as_view(), name="balances"),
    path("ledger", views.LedgerView.as_view(), name="ledger"),
    path("deposits", views.DepositsView.as_view(), name="deposits"),
    path("withdrawals", views.WithdrawalsView.as_view(), name="withdrawals"),
    path("withdrawals/<int:withdrawal_id>", views.WithdrawalView.as_view(), name="withdrawal"),
    path("withdrawals/<int:withdrawal_id>/claim", chain.ClaimView.as_view(), name="claim"),
    path("deposit-address", chain.DepositAddressView.as_view(), name="deposit_address"),
    path("test-funds", chain.TestFundsView.as_view(), name="test_funds"),
    path("transfers", views.TransfersView.as_view(), name="transfers"),
]
