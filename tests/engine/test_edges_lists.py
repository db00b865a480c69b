"""Take-profits, trailing stops, icebergs and lists at their bounds, on both engines; which check comes first."""

from typing import Any

import pytest

from matching.engine import commands as c
from tests.engine.compare import Pair
from tests.engine.generate import START_US
from tests.engine.test_edges import HUGE, MAX_AMOUNT, MAX_PRICE, do, fund, pair, refused, rules

__all__ = ["pair"]

AT_MARKET = {"type": c.MARKET, "tif": c.IOC}


def sell(**order: Any) -> list[Any]:
    return c.place(account=1, market=1, side=c.SELL, **order)


def buy(**order: Any) -> list[Any]:
    return c.place(account=2, market=1, side=c.BUY, **order)


def trade_at(pair: Pair, price: int) -> list[tuple[Any, ...]]:
    """Accounts 3 and 4 trade one lot at `price`; what that does."""
    for account in (3, 4):
        for asset in (1, 2):
            fund(pair, account, asset, MAX_PRICE)
    do(pair, c.place(account=3, market=1, side=c.SELL, price=price, size=1))
    return do(pair, c.place(account=4, market=1, side=c.BUY, price=price, size=1, tif=c.IOC))


@pytest.mark.parametrize(
    "wrong",
    [
        {"trail": 99, **AT_MARKET}, {"trail": 500_001, **AT_MARKET}, {"trail": -1, **AT_MARKET},
        {"trail": HUGE, **AT_MARKET}, {"trail": -HUGE, "stop": 900, **AT_MARKET}, {"trigger": 1, "price": 1000},
        {"trigger": 2, "stop": 1100, **AT_MARKET}, {"trigger": -1, "stop": 900, **AT_MARKET},
        {"trigger": HUGE, "stop": 900, **AT_MARKET}, {"display": -1, "price": 1000}, {"display": -HUGE, "price": 1000},
        {"display": 1, "price": 1000, "tif": c.IOC}, {"display": 1, "price": 1000, "tif": c.FOK},
        {"display": 1, **AT_MARKET}, {"post_only": 1, "trail": 1000, "price": 1000},
        {"post_only": 1, "stop": 1100, "trigger": 1, "price": 1000},
        {"size": 0, "quote": 5, "trail": 1000, **AT_MARKET},
    ],
)  # fmt: skip
def test_new_fields_are_refused_outside_of_their_values(pair: Pair, wrong: dict[str, Any]) -> None:
    fund(pair, 1, 1, 100)
    assert refused(pair, sell(**({"size": 5} | wrong))) == "invalid_parameter"
    assert pair.fast.balance(1, 1) == (100, 0)


def test_new_fields_are_taken_at_their_bounds(pair: Pair) -> None:
    fund(pair, 1, 1, 1000)
    for order in (
        {"trail": 100, **AT_MARKET}, {"trail": 500_000, **AT_MARKET}, {"trail": 500_000, "price": MAX_PRICE},
        {"trigger": 1, "stop": MAX_PRICE, "price": MAX_PRICE},
        {"trigger": 1, "stop": MAX_PRICE, "trail": 100, "price": 9},
        {"display": HUGE, "price": 1000}, {"display": 5, "price": 1000}, {"trigger": 1, "trail": 100, "price": 1},
    ):  # fmt: skip
        assert do(pair, sell(size=5, **order))[-1][0] in ("wait", "rest"), order
    assert refused(pair, sell(size=5, trigger=1, stop=MAX_PRICE + 1, price=1)) == "price_too_large"


def test_a_trailing_buy_holds_what_the_band_around_its_first_stop_may_cost(pair: Pair) -> None:
    do(pair, rules(band_ppm=100_000))
    fund(pair, 2, 2, 10_000)
    assert do(pair, buy(size=1, trail=50_000, **AT_MARKET))[-1] == ("wait", 1, 2, 1, 0, 0, 1050 + 105)
    assert do(pair, buy(size=1, trail=100, **AT_MARKET))[-1] == ("wait", 2, 2, 1, 0, 0, 1001 + 100)
    assert do(pair, buy(size=2, trail=100, stop=2000, **AT_MARKET))[-1] == ("wait", 3, 2, 1, 0, 2000, 2 * (2001 + 200))
    falls = buy(size=1, trail=500_000, stop=500, trigger=1, **AT_MARKET)
    assert do(pair, falls)[-1] == ("wait", 4, 2, 1, 0, 500, 750 + 75)


def test_a_trailing_buy_never_holds_more_than_the_largest_price_costs(pair: Pair) -> None:
    fund(pair, 2, 2, 5 * MAX_PRICE)
    trade_at(pair, MAX_PRICE)
    assert do(pair, buy(size=2, trail=500_000, **AT_MARKET))[-1] == ("wait", 3, 2, 1, 0, 0, 2 * MAX_PRICE)
    assert do(pair, buy(size=1, trail=100, stop=5, trigger=1, **AT_MARKET))[-1][0] == "wait"


def test_a_trailing_buy_is_worth_what_its_protection_may_cost(pair: Pair) -> None:
    do(pair, rules(band_ppm=1_000_000))
    fund(pair, 2, 2, MAX_AMOUNT)
    size = MAX_AMOUNT // 3000
    assert refused(pair, buy(size=size + 1, trail=500_000, **AT_MARKET)) == "notional_too_large"
    assert refused(pair, buy(size=MAX_AMOUNT // 1000 + 1, trail=500_000, **AT_MARKET)) == "notional_too_large"
    assert do(pair, buy(size=size, trail=500_000, **AT_MARKET))[-1] == ("wait", 1, 2, 1, 0, 0, 3000 * size)


def test_a_trailing_sell_at_the_lowest_price_has_nowhere_to_fall(pair: Pair) -> None:
    fund(pair, 1, 1, 10)
    trade_at(pair, 1)
    do(pair, sell(size=1, trail=500_000, **AT_MARKET))
    assert [event[0] for event in trade_at(pair, 1)] == ["new", "trade", "done"]
    trade_at(pair, 2)
    assert "trigger" in [event[0] for event in trade_at(pair, 1)]


def test_an_iceberg_has_ten_parts_and_not_one_lot_more(pair: Pair) -> None:
    fund(pair, 1, 1, MAX_AMOUNT)
    assert refused(pair, sell(size=71, display=7, price=1000)) == "too_many_parts"
    assert do(pair, sell(size=70, display=7, price=1000))[-1] == ("show", 1, 1, 1, 1, 1000, -63, 63)
    assert refused(pair, c.amend(account=1, order=1, size=71)) == "too_many_parts"
    part = MAX_AMOUNT // 1000 // 10
    assert do(pair, sell(size=10 * part, display=part, price=1000))[-1][-1] == 9 * part
    assert pair.fast.depth(1)[1] == [(1000, 7 + part)]


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"size": 201, "display": 1, "price": 1}, "size_too_large"),
        ({"size": 1, "display": 1, "price": 1}, "size_too_small"),
        ({"size": 200, "display": 1, "price": 1}, "size_too_small"),
        ({"size": 200, "display": 1, "price": MAX_PRICE + 1}, "price_too_large"),
        ({"size": 200, "display": 2, "price": 0}, "invalid_price"),
        ({"size": 199, "display": 20, "price": 1}, "notional_too_small"),
        ({"size": 200, "display": 20, "price": 4000}, "price_band"),
        ({"size": 10, "display": 2, "price": 990, "stop": 1000, "trigger": 1}, "stop_would_trigger"),
    ],
)  # fmt: skip
def test_checks_of_an_iceberg_go_by_their_order(pair: Pair, order: dict[str, Any], code: str) -> None:
    fund(pair, 1, 1, 1000)
    do(pair, rules(min_lots=2, max_lots=200, min_notional=900, band_ppm=100_000))
    assert refused(pair, sell(**order)) == code


def test_too_many_parts_come_before_the_notional(pair: Pair) -> None:
    fund(pair, 1, 1, 1000)
    do(pair, rules(max_lots=200, min_notional=900))
    assert refused(pair, sell(size=11, display=1, price=1)) == "too_many_parts"
    assert refused(pair, sell(size=10, display=1, price=1)) == "notional_too_small"


# Lists


def oco(**changes: Any) -> list[Any]:
    """A profit at 1100 and a loss at 900 of account 1, with changes of the list or its `first`, `second`, `both`."""
    command: dict[str, Any] = {"account": 1, "market": 1, "kind": c.OCO}
    first = {"side": c.SELL, "price": 1100, "size": 5, "post_only": 1}
    second = {"side": c.SELL, "stop": 900, "size": 5, **AT_MARKET}
    both = changes.pop("both", {})
    first |= both | changes.pop("first", {})
    second |= both | changes.pop("second", {})
    return c.order_list(**(command | {"legs": [c.leg(**first), c.leg(**second)]} | changes))


def test_a_list_that_is_right_is_taken(pair: Pair) -> None:
    fund(pair, 1, 1, 5)
    assert [event[0] for event in do(pair, oco(client_id="a name"))] == ["list", "new", "new", "rest", "wait"]
    assert pair.fast.balance(1, 1) == (0, 5)


WRONG: tuple[tuple[str, dict[str, Any]], ...] = (
    ("deadline_passed", {"deadline_us": START_US - 1}),
    ("invalid_account", {"account": 0}),
    ("unknown_market", {"market": 9}),
    ("invalid_parameter", {"kind": 3}),
    ("invalid_list", {"second": {"stop": 900, "trigger": 1}}),
    ("invalid_price", {"first": {"price": 0}}),
    ("price_too_large", {"first": {"price": MAX_PRICE + 1}}),
    ("size_too_large", {"both": {"size": 201}}),
    ("too_many_parts", {"both": {"size": 200}, "first": {"display": 1}}),
    ("notional_too_small", {"both": {"size": 1}}),
    ("price_band", {"first": {"price": 1500}}),
)


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_of_several_things_wrong_with_a_list_the_first_check_counts(pair: Pair, number: int) -> None:
    """Each is refused alone, and with all that come later on top of it where both can be said at once."""
    do(pair, rules(max_lots=200, min_notional=2000, band_ppm=100_000))
    fund(pair, 1, 1, 4)
    code, wrong = WRONG[number]
    assert refused(pair, oco(**wrong)) == code
    together = dict(wrong)
    for _, later in WRONG[number + 1 :]:
        together |= {name: value for name, value in later.items() if name not in together}
    assert refused(pair, oco(**together)) == code
    assert pair.fast.balance(1, 1) == (4, 0)


def test_checks_of_the_first_leg_come_before_those_of_the_second(pair: Pair) -> None:
    do(pair, rules(max_orders=1, band_ppm=100_000))
    fund(pair, 1, 1, 1)
    triggers = {"stop": 1000}
    assert refused(pair, oco(first={"price": 1101}, second=triggers)) == "price_band"
    assert refused(pair, oco(second=triggers)) == "too_many_orders"
    do(pair, rules(max_orders=2, band_ppm=100_000))
    fund(pair, 2, 2, 2200)
    do(pair, buy(price=1100, size=1, tif=c.GTC))
    assert refused(pair, oco(second=triggers)) == "post_only_would_cross"
    do(pair, c.cancel_all(account=2))
    assert refused(pair, oco(second=triggers)) == "stop_would_trigger"
    assert refused(pair, oco()) == "insufficient_balance"


@pytest.mark.parametrize("kind", [-HUGE, -1, 3, HUGE])
def test_there_are_three_kinds_of_lists(pair: Pair, kind: int) -> None:
    fund(pair, 1, 1, 5)
    assert refused(pair, oco(kind=kind)) == "invalid_parameter"


@pytest.mark.parametrize(("kind", "right"), [(c.OCO, 2), (c.OTO, 2), (c.OTOCO, 3)])
def test_a_list_has_as_many_legs_as_its_kind(pair: Pair, kind: int, right: int) -> None:
    fund(pair, 1, 1, 50)
    for many in range(5):
        legs = [c.leg(side=c.SELL, price=1001 + n, size=1) for n in range(many)]
        code = refused(pair, c.order_list(account=1, market=1, kind=kind, legs=legs)) if kind != c.OTO else None
        if kind == c.OTO:
            events = do(pair, c.order_list(account=1, market=1, kind=kind, legs=legs))
            assert (events[0][0] == "list") == (many == right)
        else:
            assert code == ("invalid_list" if many == right else "invalid_parameter")


def test_a_pair_of_dear_stops_may_be_too_dear_in_its_second_leg(pair: Pair) -> None:
    """The need of a market buy is bounded in check 14, of either leg."""
    do(pair, rules(band_ppm=1_000_000))
    fund(pair, 2, 2, MAX_AMOUNT)
    size = MAX_AMOUNT // 2000
    below = {"side": c.BUY, "stop": 500, "trigger": c.TAKE_PROFIT, "size": size, **AT_MARKET}
    above = {"side": c.BUY, "stop": 1001, "size": size, **AT_MARKET}
    legs = [c.leg(**below), c.leg(**above)]
    assert refused(pair, c.order_list(account=2, market=1, kind=c.OCO, legs=legs)) == "notional_too_large"
    assert refused(pair, c.order_list(account=2, market=1, kind=c.OCO, legs=legs[::-1])) == "notional_too_large"
    legs[1] = c.leg(**(above | {"trigger": c.STOP, "stop": 1001, "type": c.LIMIT, "tif": c.GTC, "price": 1000}))
    events = do(pair, c.order_list(account=2, market=1, kind=c.OCO, legs=legs))
    assert [event[-1] for event in events if event[0] == "wait"] == [1000 * size, 0]


def test_a_leg_remembers_the_lists_fingerprint_and_a_closed_one_its_name(pair: Pair) -> None:
    fund(pair, 1, 1, 50)
    named = {"first": {"client_id": "a"}, "second": {"client_id": "b"}}
    do(pair, oco(fingerprint=7, **named))
    sequence = pair.fast.sequence
    do(pair, c.cancel(account=1, client_id="b"))
    assert do(pair, oco(fingerprint=7, **named)) == [("duplicate", 1, sequence)]
    assert refused(pair, oco(fingerprint=8, **named)) == "client_order_id_reused"
    assert do(pair, oco(fingerprint=7, first={"client_id": "b"})) == [("duplicate", 2, sequence)]
    assert refused(pair, oco(fingerprint=7, second={"client_id": "b"})) == "client_order_id_reused"
    assert refused(pair, sell(price=1100, size=1, client_id="b", fingerprint=8)) == "client_order_id_reused"
    assert do(pair, sell(price=1100, size=1, client_id="b", fingerprint=7)) == [("duplicate", 2, sequence)]
    assert do(pair, oco(fingerprint=8, client_id="a"))[0][0] == "list", "the list's own name is a label"


def test_a_list_may_expire_beyond_every_clock(pair: Pair) -> None:
    fund(pair, 1, 1, 5)
    do(pair, oco(first={"tif": c.GTD, "expires_us": HUGE}))
    assert pair.fast.next_due == HUGE
    assert [event[-1] for event in do(pair, c.tick(), HUGE)] == ["expired", "list"]
    assert pair.fast.balance(1, 1) == (5, 0)
