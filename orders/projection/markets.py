"""Markets, their rules and states, and who pays which fees. Rare events, so rows are written one by one."""

from collections.abc import Callable, Sequence
from typing import Any

from matching.engine.events import as_dict
from matching.projection import Handler
from orders.models import FeeTier, ListedAsset, Market

RULES = (
    "symbol", "lot_atoms", "unit", "min_lots", "max_lots", "min_notional", "band_ppm", "breaker_ppm",
    "breaker_window_us", "halt_us", "reopen_us", "max_orders", "reference_price", "fees",
)  # fmt: skip


class Markets:
    """Read models ListedAsset, Market and FeeTier."""

    tables = ("orders_listedasset", "orders_market", "orders_feetier")

    def __init__(self) -> None:
        self._writes: list[Callable[[], Any]] = []

    def handlers(self) -> dict[str, Handler]:
        return {"asset": self._asset, "market": self._market, "state": self._state, "tier": self._tier}

    def load(self) -> None:
        self._writes = []

    def _asset(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, asset, code, scale = event
        values = {"code": code, "scale": scale}
        self._writes.append(lambda: ListedAsset.objects.update_or_create(id=asset, defaults=values))

    def _market(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        fields = as_dict(event)
        self._writes.append(lambda: _write_market(fields, sequence))

    def _state(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, market, state, until, reason = event
        values = {"state": state, "state_until_us": until, "state_reason": reason, "sequence": sequence}
        self._writes.append(lambda: Market.objects.filter(id=market).update(**values))

    def _tier(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, account, tier = event
        values = {"tier": tier, "sequence": sequence}
        self._writes.append(lambda: FeeTier.objects.update_or_create(account_id=account, defaults=values))

    def write(self, cursor: Any, now_us: int) -> None:
        writes, self._writes = self._writes, []
        for write in writes:
            write()

    def age(self, cursor: Any, now_us: int) -> None:
        """Rules and states change by events only."""


def _write_market(fields: dict[str, Any], sequence: int) -> None:
    """A new market is open; an update keeps its state."""
    base = ListedAsset.objects.get(id=fields["base"])
    quote = ListedAsset.objects.get(id=fields["quote"])
    values = {name: fields[name] for name in RULES} | {
        "base_id": base.id, "quote_id": quote.id, "base_code": base.code, "quote_code": quote.code,
        "base_scale": base.scale, "quote_scale": quote.scale, "sequence": sequence,
    }  # fmt: skip
    Market.objects.update_or_create(
        id=fields["market"], defaults=values, create_defaults=values | {"state": "open"}
    )  # fmt: skip
