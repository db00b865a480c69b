"""The list of markets for writes: what it cannot write exactly is left out, and the others stay."""

from collections.abc import Iterator

import pytest

from accounts.problems import Problem
from orders import listing
from orders.models import ListedAsset, Market

NUMBERS = {
    "base_code": "BTC", "quote_code": "USDT", "base_scale": 8, "quote_scale": 6, "min_lots": 1, "max_lots": 10**9,
    "min_notional": 0, "band_ppm": 0, "breaker_ppm": 0, "breaker_window_us": 0, "halt_us": 0, "reopen_us": 0,
    "max_orders": 100, "reference_price": 1, "fees": [[0, 0]], "state": "open", "sequence": 1,
}  # fmt: skip


@pytest.fixture
def third_of_a_coin(db: None) -> Iterator[None]:
    """Two markets, the first of which has lots that no decimal can name the price of."""
    for id, code, scale in ((1, "BTC", 8), (2, "USDT", 6)):
        ListedAsset.objects.create(id=id, code=code, scale=scale)
    for id, symbol, lot_atoms in ((1, "THIRD-USDT", 3), (2, "BTC-USDT", 1000)):
        Market.objects.create(id=id, symbol=symbol, base_id=1, quote_id=2, lot_atoms=lot_atoms, unit=1, **NUMBERS)
    listing.forget()
    yield
    listing.forget()


def test_a_market_that_cannot_be_written_is_left_out(third_of_a_coin: None, caplog: pytest.LogCaptureFixture) -> None:
    assert [market.symbol for market in listing.all_markets()] == ["BTC-USDT"]
    assert listing.by_symbol("BTC-USDT").scale.lot == "0.00001"
    with pytest.raises(Problem) as refused:
        listing.by_symbol("THIRD-USDT")
    assert refused.value.code == "unknown_market"
    assert "market THIRD-USDT is left out" in caplog.text
