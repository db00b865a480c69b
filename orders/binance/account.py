"""An account: its balances and fees, its orders and trades."""

from typing import Any, Final

from accounts.binance import params
from accounts.binance.endpoint import Call, Endpoint
from accounts.services import READ, TRADE, WITHDRAW
from matching.money import format_atoms
from orders import listing, selectors
from orders.binance import reads, shapes, symbols
from orders.listing import Listed
from wallets import selectors as wallets

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


def _orders_json(rows: list[Any]) -> list[dict[str, Any]]:
    return [shapes.order_json(row, listing.by_id(row.market_id)) for row in rows]


ACCOUNT: Final = Endpoint(account, {"omitZeroBalances": params.flag}, weight=20, access=READ)
OPEN_ORDERS: Final = Endpoint(
    open_orders, {"symbol": params.symbol}, access=READ, weight=lambda values: 6 if "symbol" in values else 80
)
