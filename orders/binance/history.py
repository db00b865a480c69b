"""Public trades, single and aggregate, oldest first.

Numbers of a market's trades have no gaps, and their times never fall: a time is looked up by halving the numbers.
An aggregate trade is a run of trades of one taker order at one price, in one command; its id is its first trade's.
A taker goes from price to price in one direction, so what it traded at a price in a command follows on each other.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from django.db.models import Max, Min, Sum

from orders.models import Trade

# A search for aggregates reads so many trades at a time; what a run has beyond is summed by the database.
PAGE: Final = 2_000


@dataclass(slots=True)
class Aggregate:
    """A run: ticks, lots, the numbers of its first and last trade, the command and the order that made it."""

    first: int
    last: int
    price: int
    lots: int
    taker_side: int
    time_us: int
    sequence: int
    taker_order: int


def trades(*, market_id: int, from_number: int | None, limit: int) -> list[Trade]:
    """Trades from a number on, or the latest."""
    rows = Trade.objects.filter(market_id=market_id)
    if from_number is not None:
        return list(rows.filter(number__gte=from_number).order_by("number")[:limit])
    return list(rows.order_by("-number")[:limit])[::-1]


def aggregates(
    *, market_id: int, from_number: int | None, start_us: int | None, end_us: int | None, limit: int
) -> list[Aggregate]:
    """Aggregate trades from a trade's number or a time on, else the latest; times are inclusive."""
    last = last_number(market_id)
    low, high = 1, last
    if from_number is not None:
        low = max(low, from_number)
    if start_us is not None:
        low = max(low, first_at(market_id, start_us, last))
    if end_us is not None:
        high = min(high, first_at(market_id, end_us + 1, last) - 1)
    if from_number is not None or start_us is not None:
        return _from(market_id, low, high, limit)
    return _latest(market_id, high, limit)


def last_number(market_id: int) -> int:
    """The number of the market's last trade; 0 before the first."""
    return int(Trade.objects.filter(market_id=market_id).aggregate(last=Max("number"))["last"] or 0)


def first_at(market_id: int, time_us: int, last: int) -> int:
    """The number of the first trade at or after the time; last + 1 if there is none."""
    low, high = 1, last + 1
    while low < high:
        middle = (low + high) // 2
        found = Trade.objects.filter(market_id=market_id, number=middle).values_list("time_us", flat=True).first()
        if found is not None and found < time_us:
            low = middle + 1
        else:
            high = middle
    return low


def _from(market_id: int, low: int, high: int, limit: int) -> list[Aggregate]:
    found: list[Aggregate] = []
    at = low
    if low > 1:
        # The trade before tells whether this one begins a run; if not, the next run is the first.
        inside = _runs(_numbers(market_id, low - 1, low))
        if len(inside) == 1 and inside[0].last == low:
            at = _whole(market_id, inside[0]).last + 1
    while at <= high and len(found) < limit:
        runs = _runs(_numbers(market_id, at, min(high, at + PAGE - 1)))
        if not runs:
            break
        runs[-1] = _whole(market_id, runs[-1])
        found += runs
        at = runs[-1].last + 1
    return found[:limit]


def _latest(market_id: int, high: int, limit: int) -> list[Aggregate]:
    found: list[Aggregate] = []
    while high >= 1 and len(found) < limit:
        runs = _runs(_numbers(market_id, max(1, high - PAGE + 1), high))
        if not runs:
            break
        runs[0] = _whole(market_id, runs[0])
        found = runs + found
        high = runs[0].first - 1
    return found[-limit:]


def _numbers(market_id: int, low: int, high: int) -> list[Trade]:
    return list(Trade.objects.filter(market_id=market_id, number__range=(low, high)).order_by("number"))


def _whole(market_id: int, part: Aggregate) -> Aggregate:
    """The run that a part of it belongs to; its other trades may lie beyond what was read."""
    rows = Trade.objects.filter(
        market_id=market_id, taker_order_id=part.taker_order, sequence=part.sequence, price=part.price
    )  # fmt: skip
    all_of_it = rows.aggregate(first=Min("number"), last=Max("number"), lots=Sum("lots"))
    return replace(part, first=all_of_it["first"], last=all_of_it["last"], lots=int(all_of_it["lots"]))


def _runs(rows: Iterable[Trade]) -> list[Aggregate]:
    runs: list[Aggregate] = []
    before: tuple[int, int, int] | None = None
    for row in rows:
        key = (row.sequence, row.taker_order_id, row.price)
        if key == before:
            runs[-1].last = row.number
            runs[-1].lots += int(row.lots)
        else:
            runs.append(
                Aggregate(
                    row.number, row.number, row.price, int(row.lots), row.taker_side, row.time_us, row.sequence,
                    row.taker_order_id,
                )
            )  # fmt: skip
        before = key
    return runs
