"""A fold that was saved goes on exactly as one that was not."""

from pathlib import Path

import pytest

from orders.marketdata import frames, state
from orders.marketdata.fold import Changes, Fold
from orders.marketdata.state import Mark
from tests.engine.reference import ReferenceEngine
from tests.marketdata.tape import TapeBatch, tape

ACCOUNTS = {1, 2, 3, 4, 5}
MARK = Mark(first=7, last=9, session="s", number=3, time_us=5)


def take(fold: Fold, batch: TapeBatch) -> Changes:
    return fold.apply(first=batch.first, time_us=batch.time_us, events=batch.events, watched=ACCOUNTS)


def sent(fold: Fold, changes: Changes) -> list[bytes]:
    """Everything that would be published, as bytes."""
    return [
        *(frames.book_update(change, 1) for change in changes.books),
        *(frames.account_update(fold, change) for change in changes.accounts),
        *(
            frames.trades_message(market.symbol, "update", [repr(t).encode()])
            for market, ts in changes.trades
            for t in ts
        ),
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_saved_fold_goes_on_with_the_same_messages(seed: int, tmp_path: Path) -> None:
    batches = list(tape(seed, 900, ReferenceEngine()))
    half = len(batches) // 2
    one = Fold()
    for batch in batches[:half]:
        take(one, batch)
    state.save(tmp_path / "fold.json", one, MARK)
    loaded = state.load(tmp_path / "fold.json")
    assert loaded is not None
    other, mark = loaded
    assert mark == MARK
    for batch in batches[half:]:
        assert sent(one, take(one, batch)) == sent(other, take(other, batch))
    assert state.dump(one) == state.dump(other)
    for account in ACCOUNTS:
        assert frames.account_snapshot(one, account) == frames.account_snapshot(other, account)
    for market in one.markets.values():
        twin = other.markets[market.market]
        assert frames.book_body(market, 1) == frames.book_body(twin, 1)
        assert market.ticker_json(10**13, 1) == twin.ticker_json(10**13, 1)


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: b"x" + text, lambda text: b"", bytes.swapcase])
def test_a_damaged_file_is_no_fold(damage: object, tmp_path: Path) -> None:
    path = tmp_path / "fold.json"
    fold = Fold()
    for batch in tape(1, 100, ReferenceEngine()):
        take(fold, batch)
    state.save(path, fold, MARK)
    assert state.load(path) is not None
    path.write_bytes(damage(path.read_bytes()))
    assert state.load(path) is None


def test_no_file_is_no_fold(tmp_path: Path) -> None:
    assert state.load(tmp_path / "none.json") is None
