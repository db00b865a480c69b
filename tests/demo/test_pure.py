"""Prices, arrivals and ladders of the demo traders: functions of their inputs alone."""

import itertools
import math
import statistics
from decimal import Decimal
from random import Random

import pytest

from orders.demo.arrivals import Arrivals
from orders.demo.desk import Rules
from orders.demo.fair import BASES, CROSSES, fair_price
from orders.demo.maker import Quote, compare

NOW_S = 1_790_000_000.0


def test_a_price_is_a_function_of_seed_and_time():
    assert fair_price("BTC-USDT", seed=1, time_s=NOW_S) == fair_price("BTC-USDT", seed=1, time_s=NOW_S)
    assert fair_price("BTC-USDT", seed=1, time_s=NOW_S) != fair_price("BTC-USDT", seed=2, time_s=NOW_S)


@pytest.mark.parametrize("symbol", [*BASES])
def test_a_price_moves_all_the_time_a_little_and_never_runs_away(symbol):
    seconds = [fair_price(symbol, seed=3, time_s=NOW_S + s) for s in range(600)]
    moves = [math.log(b / a) for a, b in itertools.pairwise(seconds)]
    assert all(moves)
    assert max(map(abs, moves)) < 0.001
    months = [fair_price(symbol, seed=3, time_s=NOW_S + 3600 * h) for h in range(24 * 90)]
    assert 0.75 * BASES[symbol] < min(months) < max(months) < 1.33 * BASES[symbol]
    assert statistics.pstdev(months) > 0.01 * BASES[symbol]


def test_going_round_the_three_markets_gains_nothing():
    for at in range(0, 5_000, 500):
        cross, (one, other) = next(iter(CROSSES.items()))
        prices = {symbol: fair_price(symbol, seed=5, time_s=NOW_S + at) for symbol in (cross, one, other)}
        assert prices[cross] * prices[other] == pytest.approx(prices[one])


def test_arrivals_have_the_mean_rate_and_come_in_clusters():
    arrivals = Arrivals(Random(1), per_s=1.0, branching=0.6, decay_per_s=1.0)
    gaps = [arrivals.next_s() for _ in range(40_000)]
    assert len(gaps) / sum(gaps) == pytest.approx(1.0 / (1 - 0.6), rel=0.06)
    # Gaps of a Poisson process vary as much as their mean; clusters make them vary more.
    assert statistics.pstdev(gaps) / statistics.mean(gaps) > 1.2
    plain = Arrivals(Random(1), per_s=1.0, branching=0.0, decay_per_s=1.0)
    gaps = [plain.next_s() for _ in range(40_000)]
    assert statistics.pstdev(gaps) / statistics.mean(gaps) == pytest.approx(1.0, rel=0.05)


def test_arrivals_that_would_never_end_are_refused():
    with pytest.raises(ValueError, match="never end"):
        Arrivals(Random(1), per_s=1.0, branching=1.0, decay_per_s=1.0)


def test_opinions_become_ticks_and_lots():
    rules = Rules(
        {"symbol": "BTC-USDT", "base": "BTC", "quote": "USDT", "tick_size": "0.1", "lot_size": "0.00001",
         "min_notional": "1"}
    )  # fmt: skip
    assert str(rules.price(60_000.1999)) == "60000.1"
    assert str(rules.size(0.123456789)) == "0.12345"
    assert rules.price(1e-9) == Decimal("0.1")
    assert rules.size(0.0) == Decimal("0.00001")
    assert "E" not in str(rules.price(1e9)) + str(rules.size(1e9))


def order(number: int, side: str, price: str, remaining: str) -> dict:
    return {"id": number, "side": side, "price": price, "remaining_size": remaining}


def test_a_ladder_moves_only_what_is_off():
    wanted = [
        Quote("buy", Decimal(100), Decimal(1), Decimal(1)),
        Quote("buy", Decimal(90), Decimal(1), Decimal(3)),
        Quote("sell", Decimal(110), Decimal(1), Decimal(1)),
    ]
    near, off, eaten = order(1, "buy", "99.5", "1"), order(2, "buy", "86", "1"), order(3, "sell", "110", "0.2")
    assert compare(wanted, [near, off, eaten]) == ([2, 3], wanted[1:])
    assert compare(wanted, []) == ([], wanted)
    assert compare([], [near]) == ([1], [])
    # One order serves one level, however near it is to two.
    twice = [wanted[0], wanted[0]]
    assert compare(twice, [near]) == ([], [wanted[0]])
