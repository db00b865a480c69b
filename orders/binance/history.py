"""Public trades, single and aggregate, oldest first.

Numbers of a market's trades have no gaps, and their times never fall: a time is looked up by halving the numbers.
An aggregate trade is a run of trades of one taker order at one price, in one command; its id is its first trade's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Max

from orders.models import Trade

# A search for aggregates reads so many trades at a time, and so many times at most.
PAGE: Final = 2_000
PAGES_MAX: Final = 5


@dataclass(slots=True)
class Aggregate:
    """A run: ticks, lots, the numbers of its first and last trade."""

    first: int
    last: int
    price: int
    lots: int
    taker_side: int
    time_us: int


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
    last = Trade.objects.filter(market_id=market_id).aggregate(last=Max("number"))["last"] or 0
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
    # The trade before tells whether the first one begins a run.
    at = max(1, low - 1)
    for _ in range(PAGES_MAX):
        rows = _numbers(market_id, at, min(high + 1, at + PAGE - 1))
        if not rows:
            break
        runs = _runs(rows)
        is_last_page = rows[-1].number > high or len(rows) < PAGE
        if not is_last_page:
            # It may go on in the next page, which begins with it.
            at = runs.pop().first
        found += [run for run in runs if low <= run.first <= high]
        if is_last_page or len(found) >= limit or not runs:
            break
    return found[:limit]


def _latest(market_id: int, high: int, limit: int) -> list[Aggregate]:
    found: list[Aggregate] = []
    for _ in range(PAGES_MAX):
        if high < 1 or len(found) >= limit:
            break
        low = max(1, high - PAGE + 1)
        runs = _runs(_numbers(market_id, low, high))
        if low > 1:
            # It may have begun before: the page before ends with it.
            cut = runs.pop(0)
            if not runs:
                break
            high = cut.last
        else:
            high = 0
        found = runs + found
    return found[-limit:]


def _numbers(market_id: int, low: int, high: int) -> list[Trade]:
    return list(Trade.objects.filter(market_id=market_id, number__range=(low, high)).order_by("number"))


def _runs(rows: Iterable[Trade]) -> list[Aggregate]:
    runs: list[Aggregate] = []
    before: tuple[int, int, int] | None = None
    for row in rows:
        key = (row.sequence, row.taker_order_id, row.price)
        if key == before:
            runs[-1].last = row.number
            runs[-1].lots += int(row.lots)
        else:
            runs.append(Aggregate(row.number, row.number, row.price, int(row.lots), row.taker_side, row.time_us))
        before = key
    return runs
