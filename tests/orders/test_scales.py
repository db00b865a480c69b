"""Decimal text of prices and sizes: exact both ways, refused with a stable code otherwise."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.problems import Problem
from matching.money import MAX_AMOUNT, MAX_PRICE
from orders.scales import InexactScale, MarketScale, amount_to_atoms

# BTC-USDT: a lot is 0.00001 BTC, a tick 0.01 USDT: unit = 10^6 * 0.01 * 0.00001 atoms would be a tenth, so
# USDT has 8 decimals here: 10^8 * 0.01 * 0.00001 = 10 atoms.
BTC_USDT = MarketScale(SimpleNamespace(lot_atoms=1_000, unit=10, base_scale=8, quote_scale=8))
# A tick of 0.5 and a lot of 25 shares.
COARSE = MarketScale(SimpleNamespace(lot_atoms=25, unit=125, base_scale=0, quote_scale=1))


def refusal(call, *args) -> str:
    with pytest.raises(Problem) as caught:
        call(*args)
    return caught.value.code


def test_tick_and_lot_are_written_exactly():
    assert (BTC_USDT.tick, BTC_USDT.lot) == ("0.01", "0.00001")
    assert (COARSE.tick, COARSE.lot) == ("0.5", "25")


def test_text_to_integers():
    assert BTC_USDT.price_to_ticks("60000.5") == 6_000_050
    assert BTC_USDT.size_to_lots("1.50000000") == 150_000
    assert COARSE.price_to_ticks("7.50") == 15
    assert COARSE.size_to_lots("100") == 4


@pytest.mark.parametrize("text", ["60000.001", "0.005"])
def test_price_off_the_tick(text):
    assert refusal(BTC_USDT.price_to_ticks, text) == "price_not_on_tick"


def test_off_the_step_though_not_too_precise():
    assert refusal(COARSE.price_to_ticks, "0.7") == "price_not_on_tick"
    assert refusal(COARSE.size_to_lots, "30") == "size_not_on_lot"


@pytest.mark.parametrize("text", ["0.000001", "1.000000001"])
def test_size_off_the_lot(text):
    assert refusal(BTC_USDT.size_to_lots, text) == "size_not_on_lot"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "NaN",
        "inf",
        "-Infinity",
        "1e400",
        "6e4",
        "6E4",
        "1e-9",
        "0x10",
        "1_000",
        "१",
        "1,5",
        "9" * 400,
        None,
        1.5,
        True,
    ],
)
def test_what_is_no_number(text):
    assert refusal(BTC_USDT.price_to_ticks, text) == "invalid_number"
    assert refusal(BTC_USDT.size_to_lots, text) == "invalid_number"
    assert refusal(amount_to_atoms, text, 8) == "invalid_number"


@pytest.mark.parametrize("text", ["0", "-1", "0.00", "-0"])
def test_what_is_not_above_zero(text):
    assert refusal(BTC_USDT.price_to_ticks, text) == "invalid_price"
    assert refusal(BTC_USDT.size_to_lots, text) == "invalid_size"
    assert refusal(BTC_USDT.quote_to_atoms, text) == "invalid_amount"


def test_amounts():
    assert amount_to_atoms("1.000001", 6) == 1_000_001
    assert refusal(amount_to_atoms, "1.0000001", 6) == "too_precise"
    assert amount_to_atoms(str(MAX_AMOUNT), 0) == MAX_AMOUNT


@given(st.integers(1, MAX_PRICE), st.integers(1, MAX_AMOUNT))
def test_text_gives_the_same_integer_back(price, lots):
    for scale in (BTC_USDT, COARSE):
        assert scale.price_to_ticks(scale.ticks_to_price(price)) == price
        assert scale.size_to_lots(scale.lots_to_size(lots)) == lots


def test_average_price_is_cut():
    # 1 lot at 100 ticks and 2 lots at 101: 302/3 ticks = 1.006666… USDT.
    assert BTC_USDT.average_price(302 * 10, 3) == "1.006666"
    assert BTC_USDT.average_price(0, 0) is None


def test_a_fee_is_in_what_the_side_receives():
    scale = MarketScale(SimpleNamespace(lot_atoms=1_000, unit=1, base_scale=8, quote_scale=6))
    assert scale.fee_text(1_000_000, 0) == "0.01"
    assert scale.fee_text(1_000_000, 1) == "1"


def test_a_tick_that_is_no_finite_decimal_is_refused():
    with pytest.raises(InexactScale):
        MarketScale(SimpleNamespace(lot_atoms=3, unit=1, base_scale=0, quote_scale=0))
