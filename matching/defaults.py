"""The assets and markets that a fresh exchange has: `manage.py seed` and the tests create them by these commands.

BTC scale 8, USDT scale 6, ETH scale 18. A tick in quote coins is unit * 10^base_scale / lot_atoms / 10^quote_scale.
"""

from dataclasses import dataclass
from typing import Any, Final

from matching.engine import commands


@dataclass(frozen=True, slots=True)
class AssetRules:
    """An asset: its engine id, its code, its decimals."""

    id: int
    code: str
    scale: int


@dataclass(frozen=True, slots=True)
class MarketRules:
    """A market as the engine takes it: sizes in lots, prices in ticks, min_notional in quote atoms."""

    id: int
    symbol: str
    base: int
    quote: int
    lot_atoms: int
    unit: int
    min_lots: int
    max_lots: int
    min_notional: int
    reference_price: int
    band_ppm: int = 200_000  # 20 % around the last price
    breaker_ppm: int = 100_000  # 10 % …
    breaker_window_us: int = 60_000_000  # … within a minute
    halt_us: int = 30_000_000
    reopen_us: int = 10_000_000
    max_orders: int = 1_000
    fees: tuple[tuple[int, int], ...] = ((1_000, 1_500), (500, 1_000), (0, 500))  # ppm: [maker, taker] by tier


BTC: Final = AssetRules(1, "BTC", 8)
USDT: Final = AssetRules(2, "USDT", 6)
ETH: Final = AssetRules(3, "ETH", 18)
ASSETS: Final = (BTC, USDT, ETH)

# lot 0.00001 BTC, tick 0.1 USDT, at least 1 USDT
BTC_USDT: Final = MarketRules(
    1, "BTC-USDT", BTC.id, USDT.id, lot_atoms=1_000, unit=1, min_lots=1, max_lots=100_000_000,
    min_notional=1_000_000, reference_price=600_000,
)  # fmt: skip
# lot 0.0001 ETH, tick 0.01 USDT, at least 1 USDT
ETH_USDT: Final = MarketRules(
    2, "ETH-USDT", ETH.id, USDT.id, lot_atoms=10**14, unit=1, min_lots=1, max_lots=100_000_000,
    min_notional=1_000_000, reference_price=300_000,
)  # fmt: skip
# lot 0.001 ETH, tick 0.00001 BTC, at least 0.0001 BTC
ETH_BTC: Final = MarketRules(
    3, "ETH-BTC", ETH.id, BTC.id, lot_atoms=10**15, unit=1, min_lots=1, max_lots=10_000_000,
    min_notional=10_000, reference_price=5_000,
)  # fmt: skip
MARKETS: Final = (BTC_USDT, ETH_USDT, ETH_BTC)


def asset_command(rules: AssetRules) -> list[Any]:
    """The command that declares the asset."""
    return commands.asset(asset=rules.id, code=rules.code, scale=rules.scale)


def market_command(rules: MarketRules) -> list[Any]:
    """The command that creates the market, or gives it these rules."""
    return commands.market(
        market=rules.id, symbol=rules.symbol, base=rules.base, quote=rules.quote, lot_atoms=rules.lot_atoms,
        unit=rules.unit, min_lots=rules.min_lots, max_lots=rules.max_lots, min_notional=rules.min_notional,
        band_ppm=rules.band_ppm, breaker_ppm=rules.breaker_ppm, breaker_window_us=rules.breaker_window_us,
        halt_us=rules.halt_us, reopen_us=rules.reopen_us, max_orders=rules.max_orders,
        reference_price=rules.reference_price, fees=rules.fees,
    )  # fmt: skip


def commands_for_all() -> list[list[Any]]:
    """Assets first, then markets. Sending them again changes nothing but rules that differ."""
    return [*map(asset_command, ASSETS), *map(market_command, MARKETS)]
