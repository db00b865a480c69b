"""Signed orders, transfers and withdrawals in the OpenAPI document."""

from typing import Any

from rest_framework import serializers

from accounts.api.openapi import DecimalText
from orders.api import schema as orders
from rollup.state.slots import MAX_BPS
from wallets.api import schema as wallets

WHOLE = r"^(0|[1-9][0-9]*)$"


class Signature(serializers.Serializer[Any]):
    """EdDSA-Poseidon on BabyJubjub: the point R and the number S, as text."""

    r_x = serializers.RegexField(WHOLE)
    r_y = serializers.RegexField(WHOLE)
    s = serializers.RegexField(WHOLE)


class OrderSignature(Signature):
    """What was signed of an order, and the signature."""

    id = serializers.RegexField(WHOLE, help_text="One of `order_ids` of GET /signed, or above it on the same leaf.")
    sell_total = serializers.RegexField(WHOLE, help_text="Atoms given at most: price and size say exactly this.")
    buy_total = serializers.RegexField(WHOLE, help_text="Atoms received for it.")
    valid_until = serializers.IntegerField(help_text="Seconds since the epoch, exclusive.")
    max_fee_bps = serializers.IntegerField(min_value=0, max_value=MAX_BPS)


class SignedOrder(orders.NewOrder):
    """A limit order with tif gtd, ioc or fok, and its user's signature."""

    signature = OrderSignature()


class SignedAmend(orders.Amend):
    """What to change, and the signature of the order as it will be, under the id that it has."""

    signature = OrderSignature()


class _SignedMovement(serializers.Serializer[Any]):
    """Money to move, and its user's signature."""

    asset = serializers.CharField(max_length=32)
    amount = DecimalText()
    reference = serializers.RegexField(
        wallets.REFERENCE, help_text="Your own id of it, new for each: with the same one it happens once."
    )
    nonce = serializers.RegexField(WHOLE, help_text="The account's next one, as GET /signed tells it.")
    signature = Signature()


class SignedTransfer(_SignedMovement):
    """Money for another account, by its number in the rollup."""

    to = serializers.IntegerField(min_value=1)


class SignedWithdrawal(_SignedMovement):
    """Money for an address of the chain."""

    address = serializers.CharField()


class Link(serializers.Serializer[Any]):
    """A key that its user is about to register on the chain, and its signature of account and owner."""

    x = serializers.RegexField(WHOLE)
    y = serializers.RegexField(WHOLE)
    owner = serializers.CharField(help_text="The address that registers it.")
    signature = Signature()


class Linked(serializers.Serializer[Any]):
    """Where an account stands in the rollup."""

    account = serializers.IntegerField()
    number = serializers.IntegerField(allow_null=True, help_text="Null until the contract has given one.")
    custody = serializers.ChoiceField(choices=["user", "exchange"])
    x = serializers.RegexField(WHOLE, allow_null=True)
    y = serializers.RegexField(WHOLE, allow_null=True)
    owner = serializers.CharField(allow_blank=True)
    status = serializers.CharField()


class SignedToken(serializers.Serializer[Any]):
    """An asset in the rollup."""

    asset = serializers.CharField()
    token = serializers.IntegerField(help_text="Its number there.")
    scale = serializers.IntegerField()
    address = serializers.CharField(allow_null=True, help_text="Its contract.")


class SignedMarket(serializers.Serializer[Any]):
    """What an order in a market exchanges, and the least fee cap it must be signed with."""

    market = serializers.CharField()
    base_token = serializers.IntegerField()
    quote_token = serializers.IntegerField()
    max_fee_bps = serializers.IntegerField()


class SigningTerms(serializers.Serializer[Any]):
    """All that a signer needs."""

    chain_id = serializers.IntegerField()
    contract = serializers.CharField()
    domain = serializers.RegexField(WHOLE)
    leaves = serializers.IntegerField()
    account = serializers.IntegerField()
    linked = Linked(allow_null=True)
    nonce = serializers.RegexField(WHOLE, allow_null=True, help_text="Of the next transfer or withdrawal.")
    order_ids = serializers.ListField(child=serializers.RegexField(WHOLE), help_text="The least free id of each leaf.")
    tokens = SignedToken(many=True)
    markets = SignedMarket(many=True)


PlacedOrder = orders.PlacedOrder
AmendedOrder = orders.AmendedOrder
TransferItem = wallets.TransferItem
WithdrawalItem = wallets.WithdrawalItem
