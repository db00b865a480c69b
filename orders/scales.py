"""Prices and sizes of one market: decimal text ↔ ticks and lots, exactly.

One tick is `unit * 10^base_scale / (lot_atoms * 10^quote_scale)` of the quote currency and one lot
`lot_atoms / 10^base_scale` of the base currency; both must be finite decimals for a market to be listed.
"""

from typing import Any, Final, Protocol

from accounts.problems import Problem
from matching.money import InvalidAmount, format_atoms, parse_decimal

# Decimals of an average price beyond the tick's own; it is cut, not rounded.
AVERAGE_EXTRA_DECIMALS: Final = 4


# ppm are percent with four decimals.
PERCENT_SCALE: Final = 4


class MarketNumbers(Protocol):
    """What a scale is made from; orders.models.Market is one."""

    lot_atoms: Any
    unit: Any
    base_scale: Any
    quote_scale: Any


class InexactScale(ValueError):
    """The market's tick is no finite decimal, so no price could be written exactly."""


def _step(numerator: int, denominator: int) -> tuple[int, int]:
    """`numerator / denominator` as (step, scale) with step * 10^-scale equal to it. Raises InexactScale."""
    scale = 0
    while numerator % denominator:
        numerator *= 10
        scale += 1
        if scale > 60:
            raise InexactScale(f"{numerator}/{denominator} is no finite decimal")
    return numerator // denominator, scale


class MarketScale:
    """Turns a market's prices and sizes into text and back. Immutable; make one per market and keep it."""

    __slots__ = (
        "base_scale", "lot", "lot_atoms", "lot_scale", "lot_step", "quote_scale",
        "tick", "tick_scale", "tick_step", "unit",
    )  # fmt: skip

    def __init__(self, market: MarketNumbers) -> None:
        self.lot_atoms, self.unit = int(market.lot_atoms), int(market.unit)
        self.base_scale, self.quote_scale = market.base_scale, market.quote_scale
        self.tick_step, self.tick_scale = _step(
            self.unit * 10**self.base_scale, self.lot_atoms * 10**self.quote_scale
        )  # fmt: skip
        self.lot_step, self.lot_scale = _step(self.lot_atoms, 10**self.base_scale)
        self.tick = self.ticks_to_price(1)
        self.lot = self.lots_to_size(1)

    def price_to_ticks(self, text: str) -> int:
        """A price above zero in ticks. Raises Problem invalid_number, invalid_price, price_not_on_tick."""
        number = _parse(text, self.tick_scale, "price_not_on_tick", f"the tick size is {self.tick}")
        if number <= 0:
            raise Problem("invalid_price", "a price is above zero")
        ticks, off = divmod(number, self.tick_step)
        if off:
            raise Problem("price_not_on_tick", f"the tick size is {self.tick}")
        return ticks

    def ticks_to_price(self, ticks: int) -> str:
        """Ticks as decimal text in the quote currency."""
        return format_atoms(ticks * self.tick_step, self.tick_scale)

    def size_to_lots(self, text: str) -> int:
        """A size above zero in lots. Raises Problem invalid_number, invalid_size, size_not_on_lot."""
        number = _parse(text, self.lot_scale, "size_not_on_lot", f"the lot size is {self.lot}")
        if number <= 0:
            raise Problem("invalid_size", "a size is above zero")
        lots, off = divmod(number, self.lot_step)
        if off:
            raise Problem("size_not_on_lot", f"the lot size is {self.lot}")
        return lots

    def lots_to_size(self, lots: int) -> str:
        """Lots as decimal text in the base currency."""
        return format_atoms(lots * self.lot_step, self.lot_scale)

    def quote_to_atoms(self, text: str) -> int:
        """An amount above zero of the quote currency in atoms. Raises as amount_to_atoms."""
        return amount_to_atoms(text, self.quote_scale)

    def quote_text(self, atoms: int) -> str:
        """Quote atoms as decimal text."""
        return format_atoms(atoms, self.quote_scale)

    def base_text(self, atoms: int) -> str:
        """Base atoms as decimal text."""
        return format_atoms(atoms, self.base_scale)

    def fee_text(self, atoms: int, side: int) -> str:
        """A fee of side 0 (buy, pays in base) or 1 (sell, pays in quote) as decimal text."""
        return format_atoms(atoms, self.quote_scale if side else self.base_scale)

    def average_price(self, quote_atoms: int, lots: int) -> str | None:
        """What `lots` cost on average, cut after four decimals more than a tick has; None for no lots."""
        if not lots:
            return None
        scale = self.tick_scale + AVERAGE_EXTRA_DECIMALS
        return format_atoms(quote_atoms * self.tick_step * 10**AVERAGE_EXTRA_DECIMALS // (lots * self.unit), scale)


def amount_to_atoms(text: str, scale: int) -> int:
    """An amount above zero in atoms. Raises Problem invalid_number, too_precise, invalid_amount."""
    atoms = _parse(text, scale, "too_precise", f"the asset has {scale} decimals")
    if atoms <= 0:
        raise Problem("invalid_amount", "an amount is above zero")
    return atoms


def _parse(text: str, scale: int, too_precise: str, detail: str) -> int:
    # As everywhere at the edges: a plain decimal. The money module itself reads exponents.
    if isinstance(text, str) and ("e" in text or "E" in text):
        raise Problem("invalid_number")
    try:
        return parse_decimal(text, scale)
    except InvalidAmount as error:
        if error.code == "too_precise":
            raise Problem(too_precise, detail) from None
        raise Problem("invalid_number") from None
