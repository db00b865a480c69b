"""Events the engine gives: flat tuples, kind first, then the fields named here (docs/protocol.md section 3).

Hot paths index by position; everything else reads them by name through `as_dict`.
"""

from collections.abc import Sequence
from typing import Any, Final

Event = tuple[Any, ...]

FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "rejected": ("code",),
    "duplicate": ("order", "sequence"),
    "new": (
        "order", "account", "market", "side", "type", "tif", "price", "stop", "size", "quote",
        "post_only", "stp", "expires", "trigger", "trail", "display", "client_id",
    ),
    "list": ("list", "account", "market", "list_kind", "orders", "client_id"),
    "pend": ("order", "account", "market", "side"),
    "activate": ("order", "account", "market", "side"),
    "show": ("order", "account", "market", "side", "price", "lots", "hidden"),
    "trade": (
        "trade", "market", "price", "lots", "base_atoms", "quote_atoms", "taker_side", "taker_order",
        "taker_account", "maker_order", "maker_account", "taker_fee", "maker_fee", "maker_remaining",
    ),
    "rest": ("order", "account", "market", "side", "price", "remaining", "held"),
    "wait": ("order", "account", "market", "side", "stop", "held"),
    "trigger": ("order", "account", "market", "side", "released"),
    "reduce": ("order", "account", "market", "side", "price", "lots", "remaining", "released", "resting"),
    "amend": (
        "order", "account", "market", "side", "old_price", "old_remaining", "price", "size", "remaining",
        "held", "kept",
    ),
    "done": ("order", "account", "market", "side", "price", "remaining", "released", "resting", "reason"),
    "state": ("market", "state", "until", "reason"),
    "asset": ("asset", "code", "scale"),
    "market": (
        "market", "symbol", "base", "quote", "lot_atoms", "unit", "min_lots", "max_lots", "min_notional",
        "band_ppm", "breaker_ppm", "breaker_window_us", "halt_us", "reopen_us", "max_orders",
        "reference_price", "fees",
    ),
    "tier": ("account", "tier"),
    "deposit": ("source", "index", "account", "asset", "amount"),
    "hold": ("withdrawal", "account", "asset", "amount", "recipient"),
    "release": ("withdrawal", "account", "asset", "amount", "recipient"),
    "complete": ("withdrawal", "account", "asset", "amount", "recipient"),
    "transfer": ("transfer", "from", "to", "asset", "amount"),
    "key": ("source", "index", "account", "l2", "custody", "x", "y"),
    "exit": ("source", "index", "account", "asset", "amount"),
    "signed": (
        "order", "account", "market", "side", "leaves", "id", "sell_total", "buy_total", "valid_until",
        "max_fee_bps", "r_x", "r_y", "s",
    ),
    "signature": ("nonce", "r_x", "r_y", "s"),
    "cancel_all": ("account", "market", "side", "count"),
    "deadman": ("account", "deadline"),
    "deadman_fired": ("account", "count"),
    "engine": ("version",),
}  # fmt: skip


def as_dict(event: Sequence[Any]) -> dict[str, Any]:
    """An event by field name, its kind under "kind"."""
    return {"kind": event[0], **dict(zip(FIELDS[event[0]], event[1:], strict=True))}
