"""Order lists in the OpenAPI document."""

from typing import Any

from rest_framework import serializers

from accounts.api.openapi import Milliseconds
from orders import requests
from orders.api import schema

STATUSES = ("live", "ended")


class Leg(schema.NewOrder):
    """An order of a list, as a new order; its market may be left out."""

    def get_fields(self) -> dict[str, Any]:
        """The market is the list's."""
        fields = super().get_fields()
        fields["market"].required = False
        return fields


class NewList(serializers.Serializer[Any]):
    """Two orders to place together, of an otoco three."""

    kind = serializers.ChoiceField(choices=requests.LIST_KINDS)
    market = serializers.RegexField(schema.SYMBOL)
    orders = Leg(many=True, min_length=requests.LEGS_MIN, max_length=requests.LEGS_MAX)  # type: ignore[call-arg]  # the list's
    client_id = serializers.RegexField(
        schema.LIST_CLIENT_ID, required=False, allow_null=True,
        help_text="Your own id; orders without one get it with .1, .2, .3, so the same list is not placed again.",
    )  # fmt: skip


class Name(serializers.Serializer[Any]):
    """An order of a list."""

    order_id = serializers.IntegerField()
    client_id = serializers.CharField(allow_null=True)


class _List(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="That of its first order.")
    client_id = serializers.CharField(allow_null=True)
    market = serializers.CharField()
    kind = serializers.ChoiceField(choices=requests.LIST_KINDS)
    status = serializers.ChoiceField(choices=STATUSES, help_text="live: its orders depend on each other.")
    legs = Name(many=True)
    created_at = Milliseconds()
    updated_at = Milliseconds()
    sequence = serializers.IntegerField(help_text="Of the last command that changed one of its orders.")


class OrderList(_List):
    """A list with its orders."""

    orders = schema.Order(many=True)


class PlacedList(_List):
    """A list as placed, with the fills of its orders so far."""

    orders = schema.PlacedOrder(many=True)
    duplicate = serializers.BooleanField(help_text="The client ids were taken by this very list before.")


class CanceledList(serializers.Serializer[Any]):
    """What canceling a list ended."""

    id = serializers.IntegerField()
    market = serializers.CharField()
    order_ids = serializers.ListField(child=serializers.IntegerField())
    time = Milliseconds()
    sequence = serializers.IntegerField()


class ListPage(serializers.Serializer[Any]):
    """Lists, newest first."""

    order_lists = OrderList(many=True)
    next_cursor = serializers.CharField(allow_null=True)
    sequence = serializers.IntegerField()
