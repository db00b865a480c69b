"""Markets, public trades and candles of the read models as JSON; tickers and books come encoded from market data."""

from typing import Any

from matching.engine.commands import SIDES
from matching.money import format_atoms
from orders.listing import Listed
from orders.models import Candle, Market, Trade
from orders.scales import PERCENT_SCALE, MarketScale


def market_json(market: Market) -> dict[str, Any]:
    """A market with its rules and state."""
    scale = MarketScale(market)
    return {
        "symbol": market.symbol,
        "base": market.base_code,
        "quote": market.quote_code,
        "tick_size": scale.tick,
        "lot_size": scale.lot,
        "min_size": scale.lots_to_size(market.min_lots),
        "max_size": scale.lots_to_size(market.max_lots),
        "min_notional": scale.quote_text(market.min_notional),
        "band_percent": _percent(market.band_ppm),
        "max_open_orders": market.max_orders,
        "fees": [
            {"tier": tier, "maker_percent": _percent(maker), "taker_percent": _percent(taker)}
            for tier, (maker, taker) in enumerate(market.fees)
        ],
        "state": market.state,
        "state_until": market.state_until_us // 1000 or None,
        "state_reason": market.state_reason or None,
    }


def trade_json(trade: Trade, market: Listed) -> dict[str, Any]:
    """A trade's public side; `side` is the taker's."""
    scale = market.scale
    return {
        "id": trade.number,
        "price": scale.ticks_to_price(trade.price),
        "size": scale.lots_to_size(trade.lots),
        "quote": scale.quote_text(trade.quote_atoms),
        "side": SIDES[trade.taker_side],
        "time": trade.time_us // 1000,
        "sequence": trade.sequence,
    }


def candle_json(candle: Candle, market: Listed) -> dict[str, Any]:
    """One interval."""
    scale = market.scale
    return {
        "open_time": candle.open_us // 1000,
        "open": scale.ticks_to_price(candle.open),
        "high": scale.ticks_to_price(candle.high),
        "low": scale.ticks_to_price(candle.low),
        "close": scale.ticks_to_price(candle.close),
        "volume": scale.base_text(candle.base_volume),
        "quote_volume": scale.quote_text(candle.quote_volume),
        "trades": candle.trades,
    }


def _percent(ppm: int) -> str:
    return format_atoms(ppm, PERCENT_SCALE)
