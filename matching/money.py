"""Exact amounts: decimal text to integer atoms and back. No floats, and no rounding: what does not fit is refused."""

import re
from typing import Final

PPM: Final = 1_000_000
MAX_AMOUNT: Final = 2**96 - 1
MAX_PRICE: Final = 2**48 - 1

MAX_TEXT: Final = 60
MAX_EXPONENT: Final = 60

_NUMBER: Final = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,4}))?", re.ASCII)


class InvalidAmount(ValueError):
    """Text that is no usable amount; `code` is "invalid_number" or "too_precise"."""

    def __init__(self, code: str, text: object) -> None:
        super().__init__(f"{code}: {str(text)[:MAX_TEXT]!r}")
        self.code = code


def parse_decimal(text: str, scale: int) -> int:
    """The number `text` in units of 10^-scale, exactly.

    Takes an optional sign, digits with at most one point, an optional exponent of at most ±60; nothing else, so no
    blanks, no underscores, no NaN, no infinity. Raises InvalidAmount: "invalid_number" for anything else or for more
    than 60 characters, "too_precise" if digits other than 0 would be lost.
    """
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise InvalidAmount("invalid_number", text)
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise InvalidAmount("invalid_number", text)
    sign, whole, fraction, exponent_text = match.groups()
    fraction = fraction or ""
    if not whole and not fraction:
        raise InvalidAmount("invalid_number", text)
    exponent = int(exponent_text) if exponent_text else 0
    if abs(exponent) > MAX_EXPONENT:
        raise InvalidAmount("invalid_number", text)
    digits = int(whole + fraction)
    shift = scale + exponent - len(fraction)
    if shift >= 0:
        amount = digits * 10**shift
    else:
        amount, lost = divmod(digits, 10**-shift)
        if lost:
            raise InvalidAmount("too_precise", text)
    return -amount if sign == "-" else amount


def format_atoms(atoms: int, scale: int) -> str:
    """`atoms` in units of 10^-scale as plain decimal text: no exponent, no needless zeros ("1.5", "0", "-0.01")."""
    if not atoms:
        return "0"
    sign = "-" if atoms < 0 else ""
    digits = str(abs(atoms)).rjust(scale + 1, "0")
    if scale == 0:
        return sign + digits
    whole, fraction = digits[:-scale], digits[-scale:].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole
