"""Exact amounts as text: against the decimal module, and everything that is no plain number."""

from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from matching.money import MAX_AMOUNT, InvalidAmount, format_atoms, parse_decimal
from tests.engine.settings import EXAMPLES

EXACT = Context(prec=300, traps=[Inexact, InvalidOperation])
scales = st.integers(0, 30)


@EXAMPLES
@given(st.integers(-(2**200), 2**200), scales)
@example(MAX_AMOUNT, 30)
@example(0, 30)
def test_text_of_an_amount_reads_back_as_the_amount(atoms: int, scale: int) -> None:
    text = format_atoms(atoms, scale)
    assert "e" not in text.lower()
    assert "." not in text or not text.endswith(("0", "."))
    with localcontext(EXACT):
        assert Decimal(text) == Decimal(atoms).scaleb(-scale)
    if len(text) <= 60:
        assert parse_decimal(text, scale) == atoms


@EXAMPLES
@given(st.from_regex(r"[+-]?[0-9]{0,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True), scales)
@example(".", 2)
@example("+.5e1", 0)
@example("1e-60", 0)
@example("0e60", 0)
def test_a_number_is_read_exactly_or_refused(text: str, scale: int) -> None:
    with localcontext(EXACT):
        try:
            number = Decimal(text).scaleb(scale)
        except ArithmeticError:
            with pytest.raises(InvalidAmount) as error:
                parse_decimal(text, scale)
            assert error.value.code == "invalid_number"
            return
        try:
            atoms = parse_decimal(text, scale)
        except InvalidAmount as refused:
            if refused.code == "too_precise":
                assert number != number.to_integral_value()
            else:
                assert abs(int(text.lower().partition("e")[2] or 0)) > 60
        else:
            assert atoms == number


@pytest.mark.parametrize(
    "text",
    [
        "", " ", ".", "-", "+", "1.2.3", "1_000", "1,000", " 1", "1 ", "1\n", "0x10", "NaN", "nan", "inf", "-Infinity",
        "1e", "e5", "1e61", "1e-61", "1e99999999", "--1", "٣", "１", "½", "1" * 61, "9" * 400, "\x00", "1\x00",
    ],
)  # fmt: skip
def test_what_is_no_plain_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount) as error:
        parse_decimal(text, 8)
    assert error.value.code == "invalid_number"
    assert len(str(error.value)) < 150, "what comes from outside is not repeated at length"


@pytest.mark.parametrize("value", [None, 1, 1.5, True, b"1", Decimal(1), ["1"]])
def test_only_text_is_read(value: object) -> None:
    with pytest.raises(InvalidAmount):
        parse_decimal(value, 8)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "scale", "atoms"),
    [
        ("1.5", 8, 150_000_000), ("-0.01", 2, -1), ("+7", 0, 7), (".5", 1, 5), ("5.", 0, 5), ("1e3", 0, 1000),
        ("1.50", 1, 15), ("15e-1", 1, 15), ("-0", 3, 0), ("0.1", 0, None), ("0.001", 2, None), ("1e-9", 8, None),
    ],
)  # fmt: skip
def test_examples(text: str, scale: int, atoms: int | None) -> None:
    if atoms is None:
        with pytest.raises(InvalidAmount) as error:
            parse_decimal(text, scale)
        assert error.value.code == "too_precise"
    else:
        assert parse_decimal(text, scale) == atoms
