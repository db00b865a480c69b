"""Amounts as the dialect writes them: decimal text with at least eight decimals, since some clients count them."""

from typing import Final

from matching.money import format_atoms

ZERO: Final = "0.00000000"


def fixed(text: str) -> str:
    """Decimal text with at least eight decimals."""
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<8}"


def amount_text(atoms: int, scale: int) -> str:
    """An amount of an asset with so many decimals."""
    return fixed(format_atoms(int(atoms), scale)) if atoms else ZERO
