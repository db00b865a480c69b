"""Orders and fills as the dialect shows them, from a command's events or from the read models alike.

Amounts have at least eight decimals: clients take them as text and some count them.
"""

from functools import lru_cache
from typing import Any, Final

from accounts.binance.amounts import ZERO, amount_text, fixed
from orders.binance import symbols, words
from orders.listing import Listed
from orders.placed import Fill, OrderState, PlacedOrder
from orders.scales import MarketScale

PPM_PER_BIP: Final = 100


@lru_cache(maxsize=20_000)
def price_text(scale: MarketScale, ticks: int) -> str:
    """A price; 0 for none."""
    return fixed(scale.ticks_to_price(ticks)) if ticks else ZERO


@lru_cache(maxsize=20_000)
def size_text(scale: MarketScale, lots: int) -> str:
    """A size in base coins."""
    return fixed(scale.lots_to_size(lots)) if lots else ZERO


def quote_text(scale: MarketScale, atoms: int) -> str:
    """An amount of the quote asset."""
    return amount_text(atoms, scale.quote_scale)


def ms(time_us: int) -> int:
    """Microseconds as the dialect's milliseconds."""
    return time_us // 1_000


def _state(order: Any, market: Listed) -> dict[str, Any]:
    """What every longer answer says of an order; `order` is an OrderState or a row of the read model."""
    scale = market.scale
    filled = int(order.filled_lots)
    state: dict[str, Any] = {
        "price": price_text(scale, order.price),
        "origQty": size_text(scale, int(order.size) or filled),
        "executedQty": size_text(scale, filled),
        "origQuoteOrderQty": quote_text(scale, order.quote),
        "cummulativeQuoteQty": quote_text(scale, order.filled_quote),
        "status": words.status(order.status_name, order.done_reason, filled),
        "timeInForce": words.time_in_force(order.type, order.tif),
        "type": words.order_type(
            type=order.type, stop=order.stop, trail=order.trail_ppm, trigger=order.trigger, post_only=order.post_only
        ),
        "side": words.SIDES[order.side],
    }
    if order.trail_ppm:
        state["trailingDelta"] = order.trail_ppm // PPM_PER_BIP
        state["trailingTime"] = ms(order.created_us)
    return state


def order_json(order: Any, market: Listed) -> dict[str, Any]:
    """An order as it is asked for."""
    scale = market.scale
    is_working = order.status_name not in {"waiting", "pending"}
    return {
        "symbol": symbols.name(market.symbol),
        "orderId": order.id,
        "orderListId": order.list_id or words.NO_LIST,
        "clientOrderId": order.client_id,
        **_state(order, market),
        "stopPrice": price_text(scale, order.stop),
        "icebergQty": size_text(scale, int(order.display)),
        "time": ms(order.created_us),
        "updateTime": ms(order.updated_us),
        "isWorking": is_working,
        "workingTime": ms(order.created_us) if is_working else -1,
        "selfTradePreventionMode": words.STPS[order.stp],
    }


def placed_json(made: PlacedOrder, market: Listed, response: str) -> dict[str, Any]:
    """A new order, as `response` (ACK, RESULT or FULL) wants it."""
    order: OrderState = made.order
    shape: dict[str, Any] = {
        "symbol": symbols.name(market.symbol),
        "orderId": order.id,
        "orderListId": order.list_id or words.NO_LIST,
        "clientOrderId": order.client_id,
        "transactTime": ms(order.updated_us),
    }
    if response == "ACK":
        return shape
    shape |= _state(order, market)
    if order.stop:
        shape["stopPrice"] = price_text(market.scale, order.stop)
    if order.display:
        shape["icebergQty"] = size_text(market.scale, order.display)
    shape["workingTime"] = -1 if order.status_name in {"waiting", "pending"} else ms(order.created_us)
    if response == "FULL":
        shape["fills"] = [placed_fill_json(fill, market) for fill in made.fills]
    shape["selfTradePreventionMode"] = words.STPS[order.stp]
    return shape


def placed_fill_json(fill: Fill, market: Listed) -> dict[str, Any]:
    """A fill in a new order's answer."""
    scale = market.scale
    return {
        "price": price_text(scale, fill.price),
        "qty": size_text(scale, fill.lots),
        "commission": fixed(scale.fee_text(fill.fee, fill.side)),
        "commissionAsset": market.quote_code if fill.side else market.base_code,
        "tradeId": fill.number,
    }


def canceled_json(order: Any, market: Listed, *, client_id: str, time_us: int) -> dict[str, Any]:
    """An order that a cancel ended; `client_id` is what the client calls the cancel."""
    scale = market.scale
    shape = {
        "symbol": symbols.name(market.symbol),
        "origClientOrderId": order.client_id,
        "orderId": order.id,
        "orderListId": order.list_id or words.NO_LIST,
        "clientOrderId": client_id,
        "transactTime": ms(time_us),
        **_state(order, market),
        "selfTradePreventionMode": words.STPS[order.stp],
    }
    if order.stop:
        shape["stopPrice"] = price_text(scale, order.stop)
    if order.display:
        shape["icebergQty"] = size_text(scale, int(order.display))
    return shape


def amended_json(order: Any, market: Listed) -> dict[str, Any]:
    """An order whose quantity was changed; it keeps the id its client gave it."""
    scale, state = market.scale, _state(order, market)
    return {
        "symbol": symbols.name(market.symbol),
        "orderId": order.id,
        "orderListId": order.list_id or words.NO_LIST,
        "origClientOrderId": order.client_id,
        "clientOrderId": order.client_id,
        "price": state["price"],
        "qty": size_text(scale, int(order.size)),
        "executedQty": state["executedQty"],
        "preventedQty": ZERO,
        "quoteOrderQty": state["origQuoteOrderQty"],
        "cumulativeQuoteQty": state["cummulativeQuoteQty"],
        "status": state["status"],
        "timeInForce": state["timeInForce"],
        "type": state["type"],
        "side": state["side"],
        "workingTime": ms(order.created_us),
        "selfTradePreventionMode": words.STPS[order.stp],
    }


def my_trade_json(fill: Fill, market: Listed, list_id: int) -> dict[str, Any]:
    """One of an account's trades."""
    scale = market.scale
    return {
        "symbol": symbols.name(market.symbol),
        "id": fill.number,
        "orderId": fill.order_id,
        "orderListId": list_id or words.NO_LIST,
        "price": price_text(scale, fill.price),
        "qty": size_text(scale, int(fill.lots)),
        "quoteQty": quote_text(scale, fill.quote_atoms),
        "commission": fixed(scale.fee_text(int(fill.fee), fill.side)),
        "commissionAsset": market.quote_code if fill.side else market.base_code,
        "time": ms(fill.time_us),
        "isBuyer": fill.side == 0,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }
