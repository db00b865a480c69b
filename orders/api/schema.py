"""Orders and fills in the OpenAPI document."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from accounts.api.openapi import DecimalText, Milliseconds, ProblemSerializer
from matching.engine.commands import SIDES, STPS, TIFS, TYPES
from orders import requests

STATUSES = ("open", "partially_filled", "waiting", "pending", "filled", "canceled", "expired")
ONLY_CANCELED = ("canceled",)
REASONS = (
    "filled", "canceled", "replaced", "unfilled", "fok", "stp", "funds", "expired", "deadman", "list", "refused",
    "fee",
)  # fmt: skip
SYMBOL = rf"^{requests.SYMBOL.pattern}$"
CLIENT_ID = rf"^{requests.CLIENT_ID.pattern}$"
LIST_CLIENT_ID = rf"^{requests.LIST_CLIENT_ID.pattern}$"

MARKET = OpenApiParameter("market", {"type": "string", "pattern": SYMBOL}, description="Only of this market.")
SIDE = OpenApiParameter("side", str, enum=SIDES, description="Only of this side.")
ORDER_ID = OpenApiParameter("order_id", {"type": "integer", "minimum": 1}, description="Only of this order.")
STATUS = OpenApiParameter("status", str, enum=["open", "closed", "all"], default="open")
CANCEL_ALL = (MARKET, SIDE)


class NewOrder(serializers.Serializer[Any]):
    """An order to place. A limit order has price and size, a market order size or quote_amount."""

    market = serializers.RegexField(SYMBOL)
    side = serializers.ChoiceField(choices=SIDES)
    type = serializers.ChoiceField(choices=TYPES, default="limit")
    tif = serializers.ChoiceField(choices=TIFS, help_text="Default gtc for limit orders, ioc for market orders.")
    price = DecimalText(help_text="Of a limit order: a multiple of the market's tick size.")
    stop_price = DecimalText(help_text="Makes it an order that waits until the last price gets here.")
    trigger = serializers.ChoiceField(
        choices=requests.TRIGGERS, default="stop",
        help_text="stop: a buy waits for a rise to stop_price, a sell for a fall. take_profit: the other way round.",
    )  # fmt: skip
    trail_percent = DecimalText(
        help_text="0.01 to 50: the stop follows the last price at this distance, beginning at stop_price if given."
    )
    size = DecimalText(help_text="In the base currency: a multiple of the market's lot size.")
    quote_amount = DecimalText(help_text="Of a market order instead of size: spend or receive that much.")
    display_size = DecimalText(help_text="Makes it an iceberg: at most this much of it is shown in the book.")
    post_only = serializers.BooleanField(default=False)
    stp = serializers.ChoiceField(choices=STPS, default="none", help_text="Self-trade prevention.")
    expires_at = Milliseconds(min_value=1, max_value=requests.TIME_MS_MAX, help_text="Of a gtd order.")
    client_id = serializers.RegexField(
        CLIENT_ID, help_text="Your own id; the same content again is not executed again."
    )

    def get_fields(self) -> dict[str, Any]:
        """Only market and side must be there; null is as good as missing."""
        fields = super().get_fields()
        for name, field in fields.items():
            if name not in ("market", "side"):
                field.required = False
                field.allow_null = True
        return fields


class Order(serializers.Serializer[Any]):
    """An order."""

    id = serializers.IntegerField()
    client_id = serializers.CharField(allow_null=True)
    market = serializers.CharField()
    side = serializers.ChoiceField(choices=SIDES)
    type = serializers.ChoiceField(choices=TYPES)
    tif = serializers.ChoiceField(choices=TIFS)
    price = DecimalText(allow_null=True)
    trigger = serializers.ChoiceField(choices=requests.TRIGGERS, allow_null=True)
    stop_price = DecimalText(allow_null=True)
    trail_percent = DecimalText(allow_null=True)
    size = DecimalText(allow_null=True)
    quote_amount = DecimalText(allow_null=True)
    display_size = DecimalText(allow_null=True)
    filled_size = DecimalText()
    filled_quote = DecimalText()
    remaining_size = DecimalText(allow_null=True)
    average_price = DecimalText(allow_null=True)
    fee = DecimalText()
    fee_asset = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUSES)
    done_reason = serializers.ChoiceField(choices=REASONS, allow_null=True)
    post_only = serializers.BooleanField()
    stp = serializers.ChoiceField(choices=STPS)
    expires_at = Milliseconds(allow_null=True)
    list_id = serializers.IntegerField(allow_null=True, help_text="The list it was placed with.")
    created_at = Milliseconds()
    updated_at = Milliseconds()
    sequence = serializers.IntegerField(help_text="Of the last command that changed it.")


class Fill(serializers.Serializer[Any]):
    """One side of a trade."""

    trade_id = serializers.IntegerField(help_text="Counts from 1 in each market.")
    order_id = serializers.IntegerField()
    market = serializers.CharField()
    side = serializers.ChoiceField(choices=SIDES)
    liquidity = serializers.ChoiceField(choices=["maker", "taker"])
    price = DecimalText()
    size = DecimalText()
    quote = DecimalText()
    fee = DecimalText()
    fee_asset = serializers.CharField()
    time = Milliseconds()
    sequence = serializers.IntegerField()


class PlacedOrder(Order):
    """An order as placed, with its fills so far."""

    fills = Fill(many=True)
    duplicate = serializers.BooleanField(help_text="The client id was taken by this very order before.")
    replaced = serializers.IntegerField(allow_null=True, help_text="Id of the order it took the place of.")


class BatchItem(serializers.Serializer[Any]):
    """The answer to one order of a batch: the order, or the error that refused it."""

    order = PlacedOrder(required=False)
    error = ProblemSerializer(required=False)


class Batch(serializers.Serializer[Any]):
    """Up to 500 orders."""

    orders = NewOrder(many=True, min_length=1, max_length=requests.BATCH_MAX)  # type: ignore[call-arg]  # the list's


class BatchAnswer(serializers.Serializer[Any]):
    """One answer for each order, in the order they were sent."""

    results = BatchItem(many=True)
    sequence = serializers.IntegerField(help_text="Of the last command; 0 if none reached the matcher.")


class Amend(serializers.Serializer[Any]):
    """What to change; at least one."""

    price = DecimalText(required=False, allow_null=True)
    size = DecimalText(required=False, allow_null=True, help_text="The new total, what is filled included.")


class AmendedOrder(serializers.Serializer[Any]):
    """An order after an amend, with what it traded by it."""

    id = serializers.IntegerField()
    market = serializers.CharField()
    side = serializers.ChoiceField(choices=SIDES)
    price = DecimalText()
    size = DecimalText()
    filled_size = DecimalText()
    remaining_size = DecimalText()
    status = serializers.ChoiceField(choices=STATUSES)
    done_reason = serializers.ChoiceField(choices=REASONS, allow_null=True)
    kept_priority = serializers.BooleanField()
    updated_at = Milliseconds()
    sequence = serializers.IntegerField()
    fills = Fill(many=True)


class CanceledOrder(serializers.Serializer[Any]):
    """A canceled order."""

    id = serializers.IntegerField()
    market = serializers.CharField()
    side = serializers.ChoiceField(choices=SIDES)
    remaining_size = DecimalText()
    status = serializers.ChoiceField(choices=ONLY_CANCELED)
    done_reason = serializers.ChoiceField(choices=ONLY_CANCELED)
    updated_at = Milliseconds()
    sequence = serializers.IntegerField()


class OrderName(serializers.Serializer[Any]):
    """One of the two."""

    order_id = serializers.IntegerField(required=False, min_value=1, max_value=requests.ORDER_ID_MAX)
    client_id = serializers.RegexField(CLIENT_ID, required=False)


class BatchCancel(serializers.Serializer[Any]):
    """Up to 500 orders."""

    orders = OrderName(many=True, min_length=1, max_length=requests.BATCH_MAX)  # type: ignore[call-arg]  # the list's


class BatchCancelItem(serializers.Serializer[Any]):
    """The answer for one order: canceled, or the error that refused it."""

    order = CanceledOrder(required=False)
    error = ProblemSerializer(required=False)


class BatchCancelAnswer(serializers.Serializer[Any]):
    """One answer for each order, in the order they were named."""

    results = BatchCancelItem(many=True)
    sequence = serializers.IntegerField()


class CanceledAll(serializers.Serializer[Any]):
    """What a cancel-all ended."""

    count = serializers.IntegerField()
    order_ids = serializers.ListField(child=serializers.IntegerField())
    time = Milliseconds()
    sequence = serializers.IntegerField()


class DeadManSwitch(serializers.Serializer[Any]):
    """Cancel everything unless called again within the time; 0 turns it off."""

    timeout_ms = serializers.IntegerField(min_value=0, max_value=requests.DEAD_MAN_MS_MAX)


class DeadManSwitchAnswer(serializers.Serializer[Any]):
    """When it fires; null: never."""

    fires_at = Milliseconds(allow_null=True)
    sequence = serializers.IntegerField()


class OrderPage(serializers.Serializer[Any]):
    """Orders, newest first."""

    orders = Order(many=True)
    next_cursor = serializers.CharField(allow_null=True)
    sequence = serializers.IntegerField()


class FillPage(serializers.Serializer[Any]):
    """Fills, newest first."""

    fills = Fill(many=True)
    next_cursor = serializers.CharField(allow_null=True)
    sequence = serializers.IntegerField()
