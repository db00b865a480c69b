"""What of /sapi/v1/ needs markets."""

from typing import Any, Final

from django.urls import path

from accounts.binance import params
from accounts.binance.endpoint import Call, Endpoint, route
from accounts.services import READ
from orders import selectors
from orders.binance import symbols
from orders.binance.account import rate_text


def trade_fees(call: Call) -> list[dict[str, Any]]:
    """GET asset/tradeFee."""
    symbol = call.get("symbol")
    only = symbols.listed(symbol).id if symbol else None
    return [
        {
            "symbol": symbols.name(fees.market.symbol),
            "makerCommission": rate_text(fees.maker_ppm),
            "takerCommission": rate_text(fees.taker_ppm),
        }
        for fees in selectors.fees(account_id=call.caller.account_id)
        if only is None or fees.market.pk == only
    ]


TRADE_FEES: Final = Endpoint(trade_fees, {"symbol": params.symbol}, access=READ)
urlpatterns = [path("asset/tradeFee", route(GET=TRADE_FEES), name="binance_trade_fee")]
