"""Values at the bounds, on both engines at once: the largest amounts, prices and times, and one more."""

from typing import Any

import pytest

from matching.engine import NEVER, limits
from matching.engine import commands as c
from tests.engine.compare import Pair
from tests.engine.generate import START_US, market_rules
from tests.engine.reference import ReferenceEngine

MAX_AMOUNT = 2**96 - 1
MAX_PRICE = 2**48 - 1
HUGE = 2**200
WEEK_US = 7 * 24 * 3600 * 1_000_000


@pytest.fixture
def pair() -> Pair:
    """Both engines with market 1: lots of 1 atom, 1 quote atom per tick and lot, no limits but the format's."""
    pair = Pair()
    do(pair, c.asset(asset=1, code="A", scale=0))
    do(pair, c.asset(asset=2, code="B", scale=30))
    do(pair, rules())
    return pair


def rules(**changes: Any) -> list[Any]:
    plain: dict[str, Any] = {
        "market": 1, "lot_atoms": 1, "unit": 1, "max_lots": MAX_AMOUNT, "min_notional": 0, "band_ppm": 2**62,
        "breaker_ppm": 0, "fees": [[0, 0]], "reference_price": 1000,
    }  # fmt: skip
    return market_rules(**(plain | changes))


def do(pair: Pair, command: list[Any], time_us: int = START_US) -> list[tuple[Any, ...]]:
    c.check_shape(command)
    events = pair.apply(command, time_us)
    pair.fast.validate()
    return events


def refused(pair: Pair, command: list[Any], time_us: int = START_US) -> str:
    """The code of a command that must be refused."""
    (event,) = do(pair, command, time_us)
    assert event[0] == "rejected", event
    return str(event[1])


def fund(pair: Pair, account: int, asset: int, amount: int) -> None:
    index = pair.slow.sources.get(account, 0) + 1
    assert (
        do(pair, c.deposit(source=account, index=index, account=account, asset=asset, amount=amount))[0][0] == "deposit"
    )


@pytest.mark.parametrize("band_ppm", [1, 1_000, 50_000, 999_999, 1_000_000, 1_500_000])
def test_the_band_is_exact_wherever_the_last_price_wanders(pair: Pair, band_ppm: int) -> None:
    """The engine works out what is surely within the band only now and then; its edges must not be felt."""
    price = 1_000_000
    do(pair, rules(market=2, base=1, min_lots=1, band_ppm=band_ppm, reference_price=price))
    for account in (1, 2):
        for asset in (1, 2):
            fund(pair, account, asset, 10**12)
    for step in (1, 0, -2, 40, -75, 1_300, 70_000, -150_000, 3):
        reach = price * band_ppm // 10**6
        price = max(1, price - reach, min(price + reach, price + step))
        do(pair, c.place(account=1, market=2, side=c.SELL, price=price, size=1))
        assert do(pair, c.place(account=2, market=2, side=c.BUY, price=price, size=1))[1][0] == "trade"
        assert pair.slow.markets[2].last == price
        reach = price * band_ppm // 10**6
        for side, low_or_high in ((c.BUY, max(1, price - reach)), (c.SELL, price + reach)):
            assert do(pair, c.place(account=1, market=2, side=side, price=low_or_high, size=1))[1][0] == "rest"
            do(pair, c.cancel_all(account=1))
            beyond = low_or_high + (1 if side else -1)
            if beyond > 0:
                order = c.place(account=1, market=2, side=side, price=beyond, size=1)
                assert refused(pair, order) == "price_band"


def test_an_asset_holds_the_largest_amount_and_not_one_atom_more(pair: Pair) -> None:
    fund(pair, 1, 1, MAX_AMOUNT)
    assert pair.fast.balance(1, 1) == (MAX_AMOUNT, 0)
    assert refused(pair, c.deposit(source=9, index=1, account=2, asset=1, amount=1)) == "balance_overflow"
    do(pair, c.hold(withdrawal=1, account=1, asset=1, amount=MAX_AMOUNT))
    assert refused(pair, c.deposit(source=9, index=1, account=2, asset=1, amount=1)) == "balance_overflow"
    do(pair, c.complete(withdrawal=1))
    fund(pair, 2, 1, MAX_AMOUNT)


@pytest.mark.parametrize("amount", [0, -1, MAX_AMOUNT + 1, HUGE, -HUGE])
def test_an_amount_is_at_least_one_atom_and_at_most_the_largest(pair: Pair, amount: int) -> None:
    fund(pair, 1, 1, 5)
    assert refused(pair, c.deposit(source=9, index=1, account=1, asset=1, amount=amount)) == "invalid_amount"
    assert refused(pair, c.hold(withdrawal=1, account=1, asset=1, amount=amount)) == "invalid_amount"
    assert refused(pair, c.transfer(transfer=1, source=1, to=2, asset=1, amount=amount)) == "invalid_amount"


def test_a_price_reaches_its_bound_and_no_further(pair: Pair) -> None:
    fund(pair, 1, 2, MAX_AMOUNT)
    buy = {"account": 1, "market": 1, "side": c.BUY, "size": 1}
    assert refused(pair, c.place(**buy, price=MAX_PRICE + 1)) == "price_too_large"
    assert refused(pair, c.place(**buy, price=1, stop=MAX_PRICE + 1)) == "price_too_large"
    assert do(pair, c.place(**buy, price=MAX_PRICE))[-1][0] == "rest"
    assert refused(pair, c.amend(account=1, order=1, price=MAX_PRICE + 1)) == "price_too_large"


def test_an_order_is_worth_the_largest_amount_and_not_one_atom_more(pair: Pair) -> None:
    fund(pair, 1, 2, MAX_AMOUNT)
    assert MAX_AMOUNT % 3 == 0
    buy = {"account": 1, "market": 1, "side": c.BUY, "price": 3}
    assert refused(pair, c.place(**buy, size=MAX_AMOUNT // 3 + 1)) == "notional_too_large"
    assert do(pair, c.place(**buy, size=MAX_AMOUNT // 3))[-1] == ("rest", 1, 1, 1, 0, 3, MAX_AMOUNT // 3, MAX_AMOUNT)
    assert refused(pair, c.amend(account=1, order=1, size=MAX_AMOUNT // 3 + 1)) == "notional_too_large"
    by_quote = {"account": 1, "market": 1, "side": c.BUY, "type": c.MARKET, "tif": c.IOC}
    assert refused(pair, c.place(**by_quote, quote=MAX_AMOUNT + 1)) == "notional_too_large"


def test_the_largest_amounts_trade_exactly(pair: Pair) -> None:
    do(pair, rules(fees=[[999_999, 1_000_000]]))
    fund(pair, 1, 1, MAX_AMOUNT)
    fund(pair, 2, 2, MAX_AMOUNT)
    do(pair, c.place(account=1, market=1, side=c.SELL, price=1, size=MAX_AMOUNT))
    do(pair, c.place(account=2, market=1, side=c.BUY, price=1, size=MAX_AMOUNT))
    maker_fee = MAX_AMOUNT * 999_999 // 1_000_000
    assert pair.fast.balances(2) == {}, "the taker's fee takes all that it received"
    assert pair.fast.balance(1, 2) == (MAX_AMOUNT - maker_fee, 0)
    assert pair.fast.balance(0, 1) == (MAX_AMOUNT, 0)
    assert pair.fast.balance(0, 2) == (maker_fee, 0)


def test_a_stop_buy_is_worth_what_its_protection_may_cost(pair: Pair) -> None:
    """The stop's own worth is in bounds, but the band around it is not."""
    do(pair, rules(band_ppm=1_000_000))
    fund(pair, 1, 2, MAX_AMOUNT)
    stop = {"account": 1, "market": 1, "side": c.BUY, "type": c.MARKET, "tif": c.IOC, "stop": 2000}
    assert refused(pair, c.place(**stop, size=MAX_AMOUNT // 2000)) == "notional_too_large"
    assert refused(pair, c.place(**stop, size=MAX_AMOUNT // 2000 + 1)) == "notional_too_large"
    size = MAX_AMOUNT // 4000
    assert do(pair, c.place(**stop, size=size))[-1] == ("wait", 1, 1, 1, 0, 2000, 4000 * size)
    assert refused(pair, c.place(**stop, size=size)) == "insufficient_balance"


def test_a_band_ends_at_the_bounds_of_prices(pair: Pair) -> None:
    fund(pair, 1, 1, 10)
    do(pair, rules(band_ppm=999_999))
    sell = {"account": 1, "market": 1, "side": c.SELL, "size": 1}
    assert do(pair, c.place(**sell, price=1999))[-1][0] == "rest"
    assert refused(pair, c.place(**sell, price=2000)) == "price_band"
    assert do(pair, c.place(**sell, price=1))[-1][0] == "rest"


@pytest.mark.parametrize("number", [-HUGE, -1, 0, HUGE])
def test_ids_of_any_size_are_taken_or_refused_but_never_fail(pair: Pair, number: int) -> None:
    positive = number > 0
    for command in (
        c.asset(asset=number, code="X", scale=1),
        c.tier(account=number, tier=1),
        c.deadman(account=number, timeout_us=1),
        c.deposit(source=number, index=1, account=5, asset=1, amount=1),
        c.engine(version=number),
    ):
        taken = do(pair, command)[-1][0] != "rejected"
        # Read models keep an asset's number in 32 bits.
        assert taken == ((positive and command[0] != "asset") or command[0] == "deposit"), command
    assert refused(pair, c.cancel(account=1, order=number)) == "unknown_order"
    assert refused(pair, c.release(withdrawal=number)) == "unknown_withdrawal"
    assert refused(pair, c.state(market=number, state="open")) == "unknown_market"


def test_times_beyond_every_clock_are_kept(pair: Pair) -> None:
    fund(pair, 1, 2, 10)
    do(pair, c.place(account=1, market=1, side=c.BUY, price=1, size=1, tif=c.GTD, expires_us=HUGE))
    assert pair.fast.next_due == HUGE
    do(pair, c.place(account=1, market=1, side=c.BUY, price=1, size=1, deadline_us=HUGE))
    do(pair, c.tick(), HUGE - 1)
    assert do(pair, c.tick(), HUGE)[-1][-1] == "expired"


def test_a_deadline_is_the_last_moment_that_counts(pair: Pair) -> None:
    assert do(pair, c.tier(account=1, tier=1, deadline_us=START_US))[-1][0] == "tier"
    assert refused(pair, c.tier(account=1, tier=1, deadline_us=START_US - 1)) == "deadline_passed"
    assert do(pair, c.tier(account=1, tier=1, deadline_us=-1))[-1][0] == "tier", "0 and below is none"


def test_a_client_id_is_free_at_the_very_moment_a_day_after(pair: Pair) -> None:
    fund(pair, 1, 2, 10)
    order = c.place(account=1, market=1, side=c.BUY, price=1, size=1, client_id="k", fingerprint=7)
    day_us = 24 * 3600 * 1_000_000
    do(pair, order)
    do(pair, c.cancel(account=1, client_id="k"))
    assert do(pair, order, START_US + day_us - 1) == [("duplicate", 1, 5)]
    assert do(pair, order, START_US + day_us)[0][:2] == ("new", 2)


@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        ({"reference_price": 1}, True), ({"reference_price": 0}, False), ({"reference_price": MAX_PRICE}, True),
        ({"reference_price": MAX_PRICE + 1}, False), ({"min_lots": 5, "max_lots": 5}, True),
        ({"min_lots": 6, "max_lots": 5}, False), ({"min_lots": 0}, False), ({"band_ppm": 1}, True),
        ({"band_ppm": 0}, False), ({"max_orders": 1}, True), ({"max_orders": 0}, False), ({"min_notional": -1}, False),
        ({"breaker_ppm": -1}, False), ({"breaker_window_us": -1}, False), ({"halt_us": -1}, False),
        ({"reopen_us": -1}, False), ({"unit": 0}, False), ({"lot_atoms": 0}, False), ({"lot_atoms": 2**95}, True),
        ({"lot_atoms": 5**41}, True), ({"lot_atoms": 3}, False), ({"lot_atoms": 70}, False),
        ({"lot_atoms": 2**95 + 1}, False), ({"symbol": "X" * 33}, True), ({"symbol": "X" * 34}, False),
        ({"symbol": ""}, False), ({"symbol": "btc-usdt"}, False), ({"symbol": "BTC/USDT"}, False),
        ({"symbol": "BTC\0"}, False), ({"symbol": "BTC\n"}, False), ({"symbol": "É"}, False),
        ({"fees": [[0, 1_000_000]]}, True), ({"fees": [[0, 1_000_001]]}, False), ({"fees": [[-1, 0]]}, False),
        ({"fees": [[0, 0], [0, -1]]}, False), ({"fees": []}, False), ({"market": 0}, False),
        ({"market": 2**31 - 1}, True), ({"market": 2**31}, False), ({"base": 2}, False), ({"quote": 1}, False),
        ({"lot_atoms": MAX_AMOUNT + 1}, False), ({"unit": MAX_AMOUNT + 1}, False),
        ({"max_lots": MAX_AMOUNT + 1}, False),
        ({"min_notional": MAX_AMOUNT + 1}, False), ({"max_orders": 1_000_001}, False), ({"band_ppm": 2**62 + 1}, False),
        ({"breaker_ppm": 2**62 + 1}, False), ({"halt_us": WEEK_US}, True), ({"halt_us": WEEK_US + 1}, False),
        ({"reopen_us": WEEK_US + 1}, False), ({"breaker_window_us": WEEK_US + 1}, False), ({"symbol": "M1"}, False),
    ],
)  # fmt: skip
def test_a_market_takes_rules_up_to_their_bounds(pair: Pair, changes: dict[str, Any], taken: bool) -> None:
    (event,) = do(pair, rules(**({"market": 7} | changes)))
    assert event[0] == ("market" if taken else "rejected")
    if not taken:
        assert event[1] == "invalid_parameter"
        assert 7 not in pair.fast.markets


@pytest.mark.parametrize(
    ("code", "taken"),
    [("BB", True), ("1INCH", True), ("X" * 16, True), ("X" * 17, False), ("", False), ("btc", False), ("B-C", False),
     ("BT\0", False), ("BTC\n", False), ("ÄÖ", False)],
)  # fmt: skip
def test_an_asset_has_a_code_of_capitals_and_digits(pair: Pair, code: str, taken: bool) -> None:
    (event,) = do(pair, c.asset(asset=9, code=code, scale=2))
    assert event == (("asset", 9, code, 2) if taken else ("rejected", "invalid_parameter"))
    assert (9 in pair.fast.assets) == taken


def test_so_much_is_due_at_once_and_the_rest_with_the_next_commands(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DUE", 3)
    monkeypatch.setattr(pair.slow, "max_due", 3)
    fund(pair, 1, 2, 10_000)
    fund(pair, 2, 2, 10_000)
    for account in (1, 2, 1, 2):
        do(pair, c.place(account=account, market=1, side=c.BUY, price=999, size=1, tif=c.GTD, expires_us=START_US + 5))
    do(pair, c.deadman(account=2, timeout_us=5))
    do(pair, c.place(account=2, market=1, side=c.BUY, price=999, size=1))
    late = do(pair, c.cancel(account=1, order=77), START_US + 9)
    assert [event[0] for event in late] == ["done", "done", "done", "rejected"]
    assert pair.fast.next_due == START_US + 5, "it is still due"
    last = do(pair, c.tick(), START_US + 9)
    assert [event[:2] for event in last] == [("done", 4), ("deadman_fired", 2), ("done", 5)]
    assert pair.fast.next_due == NEVER
    pair.fast.validate()


def test_a_thousand_things_are_due_at_once(pair: Pair) -> None:
    engine = pair.fast
    for n in range(limits.DUE + 1):
        engine.apply(c.deadman(account=1 + n, timeout_us=5), START_US)
    assert len(engine.apply(c.tick(), START_US + 5)) == limits.DUE == ReferenceEngine.max_due == 1_000
    assert engine.apply(c.tick(), START_US + 5) == [("deadman_fired", limits.DUE + 1, 0)]
    assert engine.apply(c.tick(), START_US + 5) == []


def test_the_version_of_the_rules_is_part_of_the_state(pair: Pair) -> None:
    before = pair.fast.dump()
    do(pair, c.engine(version=HUGE))
    after = pair.fast.dump()
    assert {name for name in before if before[name] != after[name]} == {"sequence", "version"}


@pytest.mark.parametrize(
    "change", [{"price": -1}, {"size": -1}, {"price": -HUGE, "size": 5}, {"price": 5, "size": -HUGE}]
)
def test_an_amend_takes_no_negative_number(pair: Pair, change: dict[str, int]) -> None:
    fund(pair, 1, 2, 100)
    do(pair, c.place(account=1, market=1, side=c.BUY, price=1, size=10))
    assert refused(pair, c.amend(account=1, order=1, **change)) == "invalid_parameter"


def test_the_last_atom_is_enough_and_one_less_is_not(pair: Pair) -> None:
    fund(pair, 1, 2, 99)
    orders = (
        {"price": 10, "size": 10}, {"price": 10, "size": 10, "tif": c.FOK, "stp": 1},
        {"type": c.MARKET, "tif": c.IOC, "quote": 100}, {"price": 50, "size": 2, "post_only": 1},
        {"price": 10, "size": 10, "stop": 2000},
    )  # fmt: skip
    for order in orders:
        assert refused(pair, c.place(account=1, market=1, side=c.BUY, **order)) == "insufficient_balance"
    fund(pair, 1, 2, 1)
    for order in orders:
        events = do(pair, c.place(account=1, market=1, side=c.BUY, **order))
        assert events[0][0] == "new"
        do(pair, c.cancel_all(account=1))
