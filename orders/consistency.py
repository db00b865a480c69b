"""Reads for whoever checks the read models: against the engine, and against each other."""

from typing import Any, Final

from django.db import connection
from django.db.models import Max

from orders.models import FeeTier, Order, Trade
from orders.selectors import OPEN

MISFITS_MAX: Final = 20

FILLS: Final = """
WITH fills AS (
    SELECT taker_order_id AS id, lots, quote_atoms, taker_fee AS fee FROM orders_trade
    UNION ALL SELECT maker_order_id, lots, quote_atoms, maker_fee FROM orders_trade
), sums AS (
    SELECT id, sum(lots) AS lots, sum(quote_atoms) AS quote_atoms, sum(fee) AS fee FROM fills GROUP BY id
)
SELECT coalesce(o.id, s.id) FROM orders_order o FULL JOIN sums s ON s.id = o.id
WHERE (o.filled_lots, o.filled_quote, o.fee)
      IS DISTINCT FROM (coalesce(s.lots, 0), coalesce(s.quote_atoms, 0), coalesce(s.fee, 0))
LIMIT %s
"""
CANDLES: Final = """
WITH candles AS (
    SELECT market_id, interval, sum(base_volume) AS base, sum(quote_volume) AS quote, sum(trades) AS trades,
           sum(taker_base_volume) AS bought, sum(taker_quote_volume) AS spent
    FROM orders_candle GROUP BY market_id, interval
), trades AS (
    SELECT market_id, interval, sum(base_atoms) AS base, sum(quote_atoms) AS quote, count(*) AS trades,
           sum(base_atoms * (1 - taker_side)) AS bought, sum(quote_atoms * (1 - taker_side)) AS spent
    FROM orders_trade CROSS JOIN (VALUES (60), (300), (900), (3600), (14400), (86400), (604800)) AS i (interval)
    GROUP BY market_id, interval
)
SELECT coalesce(c.market_id, t.market_id), coalesce(c.interval, t.interval)
FROM candles c FULL JOIN trades t ON (t.market_id, t.interval) = (c.market_id, c.interval)
WHERE (c.base, c.quote, c.trades, c.bought, c.spent)
      IS DISTINCT FROM (t.base, t.quote, t.trades, t.bought, t.spent)
LIMIT %s
"""
NUMBERS: Final = """
SELECT market_id, count(*), max(number) FROM orders_trade GROUP BY market_id HAVING count(*) <> max(number) LIMIT %s
"""


def open_orders() -> dict[int, tuple[Any, ...]]:
    """All open orders by id: account, market, side, status, price, size, filled lots, remaining, hidden lots."""
    fields = (
        "id", "account_id", "market_id", "side", "status", "price", "size", "filled_lots", "remaining", "hidden",
    )  # fmt: skip
    names = {status.value: status.label for status in Order.Status}
    return {
        id: (account, market, side, names[status], *numbers)
        for id, account, market, side, status, *numbers in Order.objects.filter(OPEN).values_list(*fields).iterator()
    }


def fee_tiers() -> dict[int, int]:
    """The fee tier of each account that is not in tier 0."""
    return dict(FeeTier.objects.filter(tier__gt=0).values_list("account_id", "tier"))


def last_order_id() -> int:
    """The highest order id; 0 if there is none."""
    return Order.objects.aggregate(last=Max("id"))["last"] or 0


def last_trade_numbers() -> dict[int, int]:
    """The highest trade number of each market that traded."""
    return {
        market: Trade.objects.filter(market_id=market).order_by("-number").values_list("number", flat=True)[0]
        for market in _markets_that_traded()
    }


def _markets_that_traded() -> list[int]:
    # A step over the index for each market, since DISTINCT would read all trades.
    found: list[int] = []
    last = -1
    while True:
        market = (
            Trade.objects.filter(market_id__gt=last).order_by("market_id").values_list("market_id", flat=True).first()
        )
        if market is None:
            return found
        found.append(market)
        last = market


def misfits() -> list[str]:
    """Orders whose fills are not their trades, candles that are not their trades, missing trades. Reads all rows."""
    with connection.cursor() as cursor:
        cursor.execute(FILLS, [MISFITS_MAX])
        found = [f"fills of order {order} and its trades" for (order,) in cursor.fetchall()]
        cursor.execute(CANDLES, [MISFITS_MAX])
        found += [f"candles of {interval} s and trades of market {market}" for market, interval in cursor.fetchall()]
        cursor.execute(NUMBERS, [MISFITS_MAX])
        found += [
            f"{count} trades of market {market} and their last number {last}"
            for market, count, last in cursor.fetchall()
        ]
    return found
