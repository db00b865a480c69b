"""Public data: rules, books, trades and their aggregates, candles without gaps, statistics."""

import time
from decimal import Decimal
from itertools import pairwise

import pytest

from tests.binance.conftest import PRICE
from tests.patience import PATIENCE_S


def settled(client, path, wanted, **values):
    """An answer that market data and the read models have caught up with."""
    end = time.monotonic() + PATIENCE_S
    while True:
        answer = client.public(path, **values).ok().body
        if wanted(answer):
            return answer
        assert time.monotonic() < end, answer
        time.sleep(0.05)


@pytest.fixture
def sweep(alice, bob):
    """A taker that meets two makers at one price and one at the next; the ids of the four orders' trades."""
    bob.place("SELL", PRICE, "0.001")
    bob.place("SELL", PRICE, "0.002")
    bob.place("SELL", PRICE + 1, "0.004")
    taken = alice.place("BUY", PRICE + 1, "0.005")
    return [fill["tradeId"] for fill in taken["fills"]]


def test_ping_and_time(alice):
    assert alice.public("ping").ok().body == {}
    assert abs(alice.public("time").ok()["serverTime"] - time.time() * 1000) < 60_000


def test_symbols_have_the_rules_of_their_markets(alice):
    info = alice.public("exchangeInfo").ok()
    assert [symbol["symbol"] for symbol in info["symbols"]] == ["BTCUSDT", "ETHUSDT", "ETHBTC"]
    assert {limit["rateLimitType"] for limit in info["rateLimits"]} == {"REQUEST_WEIGHT", "ORDERS"}
    for symbol, market in zip(info["symbols"], alice.v1("GET", "/markets")["markets"], strict=True):
        assert (symbol["baseAsset"], symbol["quoteAsset"], symbol["status"]) == (
            market["base"],
            market["quote"],
            "TRADING",
        )
        filters = {rule["filterType"]: rule for rule in symbol["filters"]}
        assert Decimal(filters["PRICE_FILTER"]["tickSize"]) == Decimal(market["tick_size"])
        lot = filters["LOT_SIZE"]
        assert [Decimal(lot[name]) for name in ("stepSize", "minQty", "maxQty")] == [
            Decimal(market[name]) for name in ("lot_size", "min_size", "max_size")
        ]
        assert Decimal(filters["NOTIONAL"]["minNotional"]) == Decimal(market["min_notional"])
        assert filters["MAX_NUM_ORDERS"]["maxNumOrders"] == market["max_open_orders"]
        up, down = (Decimal(filters["PERCENT_PRICE"][name]) for name in ("multiplierUp", "multiplierDown"))
        assert up - 1 == 1 - down == Decimal(market["band_percent"]) / 100


def test_some_symbols(alice):
    def names(**values):
        return [symbol["symbol"] for symbol in alice.public("exchangeInfo", **values).ok()["symbols"]]

    assert names(symbol="ETHBTC") == ["ETHBTC"]
    assert names(symbols='["ETHUSDT","BTCUSDT"]') == ["BTCUSDT", "ETHUSDT"]
    assert (names(permissions="SPOT"), names(permissions='["MARGIN"]')) == (["BTCUSDT", "ETHUSDT", "ETHBTC"], [])
    assert (names(symbolStatus="HALT"), len(names(symbolStatus="TRADING"))) == ([], 3)
    assert alice.public("exchangeInfo", symbol="NONE").error == (-1121, "Invalid symbol.")


def test_the_band_is_the_filter(alice):
    (symbol,) = alice.public("exchangeInfo", symbol="BTCUSDT").ok()["symbols"]
    band = next(rule for rule in symbol["filters"] if rule["filterType"] == "PERCENT_PRICE")
    last = Decimal(alice.public("ticker/price", symbol="BTCUSDT").ok()["price"])
    edge = (last * Decimal(band["multiplierDown"])).quantize(Decimal("0.1"))
    assert alice.order(price=f"{edge + Decimal('0.1'):f}").status == 200
    assert alice.order(price=f"{edge - Decimal('0.2'):f}").error == (-1013, "Filter failure: PERCENT_PRICE")


def test_depth(alice, bob):
    alice.place(price=59_999, quantity="0.001")
    alice.place(price=59_998, quantity="0.002")
    bob.place("SELL", 60_002, "0.003")
    wanted = {
        "bids": [["59999.00000000", "0.00100000"], ["59998.00000000", "0.00200000"]],
        "asks": [["60002.00000000", "0.00300000"]],
    }
    book = settled(alice, "depth", lambda book: book["asks"] and len(book["bids"]) == 2, symbol="BTCUSDT")
    assert {side: book[side] for side in wanted} == wanted
    top = alice.public("depth", symbol="BTCUSDT", limit=1).ok()
    assert (top["bids"], top["asks"]) == (wanted["bids"][:1], wanted["asks"])
    assert top["lastUpdateId"] == book["lastUpdateId"]


@pytest.mark.parametrize(("limit", "weight"), [(5, 5), (100, 5), (500, 25), (1_000, 50), (5_000, 250), (9_999, 250)])
def test_a_deeper_book_weighs_more(alice, limit, weight):
    before = int(alice.public("ping").headers["X-MBX-USED-WEIGHT-1M"])
    after = int(alice.public("depth", symbol="BTCUSDT", limit=limit).ok().headers["X-MBX-USED-WEIGHT-1M"])
    assert after - before == weight or after <= weight + 1  # a minute began in between


def test_trades(alice, sweep):
    shown = settled(alice, "trades", lambda rows: rows and rows[-1]["id"] == sweep[-1], symbol="BTCUSDT")
    assert [(row["price"], row["qty"], row["isBuyerMaker"]) for row in shown[-3:]] == [
        ("60000.00000000", "0.00100000", False), ("60000.00000000", "0.00200000", False),
        ("60001.00000000", "0.00200000", False),
    ]  # fmt: skip
    assert shown[-1]["quoteQty"] == "120.00200000"
    old = alice.public("historicalTrades", symbol="BTCUSDT", fromId=sweep[1], limit=2).ok().body
    assert old == shown[-2:]
    # So few come from market data, which may be behind the read models.
    settled(alice, "trades", lambda rows: rows == shown[-1:], symbol="BTCUSDT", limit=1)


def test_aggregates_are_runs_of_one_taker_at_one_price(alice, sweep):
    rows = settled(alice, "aggTrades", lambda rows: rows and rows[-1]["l"] == sweep[-1], symbol="BTCUSDT")
    assert [(row["a"], row["f"], row["l"], row["p"], row["q"], row["m"]) for row in rows[-2:]] == [
        (sweep[0], sweep[0], sweep[1], "60000.00000000", "0.00300000", False),
        (sweep[2], sweep[2], sweep[2], "60001.00000000", "0.00200000", False),
    ]  # fmt: skip
    get = alice.public
    # From within a run the next one follows.
    assert get("aggTrades", symbol="BTCUSDT", fromId=sweep[1]).ok().body == rows[-1:]
    assert get("aggTrades", symbol="BTCUSDT", fromId=sweep[0], limit=1).ok().body == rows[-2:-1]
    assert get("aggTrades", symbol="BTCUSDT", limit=2).ok().body == rows[-2:]
    at = rows[-1]["T"]
    assert get("aggTrades", symbol="BTCUSDT", startTime=at, endTime=at).ok().body == rows[-2:]
    assert get("aggTrades", symbol="BTCUSDT", endTime=rows[0]["T"] - 1).ok().body == []
    assert get("aggTrades", symbol="BTCUSDT", startTime=at + 1).ok().body == []


@pytest.mark.parametrize("interval", ["1m", "3m", "30m", "2h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"])
def test_candles_follow_on_each_other(alice, sweep, interval):
    asked_ms = time.time() * 1000
    # A candle may have ended since the trade.
    rows = settled(
        alice, "klines", lambda rows: any(row[8] and row[7] != "0.00000000" for row in rows[-2:]), symbol="BTCUSDT",
        interval=interval, limit=5,
    ) if interval != "1m" else alice.public("klines", symbol="BTCUSDT", interval="1m", limit=5).ok().body  # fmt: skip
    assert rows
    for before, after in pairwise(rows):
        assert after[0] == before[6] + 1
    newest = rows[-1]
    assert newest[0] <= time.time() * 1000
    assert asked_ms <= newest[6] + 1
    for row in rows:
        low, high = Decimal(row[3]), Decimal(row[2])
        assert low <= min(Decimal(row[1]), Decimal(row[4]))
        assert high >= max(Decimal(row[1]), Decimal(row[4]))
        assert Decimal(row[9]) <= Decimal(row[5])
    shown = alice.public("uiKlines", symbol="BTCUSDT", interval=interval, limit=1, endTime=newest[6]).ok().body
    assert shown[0][0] == newest[0]


def test_a_minute_without_a_trade_has_a_candle(alice, sweep):
    rows = alice.public("klines", symbol="BTCUSDT", interval="1m").ok().body
    start, end = rows[0][0], rows[0][0] + 600_000
    spanned = alice.public("klines", symbol="BTCUSDT", interval="1m", startTime=start + 1, endTime=end).ok().body
    assert all(row[0] > start for row in spanned)
    for row in spanned:
        if row[8] == 0:
            assert row[1] == row[2] == row[3] == row[4]
            assert row[5] == "0.00000000"
    assert alice.public("klines", symbol="ETHBTC", interval="1h", startTime=1, endTime=2).ok().body == []


def test_statistics(alice, sweep):
    day = settled(alice, "ticker/24hr", lambda row: row["lastId"] == sweep[-1], symbol="BTCUSDT")
    assert (day["lastPrice"], day["lastQty"]) == ("60001.00000000", "0.00200000")
    assert day["count"] == day["lastId"] - day["firstId"] + 1
    assert Decimal(day["priceChange"]) == Decimal(day["lastPrice"]) - Decimal(day["openPrice"])
    rolling = settled(alice, "ticker", lambda row: row["lastId"] == sweep[-1], symbol="BTCUSDT", windowSize="1d")
    same = (
        "lastPrice",
        "highPrice",
        "lowPrice",
        "volume",
        "quoteVolume",
        "count",
        "firstId",
        "lastId",
        "weightedAvgPrice",
    )
    assert {name: rolling[name] for name in same} == {name: day[name] for name in same}
    today = alice.public("ticker/tradingDay", symbol="BTCUSDT").ok()
    assert (today["lastId"], today["openTime"] % 86_400_000) == (sweep[-1], 0)
    assert (
        alice.public("ticker/tradingDay", symbol="BTCUSDT", timeZone="-3:30").ok()["openTime"] % 86_400_000
        == 12_600_000
    )
    mini = alice.public("ticker/24hr", symbol="BTCUSDT", type="MINI").ok().body
    assert set(mini) < set(day.keys())
    assert "bidPrice" not in mini
    average = alice.public("avgPrice", symbol="BTCUSDT").ok()
    assert average["mins"] == 5
    assert Decimal(day["lowPrice"]) <= Decimal(average["price"]) <= Decimal(day["highPrice"])


def test_prices_of_one_and_of_many(alice, bob, sweep):
    one = settled(alice, "ticker/price", lambda row: row["price"] == "60001.00000000", symbol="BTCUSDT")
    every = alice.public("ticker/price").ok().body
    assert [row["symbol"] for row in every] == ["BTCUSDT", "ETHUSDT", "ETHBTC"]
    assert one in every
    assert alice.public("ticker/price", symbols='["BTCUSDT"]').ok().body == [one]
    alice.place(price=59_000, quantity="0.007")
    best = settled(alice, "ticker/bookTicker", lambda row: row["bidQty"] == "0.00700000", symbol="BTCUSDT")
    assert best == {
        "symbol": "BTCUSDT", "bidPrice": "59000.00000000", "bidQty": "0.00700000", "askPrice": "60001.00000000",
        "askQty": "0.00200000",
    }  # fmt: skip
