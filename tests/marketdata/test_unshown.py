"""A market in the journal that no decimal text can show: it is left out, and all others go on."""

from collections.abc import Sequence
from typing import Any

import pytest
import redis

from orders.marketdata import names, state
from orders.marketdata.fold import Changes, Fold
from orders.marketdata.publisher import Publisher

RULES = (1, 10**9, 0, 0, 0, 0, 0, 0, 1_000, 600_000, [[0, 0]])
OPENING: list[list[Any]] = [
    ["asset", 1, "BTC", 8],
    ["asset", 2, "USDT", 6],
    ["market", 1, "THIRD-USDT", 1, 2, 3, 1, *RULES],
    ["market", 2, "BTC-USDT", 1, 2, 1_000, 1, *RULES],
]


def rests(order: int, market: int, price: int) -> list[list[Any]]:
    return [
        ["new", order, 7, market, 0, 0, 0, price, 0, 5, 0, 0, 0, 0, 0, 0, 0, ""],
        ["rest", order, 7, market, 0, price, 5, 5 * price],
    ]


def fold_of(groups: Sequence[Sequence[Sequence[Any]]]) -> tuple[Fold, Changes]:
    fold = Fold()
    return fold, fold.apply(first=1, time_us=1_800_000_000_000_000, events=groups, watched={7})


def test_it_is_left_out_and_the_others_go_on(redis_client: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    fold, changes = fold_of([OPENING, rests(1, 1, 600_000), rests(2, 2, 600_000)])
    assert "market THIRD-USDT is left out" in caplog.text
    publisher = Publisher(redis_client, lambda tickers: None)
    publisher.reset(Fold())
    publisher.add(changes, fold)
    publisher.flush(fold)
    assert redis_client.smembers(names.MARKETS) == {b"BTC-USDT"}
    assert b'"60000"' in (redis_client.get(names.book("BTC-USDT")) or b"")
    assert redis_client.keys("*THIRD*") == []
    # Money is money in every market.
    assert fold.balances.of(7, [2]) == [(2, -2 * 5 * 600_000, 2 * 5 * 600_000)]


def test_a_saved_fold_with_it_can_be_loaded(redis_client: redis.Redis) -> None:
    fold, _ = fold_of([OPENING, rests(1, 1, 600_000)])
    again = state.undump(state.dump(fold))
    assert [market.symbol for market in again.shown_markets()] == ["BTC-USDT"]
    publisher = Publisher(redis_client, lambda tickers: None)
    publisher.reset(again)
    assert redis_client.keys("*THIRD*") == []
