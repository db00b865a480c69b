"""What this exchange lists, as the dialect tells it: symbols with their filters, and the limits of requests."""

from typing import Any, Final

from accounts import limits
from accounts.binance import weights
from matching.money import MAX_PRICE, format_atoms
from orders.binance import symbols, words
from orders.binance.order_params import PRECISION_MIN, TRAILING_DELTA_MAX, TRAILING_DELTA_MIN
from orders.binance.shapes import fixed
from orders.models import Market
from orders.scales import MarketScale

PPM_SCALE: Final = 6
ICEBERG_PARTS_MAX: Final = 10
# Strict clients (nautilus_trader) keep amounts in 128 bits, at most 16 decimals, and refuse a market that tells more.
PRECISION_MAX: Final = 16
NOTIONAL_MAX: Final = "1000000000000"
STATUS: Final = {"open": "TRADING", "post_only": "TRADING", "cancel_only": "BREAK", "halted": "HALT"}


def info_json(markets: list[Market], time_ms: int) -> dict[str, Any]:
    """The answer of exchangeInfo."""
    return {
        "timezone": "UTC",
        "serverTime": time_ms,
        "rateLimits": rate_limits(),
        "exchangeFilters": [],
        "symbols": [symbol_json(market) for market in markets],
    }


def rate_limits(tier: str = "standard") -> list[dict[str, Any]]:
    """An address's weight and an account's orders; an account of another tier may have more."""
    orders, today = limits.limit_of(tier, "orders"), limits.limit_of(tier, "orders_today")
    return [
        _rate_limit("REQUEST_WEIGHT", "MINUTE", 1, weights.limit()),
        _rate_limit("ORDERS", "SECOND", orders.window_s, orders.units),
        _rate_limit("ORDERS", "DAY", 1, today.units),
    ]


def _rate_limit(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def symbol_json(market: Market) -> dict[str, Any]:
    """A market with its filters."""
    base_precision, quote_precision = (
        min(PRECISION_MAX, max(PRECISION_MIN, scale)) for scale in (market.base_scale, market.quote_scale)
    )
    return {
        "symbol": symbols.name(market.symbol),
        "status": STATUS[market.state],
        "baseAsset": market.base_code,
        "baseAssetPrecision": base_precision,
        "quoteAsset": market.quote_code,
        "quotePrecision": quote_precision,
        "quoteAssetPrecision": quote_precision,
        "baseCommissionPrecision": base_precision,
        "quoteCommissionPrecision": quote_precision,
        "orderTypes": list(words.ORDER_TYPES),
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters_json(market),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": list(words.STPS),
    }


def filters_json(market: Market) -> list[dict[str, Any]]:
    """The market's rules; the band is around the last price, which is what an average over 0 minutes says."""
    scale = MarketScale(market)
    lot = {
        "minQty": fixed(scale.lots_to_size(market.min_lots)),
        "maxQty": fixed(scale.lots_to_size(market.max_lots)),
        "stepSize": fixed(scale.lot),
    }
    return [
        {
            "filterType": "PRICE_FILTER", "minPrice": fixed(scale.tick),
            "maxPrice": fixed(scale.ticks_to_price(MAX_PRICE)), "tickSize": fixed(scale.tick),
        },
        {"filterType": "LOT_SIZE", **lot},
        {"filterType": "ICEBERG_PARTS", "limit": ICEBERG_PARTS_MAX},
        {"filterType": "MARKET_LOT_SIZE", **lot},
        {
            "filterType": "TRAILING_DELTA", "minTrailingAboveDelta": TRAILING_DELTA_MIN,
            "maxTrailingAboveDelta": TRAILING_DELTA_MAX, "minTrailingBelowDelta": TRAILING_DELTA_MIN,
            "maxTrailingBelowDelta": TRAILING_DELTA_MAX,
        },
        {
            "filterType": "PERCENT_PRICE", "multiplierUp": format_atoms(10**PPM_SCALE + market.band_ppm, PPM_SCALE),
            "multiplierDown": format_atoms(max(0, 10**PPM_SCALE - market.band_ppm), PPM_SCALE), "avgPriceMins": 0,
        },
        {
            "filterType": "NOTIONAL", "minNotional": fixed(scale.quote_text(market.min_notional)),
            "applyMinToMarket": True, "maxNotional": fixed(NOTIONAL_MAX),
            "applyMaxToMarket": False, "avgPriceMins": 0,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": market.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": market.max_orders},
        {"filterType": "MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders": market.max_orders},
    ]  # fmt: skip
