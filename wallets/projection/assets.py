"""Assets, and what the ledger must know of markets. Rare events, so rows are written one by one."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from matching.projection import Handler
from wallets.models import Asset, ListedMarket


class MarketMoney(NamedTuple):
    """Which assets a market moves, and how much a hold is."""

    base: int
    quote: int
    lot_atoms: int
    unit: int

    def hold(self, side: int, price: int, lots: int) -> tuple[int, int]:
        """(asset, atoms) that an order of `lots` at `price` holds."""
        return (self.base, lots * self.lot_atoms) if side else (self.quote, price * lots * self.unit)


class Assets:
    """Read models Asset and ListedMarket; `markets` by id for the parts that follow."""

    tables = ("wallets_asset", "wallets_listedmarket")

    def __init__(self) -> None:
        self.markets: dict[int, MarketMoney] = {}
        self._writes: list[Callable[[], Any]] = []

    def handlers(self) -> dict[str, Handler]:
        return {"asset": self._asset, "market": self._market}

    def load(self) -> None:
        self._writes = []
        # Changed in place: the other parts keep a reference.
        self.markets.clear()
        for row in ListedMarket.objects.all():
            self.markets[row.id] = MarketMoney(row.base_id, row.quote_id, row.lot_atoms, row.unit)

    def _asset(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, asset, code, scale = event
        values = {"code": code, "scale": scale}
        self._writes.append(lambda: Asset.objects.update_or_create(id=asset, defaults=values))

    def _market(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, market, _, base, quote, lot_atoms, unit, *_ = event
        self.markets[market] = MarketMoney(base, quote, lot_atoms, unit)
        values = {"base_id": base, "quote_id": quote, "lot_atoms": lot_atoms, "unit": unit}
        self._writes.append(lambda: ListedMarket.objects.update_or_create(id=market, defaults=values))

    def write(self, cursor: Any, now_us: int) -> None:
        writes, self._writes = self._writes, []
        for write in writes:
            write()

    def age(self, cursor: Any, now_us: int) -> None:
        """Assets and markets change by events only."""
