"""The fold agrees with an engine about books, balances and open orders after every batch."""

import pytest

from orders.marketdata.book import Book, BookError, checksum
from orders.marketdata.fold import Fold
from orders.placed import FILLED
from tests.engine.reference import ReferenceEngine
from tests.marketdata.tape import tape

ACCOUNTS = {1, 2, 3, 4, 5}


def depth_of(engine: ReferenceEngine, market: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    bids, asks = engine.depth(market)
    return [tuple(level) for level in bids], [tuple(level) for level in asks]


@pytest.mark.parametrize(("kind", "seed"), [*(("mixed", seed) for seed in range(6)), ("chain", 6), ("chain", 7)])
def test_books_balances_and_orders_equal_the_engines(kind: str, seed: int) -> None:
    engine, fold = ReferenceEngine(), Fold()
    traded = 0
    for batch in tape(seed, 1500, engine, kind=kind):
        changes = fold.apply(first=batch.first, time_us=batch.time_us, events=batch.events, watched=ACCOUNTS)
        traded += sum(len(trades) for _, trades in changes.trades)
        assert fold.sequence == engine.sequence
        for market in fold.markets.values():
            assert market.book.depth() == depth_of(engine, market.market)
        for (account, asset), balance in engine.all_balances().items():
            assert tuple(fold.balances.accounts.get(account, {}).get(asset, (0, 0))) == balance
        assert sorted(fold.orders.orders) == sorted(order.id for order in engine.orders)
        for order in engine.orders:
            mine = fold.orders.orders[order.id]
            assert (mine.price, mine.size - mine.filled_lots if order.size else 0) == (order.price, order.remaining)
    assert traded > 10


@pytest.mark.parametrize("seed", range(3))
def test_deltas_alone_rebuild_the_book(seed: int) -> None:
    fold = Fold()
    books: dict[int, tuple[dict[str, str], dict[str, str]]] = {}
    lasts: dict[int, int] = {}
    messages = 0
    for batch in tape(seed, 1200, ReferenceEngine()):
        changes = fold.apply(first=batch.first, time_us=batch.time_us, events=batch.events, watched=())
        assert changes.accounts == []
        for change in changes.books:
            messages += 1
            market = change.market
            assert change.prev == lasts.get(market.market, 0)
            lasts[market.market] = change.last
            sides = books.setdefault(market.market, ({}, {}))
            for side, levels in zip(sides, (change.bids, change.asks), strict=True):
                for price, size in levels:
                    if size == "0":
                        del side[price]
                    else:
                        side[price] = size
            assert sides == (dict(market.book.levels(0)), dict(market.book.levels(1)))
            assert change.checksum == market.book.checksum()
    assert messages > 200


def test_private_changes_are_chained_and_end_every_order() -> None:
    fold = Fold()
    lasts: dict[int, int] = {}
    open_orders: dict[int, str] = {}
    fills = 0
    for batch in tape(11, 1500, ReferenceEngine()):
        changes = fold.apply(first=batch.first, time_us=batch.time_us, events=batch.events, watched=ACCOUNTS)
        for change in changes.accounts:
            assert change.prev == lasts.get(change.account, 0)
            lasts[change.account] = change.last
            fills += len(change.fills)
            for order in change.orders:
                assert order.account == change.account
                if order.done_reason:
                    open_orders.pop(order.id, None)
                else:
                    open_orders[order.id] = order.status
                if order.status == FILLED and order.size:
                    assert order.filled_lots == order.size
    assert fills > 100
    assert open_orders == {order.id: order.status for order in fold.orders.orders.values()}


def test_a_missing_batch_is_refused() -> None:
    fold = Fold()
    with pytest.raises(ValueError, match="sequence 2 after 0"):
        fold.apply(first=2, time_us=1, events=[[]], watched=())
    assert fold.sequence == 0


def test_a_level_below_zero_is_refused() -> None:
    book = Book(str, str)
    book.add(0, 100, 5)
    with pytest.raises(BookError):
        book.add(0, 100, -6)


def test_a_level_that_came_and_went_is_no_change() -> None:
    book = Book(str, str)
    book.add(0, 100, 5)
    assert book.take_changes() == ([["100", "5"]], [])
    book.add(1, 101, 5)
    book.add(1, 101, -5)
    book.add(0, 100, 2)
    book.add(0, 100, -2)
    assert book.take_changes() is None
    book.add(0, 100, -5)
    assert book.take_changes() == ([["100", "0"]], [])


def test_the_checksum_reads_as_documented() -> None:
    # crc32 of the literal text, computed apart from the code.
    assert checksum([["100", "1"], ["99.5", "0.2"]], [["101", "3"]]) == 0x4FDEF457
