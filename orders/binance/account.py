"""An account: its balances and fees, its orders and trades."""

from typing import Any, Final

from accounts import gate
from accounts.binance import params
from accounts.binance.endpoint import Call, Endpoint
from accounts.binance.errors import Refusal
from accounts.services import READ, TRADE, WITHDRAW
from matching.money import format_atoms
from orders import listing, selectors
from orders.binance import exchange_info, reads, shapes, symbols
from orders.listing import Listed
from wallets import selectors as wallets

LIMIT_DEFAULT: Final = 500
LIMIT_MAX: Final = 1_000
SPAN_MS_MAX: Final = 24 * 3_600_000
PPM_SCALE: Final = 6
# Fees in basis points, as old clients read them.
PPM_PER_BIP: Final = 100
NO_DISCOUNT: Final = {
    "enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "", "discount": shapes.ZERO,
}  # fmt: skip


def account(call: Call) -> dict[str, Any]:
    """GET account."""
    caller = call.caller
    reads.catch_up()
    wallets.wait_for_sequence(selectors.sequence())
    fees = selectors.fees(account_id=caller.account_id)
    maker = max((fee.maker_ppm for fee in fees), default=0)
    taker = max((fee.taker_ppm for fee in fees), default=0)
    rows = {row.asset_id: row for row in wallets.balances(caller.account_id)}
    balances = []
    for asset in wallets.list_assets():
        row = rows.get(asset.id)
        free, locked = (int(row.available), int(row.held)) if row else (0, 0)
        if free or locked or not call.get("omitZeroBalances"):
            balances.append(balance_json(asset.code, asset.scale, free, locked))
    return {
        "makerCommission": maker // PPM_PER_BIP,
        "takerCommission": taker // PPM_PER_BIP,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": rates_json(maker, taker),
        "canTrade": TRADE in caller.permissions,
        "canWithdraw": WITHDRAW in caller.permissions,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": 0,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": caller.account_id,
    }


def balance_json(code: str, scale: int, free: int, locked: int) -> dict[str, str]:
    """What an account has of an asset."""
    return {
        "asset": code,
        "free": shapes.fixed(format_atoms(free, scale)),
        "locked": shapes.fixed(format_atoms(locked, scale)),
    }


def rates_json(maker_ppm: int, taker_ppm: int) -> dict[str, str]:
    """Fees as fractions; the side of the order changes nothing here."""
    return {
        "maker": rate_text(maker_ppm), "taker": rate_text(taker_ppm), "buyer": shapes.ZERO, "seller": shapes.ZERO,
    }  # fmt: skip


def rate_text(ppm: int) -> str:
    """Millionths as a fraction."""
    return shapes.fixed(format_atoms(ppm, PPM_SCALE))


def commission_json(account_id: int, market: Listed) -> dict[str, Any]:
    """What the account pays in a market. There is no tax and no discount."""
    fees = next(fee for fee in selectors.fees(account_id=account_id) if fee.market.pk == market.id)
    nothing = rates_json(0, 0)
    return {
        "standardCommissionForOrder": {"maker": rate_text(fees.maker_ppm), "taker": rate_text(fees.taker_ppm)},
        "specialCommissionForOrder": {"maker": shapes.ZERO, "taker": shapes.ZERO},
        "taxCommissionForOrder": {"maker": nothing["maker"], "taker": nothing["taker"]},
        "discount": NO_DISCOUNT,
    }


def open_orders(call: Call) -> list[dict[str, Any]]:
    """GET openOrders."""
    symbol = call.get("symbol")
    market_id = symbols.listed(symbol).id if symbol else None
    reads.catch_up()
    return _orders_json(reads.list_open(account_id=call.caller.account_id, market_id=market_id))


def all_orders(call: Call) -> list[dict[str, Any]]:
    """GET allOrders."""
    market = symbols.listed(call.values["symbol"])
    start_us, end_us = read_span(call)
    reads.catch_up()
    rows = reads.list_orders(
        account_id=call.caller.account_id, market_id=market.id, from_id=call.get("orderId"), start_us=start_us,
        end_us=end_us, limit=call.get("limit", LIMIT_DEFAULT),
    )  # fmt: skip
    return [shapes.order_json(row, market) for row in rows]


def my_trades(call: Call) -> list[dict[str, Any]]:
    """GET myTrades."""
    market = symbols.listed(call.values["symbol"])
    start_us, end_us = read_span(call)
    reads.catch_up()
    fills = reads.list_fills(
        account_id=call.caller.account_id, market_id=market.id, order_id=call.get("orderId"),
        from_number=call.get("fromId"), start_us=start_us, end_us=end_us, limit=call.get("limit", LIMIT_DEFAULT),
    )  # fmt: skip
    lists = reads.lists_of({fill.order_id for fill in fills})
    return [shapes.my_trade_json(fill, market, lists.get(fill.order_id, 0)) for fill in fills]


def read_span(call: Call) -> tuple[int | None, int | None]:
    """startTime and endTime in µs, the whole of the last millisecond included. Raises Refusal -1127, -1128."""
    start, end = call.get("startTime"), call.get("endTime")
    if start is not None and end is not None:
        if start > end:
            raise Refusal(-1128, "Combination of optional parameters invalid.")
        if end - start > SPAN_MS_MAX:
            raise Refusal(-1127, "More than 24 hours between startTime and endTime.")
    return None if start is None else start * 1_000, None if end is None else end * 1_000 + 999


def commission(call: Call) -> dict[str, Any]:
    """GET account/commission."""
    market = symbols.listed(call.values["symbol"])
    nothing = rates_json(0, 0)
    told = commission_json(call.caller.account_id, market)
    sides = {"buyer": shapes.ZERO, "seller": shapes.ZERO}
    return {
        "symbol": symbols.name(market.symbol),
        "standardCommission": told["standardCommissionForOrder"] | sides,
        "specialCommission": nothing,
        "taxCommission": nothing,
        "discount": NO_DISCOUNT,
    }


def order_counts(call: Call) -> list[dict[str, Any]]:
    """GET rateLimit/order."""
    caller = call.caller
    counts = gate.count_placed(caller.account_id, caller.tier)
    limits = [limit for limit in exchange_info.rate_limits(caller.tier) if limit["rateLimitType"] == "ORDERS"]
    return [limit | {"count": count} for limit, count in zip(limits, counts, strict=True)]


def _orders_json(rows: list[Any]) -> list[dict[str, Any]]:
    return [shapes.order_json(row, listing.by_id(row.market_id)) for row in rows]


_SYMBOL: Final[params.Fields] = {"symbol": params.symbol}
_SPAN: Final[params.Fields] = {
    "startTime": params.milliseconds, "endTime": params.milliseconds, "limit": params.up_to(LIMIT_MAX),
}  # fmt: skip
ACCOUNT: Final = Endpoint(account, {"omitZeroBalances": params.flag}, weight=20, access=READ)
OPEN_ORDERS: Final = Endpoint(
    open_orders, {"symbol": params.symbol}, access=READ, weight=lambda values: 6 if "symbol" in values else 80
)
ALL_ORDERS: Final = Endpoint(
    all_orders, {**_SYMBOL, **_SPAN, "orderId": params.integer()}, ("symbol",), weight=20, access=READ
)
MY_TRADES: Final = Endpoint(
    my_trades, {**_SYMBOL, **_SPAN, "orderId": params.integer(), "fromId": params.integer()}, ("symbol",),
    weight=lambda values: 5 if "orderId" in values else 20, access=READ,
)  # fmt: skip
COMMISSION: Final = Endpoint(commission, _SYMBOL, ("symbol",), weight=20, access=READ)
ORDER_COUNTS: Final = Endpoint(order_counts, weight=40, access=READ)
