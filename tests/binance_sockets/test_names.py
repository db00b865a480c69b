"""Names of streams: what there is, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.binance.sockets.names import InvalidStream, StreamName, read_name


@pytest.mark.parametrize(
    ("text", "kind", "symbol", "detail", "period_ms"),
    [
        ("btcusdt@trade", "trade", "btcusdt", "", 0),
        ("btcusdt@aggTrade", "aggTrade", "btcusdt", "", 0),
        ("btcusdt@kline_1m", "kline", "btcusdt", "1m", 0),
        ("btcusdt@kline_1w", "kline", "btcusdt", "1w", 0),
        ("btcusdt@kline_3m", "kline", "btcusdt", "3m", 0),
        ("btcusdt@kline_1M", "kline", "btcusdt", "1M", 0),
        ("btcusdt@miniTicker", "miniTicker", "btcusdt", "", 1_000),
        ("btcusdt@ticker", "ticker", "btcusdt", "", 1_000),
        ("btcusdt@bookTicker", "bookTicker", "btcusdt", "", 0),
        ("btcusdt@avgPrice", "avgPrice", "btcusdt", "", 1_000),
        ("btcusdt@depth", "depth", "btcusdt", "", 1_000),
        ("btcusdt@depth@100ms", "depth", "btcusdt", "", 100),
        ("btcusdt@depth@1000ms", "depth", "btcusdt", "", 1_000),
        ("1inchusdt@depth5", "depth", "1inchusdt", "5", 1_000),
        ("btcusdt@depth20@100ms", "depth", "btcusdt", "20", 100),
        ("!miniTicker@arr", "miniTicker", "", "", 1_000),
        ("!ticker@arr", "ticker", "", "", 1_000),
    ],
)
def test_streams(text: str, kind: str, symbol: str, detail: str, period_ms: int) -> None:
    assert read_name(text) == StreamName(text, kind, symbol, detail, period_ms)


@pytest.mark.parametrize(
    "text",
    [
        "", "btcusdt", "@trade", "BTCUSDT@trade", "btcusdt@Trade", "btcusdt@trade@100ms", "btcusdt@kline", "!ticker",
        "btcusdt@kline_2m", "btcusdt@kline_1s", "btcusdt@kline1m", "btcusdt@depth_5", "btcusdt@depth7",
        "btc-usdt@trade",
        "btcusdt@depth@250ms", "btcusdt@depth@100ms@100ms", "btcusdt@ticker_1h", "!trade@arr", "btcusdt@trade\n",
        "!bookTicker", "btcusdt@trаde", "x" * 10_000 + "@trade",
    ],
)  # fmt: skip
def test_no_streams(text: str) -> None:
    with pytest.raises(InvalidStream):
        read_name(text)


@given(st.text(max_size=80))
def test_any_text_is_a_stream_or_none(text: str) -> None:
    try:
        assert read_name(text).text == text
    except InvalidStream:
        pass
