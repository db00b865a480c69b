"""GET of assets, markets, depth, trades, candles and tickers."""

import time

import pytest

from tests.patience import PATIENCE_S


def until(read, condition):
    """Market data follows the journal by itself, and web processes keep it for a moment."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition(answer := read().ok()):
        assert time.monotonic() < deadline, answer.body
        time.sleep(0.02)
    return answer


def public(alice, path):
    return alice.call("GET", path, sign=False)


def test_assets(alice):
    assert public(alice, "/assets").ok()["assets"] == [
        {"code": "BTC", "scale": 8}, {"code": "USDT", "scale": 6}, {"code": "ETH", "scale": 18},
    ]  # fmt: skip


def test_markets(alice):
    markets = {market["symbol"]: market for market in public(alice, "/markets").ok()["markets"]}
    assert set(markets) >= {"BTC-USDT", "ETH-USDT", "ETH-BTC"}
    market = markets["BTC-USDT"]
    assert (market["base"], market["quote"], market["tick_size"], market["lot_size"]) == (
        "BTC",
        "USDT",
        "0.1",
        "0.00001",
    )
    assert (market["min_size"], market["max_size"], market["min_notional"]) == ("0.00001", "1000", "1")
    assert (market["state"], market["state_until"], market["band_percent"]) == ("open", None, "20")
    assert market["fees"][0] == {"tier": 0, "maker_percent": "0.1", "taker_percent": "0.15"}
    assert public(alice, "/markets/BTC-USDT").ok().body == market


def test_depth_shows_what_rests(alice, bob):
    alice.place("buy", "59000", "0.002")
    bob.place("buy", "59000", "0.001")
    last = bob.place("sell", "61000", "0.005")
    book = until(lambda: public(alice, "/markets/BTC-USDT/depth"), lambda book: book["sequence"] >= last["sequence"])
    assert (book["bids"], book["asks"]) == ([["59000", "0.003"]], [["61000", "0.005"]])
    last = bob.place("sell", "61001", "0.005")
    book = until(
        lambda: public(alice, "/markets/BTC-USDT/depth?limit=1"), lambda book: book["sequence"] >= last["sequence"]
    )
    assert book["asks"] == [["61000", "0.005"]]


def test_trades_ticker_and_candles(alice, bob):
    bob.place("sell", size="0.002")
    taken = alice.place("buy", size="0.001")
    number = taken["fills"][0]["trade_id"]
    trades = until(
        lambda: public(alice, "/markets/BTC-USDT/trades?limit=5"),
        lambda page: page["trades"] and page["trades"][0]["id"] >= number,
    )["trades"]
    (trade,) = [trade for trade in trades if trade["id"] == number]
    assert (trade["price"], trade["size"], trade["quote"], trade["side"]) == ("60000", "0.001", "60", "buy")
    assert trade["sequence"] == taken["sequence"]
    ticker = until(
        lambda: public(alice, "/markets/BTC-USDT/ticker"), lambda ticker: ticker["sequence"] >= taken["sequence"]
    )
    assert (ticker["last"], ticker["ask"], ticker["ask_size"]) == ("60000", "60000", "0.001")
    assert ticker["trades"] >= 1
    minute = taken["updated_at"] // 60_000 * 60_000
    candles = until(
        lambda: public(alice, f"/markets/BTC-USDT/candles?interval=1m&start={minute}&end={minute + 1}"),
        lambda answer: answer["candles"],
    )["candles"]
    assert [(candle["open_time"], candle["close"]) for candle in candles] == [(minute, "60000")]


def test_older_trades_come_by_cursor(alice, bob):
    for _ in range(3):
        bob.place("sell")
        last = alice.place("buy")
    number = last["fills"][0]["trade_id"]
    alice.caught_up("/fills", last["sequence"])
    first = until(
        lambda: public(alice, "/markets/BTC-USDT/trades?limit=2"), lambda page: page["trades"][0]["id"] == number
    )
    second = public(alice, f"/markets/BTC-USDT/trades?limit=2&cursor={first['next_cursor']}").ok()
    numbers = [trade["id"] for trade in first["trades"] + second["trades"]]
    assert numbers[:3] == [number, number - 1, number - 2]


def test_tickers_of_all_markets(alice):
    tickers = until(lambda: public(alice, "/tickers"), lambda answer: len(answer["tickers"]) >= 3)["tickers"]
    assert [ticker["market"] for ticker in tickers][:3] == ["BTC-USDT", "ETH-USDT", "ETH-BTC"]


@pytest.mark.parametrize("path", ["", "/depth", "/trades", "/candles", "/ticker"])
@pytest.mark.parametrize("symbol", ["XXX-YYY", "btc-usdt", "BTC-USDT%00", "'", "X" * 3000])
def test_unknown_markets(alice, symbol, path):
    answer = public(alice, f"/markets/{symbol}{path}")
    assert (answer.status, answer.code) == (404, "unknown_market")


@pytest.mark.parametrize(
    "path",
    [
        "/depth?limit=0", "/depth?limit=5001", "/depth?limit=x", "/depth?x=1", "/trades?limit=501", "/trades?limit=-1",
        "/candles?interval=2m", "/candles?start=x", "/candles?end=-1", "/candles?limit=1001", "/ticker?x=1", "?x=1",
        "/candles?start=99999999999999999999", "/candles?interval=1m&interval=5m",
    ],
)  # fmt: skip
def test_bad_queries(alice, path):
    answer = public(alice, f"/markets/BTC-USDT{path}")
    assert (answer.status, answer.code) == (400, "invalid_request")


def test_a_bad_cursor(alice):
    assert public(alice, "/markets/BTC-USDT/trades?cursor=zzz").code == "invalid_cursor"
