"""The chain's side of money: where to pay in, test tokens, claims."""

from django.http import HttpResponse
from rest_framework.request import Request

from accounts.api import query
from accounts.api.base import PrivateView, answer
from accounts.api.openapi import documented
from accounts.services import WITHDRAW
from wallets import deposit_address, test_funds
from wallets.api import schema, shapes
from wallets.api.views import assets_by_id
from wallets.chain import withdrawals


class DepositAddressView(PrivateView):
    """/deposit-address"""

    @documented("Where to pay in", answer=schema.DepositAddress, tags=["wallets"])
    def get(self, request: Request) -> HttpResponse:
        """The contract, and the account's number in it, which it gets soon after it is first asked for."""
        query.read_query(request, {})
        return answer(shapes.deposit_address_json(deposit_address.deposit_address(account_id=self.caller.account_id)))


class TestFundsView(PrivateView):
    """/test-funds"""

    @documented("Get test tokens", answer=schema.TestFunds, status=202, tags=["wallets"])
    def post(self, request: Request) -> HttpResponse:
        """Some of each asset, paid in through the contract; once an hour, and on a development chain only."""
        self.json_object()
        rows = test_funds.grant(account_id=self.caller.account_id)
        assets = assets_by_id()
        return answer({"funds": [shapes.test_funding_json(row, assets) for row in rows]}, status=202)


class ClaimView(PrivateView):
    """/withdrawals/{id}/claim"""

    write_permission = WITHDRAW

    @documented("Have a withdrawal paid out", answer=schema.WithdrawalItem, status=202, tags=["wallets"])
    def post(self, request: Request, withdrawal_id: int) -> HttpResponse:
        """The exchange claims it for its address; anybody else may do so at the contract too."""
        self.json_object()
        row = withdrawals.claim(account_id=self.caller.account_id, withdrawal_id=withdrawal_id)
        return answer(shapes.withdrawal_json(row, assets_by_id()), status=202)
