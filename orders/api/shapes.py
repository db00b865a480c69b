"""Orders and fills as JSON, the same whether they come from a command's events or from the read models.

Amounts are decimal text, times milliseconds, what does not apply is null.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Protocol

from matching.engine.commands import SIDES, STPS, TIFS, TYPES
from matching.money import format_atoms
from orders.listing import Listed
from orders.placed import AmendedOrder, CanceledAll, CanceledList, CanceledOrder, Fill, PlacedList, PlacedOrder
from orders.requests import LIST_KINDS, TRIGGERS
from orders.scales import PERCENT_SCALE, MarketScale
from orders.selectors import StoredList

OPEN = "open"
PARTIALLY_FILLED = "partially_filled"


# Prices and sizes come again and again; making their text is half the work of showing an order.
@lru_cache(maxsize=20_000)
def _price(scale: MarketScale, ticks: int) -> str:
    return scale.ticks_to_price(ticks)


@lru_cache(maxsize=20_000)
def _size(scale: MarketScale, lots: int) -> str:
    return scale.lots_to_size(lots)


class OrderLike(Protocol):
    """orders.models.Order, or orders.placed.OrderState."""

    id: Any
    side: Any
    type: Any
    tif: Any
    price: Any
    stop: Any
    size: Any
    quote: Any
    post_only: Any
    stp: Any
    expires_us: Any
    trigger: Any
    trail_ppm: Any
    display: Any
    list_id: Any
    client_id: Any
    done_reason: Any
    filled_lots: Any
    filled_quote: Any
    fee: Any
    created_us: Any
    updated_us: Any
    sequence: Any


class ListLike(Protocol):
    """orders.placed.PlacedList, orders.selectors.StoredList, or the list that market data keeps."""

    id: Any
    kind: Any
    client_id: Any
    sequence: Any

    @property
    def is_live(self) -> bool: ...
    @property
    def created_us(self) -> Any: ...
    @property
    def updated_us(self) -> Any: ...


class MarketLike(Protocol):
    """orders.listing.Listed, or the market that market data keeps."""

    @property
    def symbol(self) -> str: ...
    @property
    def base_code(self) -> str: ...
    @property
    def quote_code(self) -> str: ...
    @property
    def scale(self) -> MarketScale: ...


def order_json(order: OrderLike, market: MarketLike, status: str) -> dict[str, Any]:
    """One order; `status` is open, waiting, pending, filled, canceled or expired."""
    scale = market.scale
    is_by_size = order.size > 0
    filled = order.filled_lots
    return {
        "id": order.id,
        "client_id": order.client_id or None,
        "market": market.symbol,
        "side": SIDES[order.side],
        "type": TYPES[order.type],
        "tif": TIFS[order.tif],
        "price": _price(scale, order.price) if order.price else None,
        "trigger": TRIGGERS[order.trigger] if order.stop or order.trail_ppm else None,
        "stop_price": _price(scale, order.stop) if order.stop else None,
        "trail_percent": format_atoms(order.trail_ppm, PERCENT_SCALE) if order.trail_ppm else None,
        "size": _size(scale, order.size) if is_by_size else None,
        "quote_amount": scale.quote_text(order.quote) if order.quote else None,
        "display_size": _size(scale, order.display) if order.display else None,
        "filled_size": _size(scale, filled),
        "filled_quote": scale.quote_text(order.filled_quote),
        "remaining_size": _size(scale, order.size - filled) if is_by_size else None,
        "average_price": scale.average_price(order.filled_quote, filled),
        "fee": scale.fee_text(order.fee, order.side),
        "fee_asset": market.quote_code if order.side else market.base_code,
        "status": PARTIALLY_FILLED if filled and status == OPEN else status,
        "done_reason": order.done_reason or None,
        "post_only": bool(order.post_only),
        "stp": STPS[order.stp],
        "expires_at": order.expires_us // 1000 or None,
        "list_id": order.list_id or None,
        "created_at": order.created_us // 1000,
        "updated_at": order.updated_us // 1000,
        "sequence": order.sequence,
    }


def fill_json(fill: Fill, market: Listed) -> dict[str, Any]:
    """One side of a trade."""
    scale = market.scale
    return {
        "trade_id": fill.number,
        "order_id": fill.order_id,
        "market": market.symbol,
        "side": SIDES[fill.side],
        "liquidity": "maker" if fill.is_maker else "taker",
        "price": _price(scale, fill.price),
        "size": _size(scale, fill.lots),
        "quote": scale.quote_text(fill.quote_atoms),
        "fee": scale.fee_text(fill.fee, fill.side),
        "fee_asset": market.quote_code if fill.side else market.base_code,
        "time": fill.time_us // 1000,
        "sequence": fill.sequence,
    }


def placed_json(made: PlacedOrder, market: Listed) -> dict[str, Any]:
    """A new order with its fills so far."""
    shape = order_json(made.order, market, made.order.status_name)
    shape["fills"] = [fill_json(fill, market) for fill in made.fills]
    shape["duplicate"] = made.duplicate
    shape["replaced"] = made.replaced or None
    return shape


def list_json(order_list: ListLike, legs: Iterable[tuple[int, str]], market: MarketLike) -> dict[str, Any]:
    """A list of orders, of which only the names are told: (id, client id)."""
    return {
        "id": order_list.id,
        "client_id": order_list.client_id or None,
        "market": market.symbol,
        "kind": LIST_KINDS[order_list.kind],
        "status": "live" if order_list.is_live else "ended",
        "legs": [{"order_id": id, "client_id": client_id or None} for id, client_id in legs],
        "created_at": order_list.created_us // 1000,
        "updated_at": order_list.updated_us // 1000,
        "sequence": order_list.sequence,
    }


def placed_list_json(made: PlacedList, market: Listed) -> dict[str, Any]:
    """A new list with its orders and their fills so far."""
    shape = list_json(made, [(leg.order.id, leg.order.client_id) for leg in made.orders], market)
    shape["orders"] = [placed_json(leg, market) for leg in made.orders]
    shape["duplicate"] = made.duplicate
    return shape


def stored_list_json(order_list: StoredList, market: Listed) -> dict[str, Any]:
    """A list of the read model with its orders."""
    shape = list_json(order_list, [(order.pk, order.client_id) for order in order_list.orders], market)
    shape["orders"] = [order_json(order, market, order.status_name) for order in order_list.orders]
    return shape


def canceled_list_json(canceled: CanceledList, market: Listed) -> dict[str, Any]:
    """The orders that canceling a list ended."""
    return {
        "id": canceled.list_id,
        "market": market.symbol,
        "order_ids": canceled.order_ids,
        "time": canceled.time_us // 1000,
        "sequence": canceled.sequence,
    }


def amended_json(amended: AmendedOrder, market: Listed) -> dict[str, Any]:
    """An order after an amend, with what it traded by it."""
    scale = market.scale
    filled = amended.size - amended.remaining
    status = amended.status_name
    return {
        "id": amended.id,
        "market": market.symbol,
        "side": SIDES[amended.side],
        "price": _price(scale, amended.price),
        "size": _size(scale, amended.size),
        "filled_size": _size(scale, filled),
        "remaining_size": _size(scale, amended.remaining),
        "status": PARTIALLY_FILLED if filled and status == OPEN else status,
        "done_reason": amended.done_reason or None,
        "kept_priority": amended.kept_priority,
        "updated_at": amended.time_us // 1000,
        "sequence": amended.sequence,
        "fills": [fill_json(fill, market) for fill in amended.fills],
    }


def canceled_json(canceled: CanceledOrder, market: Listed) -> dict[str, Any]:
    """An order that was canceled."""
    return {
        "id": canceled.id,
        "market": market.symbol,
        "side": SIDES[canceled.side],
        "remaining_size": _size(market.scale, canceled.remaining),
        "status": "canceled",
        "done_reason": "canceled",
        "updated_at": canceled.time_us // 1000,
        "sequence": canceled.sequence,
    }


def canceled_all_json(canceled: CanceledAll) -> dict[str, Any]:
    """The orders that a cancel-all ended."""
    return {
        "count": len(canceled.order_ids),
        "order_ids": canceled.order_ids,
        "time": canceled.time_us // 1000,
        "sequence": canceled.sequence,
    }
