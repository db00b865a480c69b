"""Markets and market data in the OpenAPI document."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from accounts.api.openapi import DecimalText, Milliseconds
from matching.engine.commands import SIDES, STATES
from orders import selectors


def _limit(most: int, default: int) -> OpenApiParameter:
    return OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": most, "default": default})


_TIME = {"type": "integer", "format": "int64", "minimum": 0, "maximum": 9_000_000_000_000}
DEPTH_LIMIT = _limit(5_000, 100)
TRADE_LIMIT = _limit(500, 50)
CANDLE_LIMIT = _limit(1_000, 500)
INTERVAL = OpenApiParameter("interval", str, enum=list(selectors.INTERVALS), default="1m")
START = OpenApiParameter("start", _TIME, description="Opening at or after, in milliseconds.")
END = OpenApiParameter("end", _TIME, description="Opening before, in milliseconds.")


class Fees(serializers.Serializer[Any]):
    """Fees of a tier, in percent of what a side receives."""

    tier = serializers.IntegerField()
    maker_percent = DecimalText()
    taker_percent = DecimalText()


class Market(serializers.Serializer[Any]):
    """A market with its rules and state."""

    symbol = serializers.CharField()
    base = serializers.CharField()
    quote = serializers.CharField()
    tick_size = DecimalText()
    lot_size = DecimalText()
    min_size = DecimalText()
    max_size = DecimalText()
    min_notional = DecimalText()
    band_percent = DecimalText(help_text="How far a limit price may lie from the last price.")
    max_open_orders = serializers.IntegerField()
    fees = Fees(many=True)
    state = serializers.ChoiceField(choices=STATES)
    state_until = Milliseconds(allow_null=True)
    state_reason = serializers.CharField(allow_null=True)


class MarketList(serializers.Serializer[Any]):
    """All markets."""

    markets = Market(many=True)


class Depth(serializers.Serializer[Any]):
    """A book: levels of [price, size], best first."""

    market = serializers.CharField()
    sequence = serializers.IntegerField()
    time = Milliseconds()
    bids = serializers.ListField(child=serializers.ListField(child=DecimalText(), min_length=2, max_length=2))
    asks = serializers.ListField(child=serializers.ListField(child=DecimalText(), min_length=2, max_length=2))
    checksum = serializers.IntegerField(help_text="docs/sockets.md says how it is made.")


class Trade(serializers.Serializer[Any]):
    """A public trade."""

    id = serializers.IntegerField(help_text="Counts from 1 in each market.")
    price = DecimalText()
    size = DecimalText()
    quote = DecimalText()
    side = serializers.ChoiceField(choices=SIDES, help_text="The taker's.")
    time = Milliseconds()
    sequence = serializers.IntegerField()


class TradePage(serializers.Serializer[Any]):
    """Trades, newest first."""

    trades = Trade(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class Candle(serializers.Serializer[Any]):
    """One interval; weeks begin on Monday, UTC."""

    open_time = Milliseconds()
    open = DecimalText()
    high = DecimalText()
    low = DecimalText()
    close = DecimalText()
    volume = DecimalText()
    quote_volume = DecimalText()
    trades = serializers.IntegerField()


class CandleList(serializers.Serializer[Any]):
    """Candles, rising by time."""

    candles = Candle(many=True)


class Ticker(serializers.Serializer[Any]):
    """A market's last 24 hours."""

    market = serializers.CharField()
    last = DecimalText()
    open = DecimalText()
    high = DecimalText()
    low = DecimalText()
    change = DecimalText()
    change_percent = DecimalText()
    volume = DecimalText()
    quote_volume = DecimalText()
    trades = serializers.IntegerField()
    first_trade = serializers.IntegerField(allow_null=True)
    last_trade = serializers.IntegerField(allow_null=True)
    last_size = DecimalText(allow_null=True)
    last_time = Milliseconds(allow_null=True)
    previous = DecimalText(help_text="The last price before the 24 hours.")
    average = DecimalText(allow_null=True, help_text="Weighted by size.")
    average_5m = DecimalText(help_text="Of the last five minutes; the last price if nothing was traded in them.")
    bid = DecimalText(allow_null=True)
    bid_size = DecimalText(allow_null=True)
    ask = DecimalText(allow_null=True)
    ask_size = DecimalText(allow_null=True)
    state = serializers.ChoiceField(choices=STATES)
    time = Milliseconds()
    sequence = serializers.IntegerField()


class TickerList(serializers.Serializer[Any]):
    """All markets."""

    tickers = Ticker(many=True)
