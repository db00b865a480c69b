"""Aggregate trades out of stored ones: runs of any length, from either end."""

import pytest

from orders.binance import history
from orders.binance.history import PAGE
from orders.models import Trade

pytestmark = pytest.mark.django_db
MARKET = 7
LONG = 2 * PAGE + 3


@pytest.fixture
def runs():
    """One trade, a run far longer than a page, a run of two, and one of exactly a page: (first, last) of each."""
    spans, first = [], 1
    for sequence, length in enumerate((1, LONG, 2, PAGE), 10):
        spans.append((first, first + length - 1))
        Trade.objects.bulk_create(
            Trade(
                id=number, market_id=MARKET, number=number, sequence=sequence, time_us=sequence * 1_000, price=100,
                lots=2, base_atoms=2, quote_atoms=200, taker_side=0, maker_order_id=1_000 + number, maker_account_id=1,
                taker_order_id=sequence, taker_account_id=2, maker_fee=0, taker_fee=0,
            )
            for number in range(first, first + length)
        )  # fmt: skip
        first += length
    return spans


def ask(*, from_number=None, start_us=None, end_us=None, limit=500):
    found = history.aggregates(
        market_id=MARKET, from_number=from_number, start_us=start_us, end_us=end_us, limit=limit
    )  # fmt: skip
    for run in found:
        assert run.lots == 2 * (run.last - run.first + 1)
    return [(run.first, run.last) for run in found]


def test_the_latest(runs):
    assert ask() == runs
    for limit in range(1, 5):
        assert ask(limit=limit) == runs[-limit:]


@pytest.mark.parametrize("limit", [1, 2, 3, 500])
def test_from_a_number(runs, limit):
    for at, (first, last) in enumerate(runs):
        assert ask(from_number=first, limit=limit) == runs[at:][:limit]
        # From within a run the next one follows.
        if last > first:
            assert ask(from_number=first + 1, limit=limit) == runs[at + 1 :][:limit]
            assert ask(from_number=last, limit=limit) == runs[at + 1 :][:limit]
    assert ask(from_number=runs[-1][1] + 1, limit=limit) == []


def test_by_times(runs):
    assert ask(start_us=11_000) == runs[1:]
    assert ask(start_us=11_000, end_us=11_000) == runs[1:2]
    assert ask(start_us=10_001, end_us=12_999) == runs[1:3]
    assert ask(end_us=11_000) == runs[:2]
    assert ask(end_us=12_000, limit=1) == runs[2:3]
    assert ask(end_us=9_999) == ask(start_us=13_001) == []


def test_a_market_without_trades():
    assert ask() == ask(from_number=1) == ask(start_us=1, end_us=2) == []
