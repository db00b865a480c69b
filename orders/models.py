"""Read models of trading. orders.projection writes them from the journal and nobody else does.

Prices are ticks, sizes lots, amounts atoms, times microseconds since the epoch; orders.scales turns them
into decimal strings. Accounts are plain engine ids: the journal knows accounts before any table does.
"""

from typing import ClassVar

from django.db import models
from django.db.models import Q, UniqueConstraint

from matching.fields import AmountField


class ListedAsset(models.Model):
    """What a market must know of its assets. A copy of wallets.Asset, so that each projection rebuilds alone."""

    id = models.BigIntegerField(primary_key=True)
    code = models.TextField()
    scale = models.SmallIntegerField()

    def __str__(self) -> str:
        return self.code


class Market(models.Model):
    """A market with its rules and its state. Its key is the engine's market id."""

    id = models.BigIntegerField(primary_key=True)
    symbol = models.TextField()
    base_id = models.BigIntegerField()
    quote_id = models.BigIntegerField()
    base_code = models.TextField()
    quote_code = models.TextField()
    base_scale = models.SmallIntegerField()
    quote_scale = models.SmallIntegerField()
    lot_atoms = AmountField()
    unit = AmountField()
    min_lots = AmountField()
    max_lots = AmountField()
    min_notional = AmountField()
    band_ppm = models.BigIntegerField()
    breaker_ppm = models.BigIntegerField()
    breaker_window_us = models.BigIntegerField()
    halt_us = models.BigIntegerField()
    reopen_us = models.BigIntegerField()
    max_orders = models.BigIntegerField()
    reference_price = models.BigIntegerField()
    # [[maker_ppm, taker_ppm], …] by tier.
    fees = models.JSONField()
    state = models.CharField(max_length=16)
    state_until_us = models.BigIntegerField(default=0)
    state_reason = models.CharField(max_length=16, blank=True)
    sequence = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [UniqueConstraint(fields=["symbol"], name="market_symbol_unique")]

    def __str__(self) -> str:
        return self.symbol

    def fees_of(self, tier: int) -> tuple[int, int]:
        """What a fee tier pays as maker and as taker, in ppm; one beyond the table pays what its last row says."""
        maker_ppm, taker_ppm = self.fees[min(tier, len(self.fees) - 1)]
        return maker_ppm, taker_ppm


class Order(models.Model):
    """An accepted order, as of the last command that touched it. Its key is the engine's order id."""

    class Status(models.IntegerChoices):
        PENDING = 0, "pending"
        WAITING = 1, "waiting"
        OPEN = 2, "open"
        FILLED = 3, "filled"
        CANCELED = 4, "canceled"
        EXPIRED = 5, "expired"

    id = models.BigIntegerField(primary_key=True)
    account_id = models.BigIntegerField()
    market_id = models.BigIntegerField()
    # matching.engine.commands has the numbers of side, type, tif, stp and trigger.
    side = models.SmallIntegerField()
    type = models.SmallIntegerField()
    tif = models.SmallIntegerField()
    price = models.BigIntegerField()
    stop = models.BigIntegerField()
    size = AmountField()
    quote = AmountField()
    post_only = models.BooleanField()
    stp = models.SmallIntegerField()
    expires_us = models.BigIntegerField()
    trigger = models.SmallIntegerField(default=0, db_default=0)
    trail_ppm = models.BigIntegerField(default=0, db_default=0)
    # Lots that an iceberg shows at most; 0: all.
    display = AmountField(default=0, db_default=0)
    # Of the lots remaining in the book, those that nobody sees.
    hidden = AmountField(default=0, db_default=0)
    # The list it is a leg of, live or not; 0 for none.
    list_id = models.BigIntegerField(default=0, db_default=0)
    client_id = models.TextField()
    status = models.SmallIntegerField(choices=Status.choices)
    # The engine's reason of the end (docs/protocol.md section 3).
    done_reason = models.CharField(max_length=16, blank=True)
    # Lots still to fill of an open or waiting order; of an ended one, what was left unfilled.
    remaining = AmountField()
    filled_lots = AmountField(default=0)
    filled_quote = AmountField(max_digits=40, default=0)
    # In atoms of what the order receives: base for a buy, quote for a sell.
    fee = AmountField(default=0)
    created_us = models.BigIntegerField()
    updated_us = models.BigIntegerField()
    sequence = models.BigIntegerField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account_id", "id"], name="order_by_account"),
            models.Index(fields=["account_id", "id"], name="order_open_by_account", condition=Q(status__lte=2)),
            models.Index(
                fields=["account_id", "client_id", "id"], name="order_by_client_id", condition=~Q(client_id="")
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_open(self) -> bool:
        """Whether it rests in the book, waits for its stop, or for another leg of its list."""
        return self.status <= Order.Status.OPEN

    @property
    def status_name(self) -> str:
        """pending, waiting, open, filled, canceled or expired."""
        return Order.Status(self.status).label


class OrderList(models.Model):
    """Orders placed together, of which one ends or begins another. Its key is the id of its first leg.

    The legs are `legs` orders with ids in a row. Nothing of a list changes but its legs: it is live as long as at
    least two of them are open (docs/protocol.md section 10).
    """

    class Kind(models.IntegerChoices):
        """As the engine numbers them."""

        OCO = 0, "oco"
        OTO = 1, "oto"
        OTOCO = 2, "otoco"

    id = models.BigIntegerField(primary_key=True)
    account_id = models.BigIntegerField()
    market_id = models.BigIntegerField()
    kind = models.SmallIntegerField(choices=Kind.choices)
    legs = models.SmallIntegerField()
    client_id = models.TextField()
    created_us = models.BigIntegerField()
    sequence = models.BigIntegerField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account_id", "id"], name="list_by_account"),
            models.Index(
                fields=["account_id", "client_id", "id"], name="list_by_client_id", condition=~Q(client_id="")
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def order_ids(self) -> range:
        """The ids of its legs."""
        return range(self.pk, self.pk + self.legs)


class FeeTier(models.Model):
    """The fee tier an account was put into; an account without a row is in tier 0. Its key is the account."""

    account_id = models.BigIntegerField(primary_key=True)
    tier = models.IntegerField()
    sequence = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.account_id}: {self.tier}"


class SignedLeaf(models.Model):
    """A leaf of the rollup's tree of an account's orders, and the signed order that used it last."""

    pk = models.CompositePrimaryKey("account_id", "leaf")
    account_id = models.BigIntegerField()
    leaf = models.IntegerField()
    # What the user numbered the order: the next on this leaf exceeds it.
    number = AmountField(max_digits=20)
    order_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.account_id}/{self.leaf}"


class Trade(models.Model):
    """A trade with both of its sides. Ids count from 1 over all markets, `number` within its market.

    A fill is one side of a trade; its id is twice the trade's for the maker, one more for the taker.
    """

    id = models.BigIntegerField(primary_key=True)
    market_id = models.BigIntegerField()
    number = models.BigIntegerField()
    price = models.BigIntegerField()
    lots = AmountField()
    base_atoms = AmountField()
    quote_atoms = AmountField()
    taker_side = models.SmallIntegerField()
    taker_order_id = models.BigIntegerField()
    taker_account_id = models.BigIntegerField()
    maker_order_id = models.BigIntegerField()
    maker_account_id = models.BigIntegerField()
    # Each in atoms of what that side receives.
    taker_fee = AmountField()
    maker_fee = AmountField()
    time_us = models.BigIntegerField()
    sequence = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [UniqueConstraint(fields=["market_id", "number"], name="trade_number_unique")]
        indexes: ClassVar = [
            models.Index(fields=["taker_account_id", "id"], name="trade_by_taker"),
            models.Index(fields=["maker_account_id", "id"], name="trade_by_maker"),
            models.Index(fields=["taker_order_id"], name="trade_by_taker_order"),
            models.Index(fields=["maker_order_id"], name="trade_by_maker_order"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Candle(models.Model):
    """Prices and volume of one interval of a market. There is no row for an interval without a trade."""

    class Interval(models.IntegerChoices):
        """In seconds. Intervals start at multiples of themselves, UTC; weeks on Monday."""

        M1 = 60, "1m"
        M5 = 300, "5m"
        M15 = 900, "15m"
        H1 = 3600, "1h"
        H4 = 14_400, "4h"
        D1 = 86_400, "1d"
        W1 = 604_800, "1w"

    pk = models.CompositePrimaryKey("market_id", "interval", "open_us")
    market_id = models.BigIntegerField()
    interval = models.IntegerField(choices=Interval.choices)
    open_us = models.BigIntegerField()
    open = models.BigIntegerField()
    high = models.BigIntegerField()
    low = models.BigIntegerField()
    close = models.BigIntegerField()
    base_volume = AmountField(max_digits=40)
    quote_volume = AmountField(max_digits=40)
    trades = models.BigIntegerField()
    # What takers bought, as a part of the volumes.
    taker_base_volume = AmountField(max_digits=40, default=0, db_default=0)
    taker_quote_volume = AmountField(max_digits=40, default=0, db_default=0)

    def __str__(self) -> str:
        return f"{self.market_id}/{self.interval}/{self.open_us}"


class Ticker24h(models.Model):
    """The last 24 hours of a market by the minute: the minute of `as_of_us` and the 1439 before it.

    Without a trade in them open, high and low are the last price and the volumes 0;
    without a trade ever all are null and 0.
    """

    market_id = models.BigIntegerField(primary_key=True)
    open = models.BigIntegerField(null=True)
    high = models.BigIntegerField(null=True)
    low = models.BigIntegerField(null=True)
    last = models.BigIntegerField(null=True)
    base_volume = AmountField(max_digits=40, default=0)
    quote_volume = AmountField(max_digits=40, default=0)
    trades = models.BigIntegerField(default=0)
    # Start of the newest minute that counts.
    as_of_us = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.market_id)
