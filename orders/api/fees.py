"""What an account pays."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from accounts.api import query
from accounts.api.base import PrivateView, answer
from accounts.api.openapi import MIN_SEQUENCE, DecimalText, documented
from accounts.api.paging import wait_for_rows
from matching.money import format_atoms
from orders import selectors
from orders.scales import PERCENT_SCALE


class MarketFees(serializers.Serializer[Any]):
    """Fees of an account in a market, in percent of what it receives."""

    market = serializers.CharField()
    maker_percent = DecimalText()
    taker_percent = DecimalText()


class FeeList(serializers.Serializer[Any]):
    """The account's fee tier, and what that means in each market."""

    tier = serializers.IntegerField()
    fees = MarketFees(many=True)
    sequence = serializers.IntegerField()


class FeesView(PrivateView):
    """/fees"""

    @documented("The account's fees", answer=FeeList, parameters=[MIN_SEQUENCE], tags=["orders"])
    def get(self, request: Request) -> HttpResponse:
        """By market."""
        query.read_query(request, {})
        sequence = wait_for_rows(request, selectors.wait_for_sequence)
        found = selectors.fees(account_id=self.caller.account_id)
        fees = [
            {
                "market": one.market.symbol,
                "maker_percent": format_atoms(one.maker_ppm, PERCENT_SCALE),
                "taker_percent": format_atoms(one.taker_ppm, PERCENT_SCALE),
            }
            for one in found
        ]
        tier = selectors.fee_tier(account_id=self.caller.account_id)
        return answer({"tier": tier, "fees": fees, "sequence": sequence}, sequence=sequence)
