"""The dialect's words for what an order is and how it stands, and ours behind them."""

from typing import Final

from matching.engine import commands
from orders import placed

SIDES: Final = ("BUY", "SELL")
TIFS: Final = ("GTC", "IOC", "FOK", "GTD")
STPS: Final = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")
STOP, TAKE_PROFIT = 0, 1
ORDER_TYPES: Final = (
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
)  # fmt: skip
RESPONSES: Final = ("ACK", "RESULT", "FULL")
NO_LIST: Final = -1

_STATUS_OF_REASON: Final = {
    "filled": "FILLED", "canceled": "CANCELED", "replaced": "CANCELED", "deadman": "CANCELED", "unfilled": "EXPIRED",
    "fok": "EXPIRED", "funds": "EXPIRED", "expired": "EXPIRED", "list": "EXPIRED", "stp": "EXPIRED_IN_MATCH",
    "fee": "EXPIRED", "refused": "REJECTED",
}  # fmt: skip


def order_type(*, type: int, stop: int, trail: int, trigger: int, post_only: bool) -> str:
    """LIMIT, LIMIT_MAKER, MARKET, STOP_LOSS(_LIMIT) or TAKE_PROFIT(_LIMIT)."""
    if stop or trail:
        name = "TAKE_PROFIT" if trigger == TAKE_PROFIT else "STOP_LOSS"
        return name if type == commands.MARKET else f"{name}_LIMIT"
    if type == commands.MARKET:
        return "MARKET"
    return "LIMIT_MAKER" if post_only else "LIMIT"


def status(status_name: str, done_reason: str, filled: int) -> str:
    """NEW, PENDING_NEW, PARTIALLY_FILLED, or how it ended, of an order with so many lots filled."""
    if done_reason:
        return _STATUS_OF_REASON.get(done_reason, "CANCELED")
    if status_name == placed.PENDING:
        return "PENDING_NEW"
    return "PARTIALLY_FILLED" if filled else "NEW"


def time_in_force(type: int, tif: int) -> str:
    """Market orders are shown as GTC, as this dialect has it."""
    return "GTC" if type == commands.MARKET else TIFS[tif]
