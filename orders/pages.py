"""What the web terminal's pages need to begin with; everything that moves comes over the socket."""

from typing import TYPE_CHECKING, Any

from django.conf import settings

from accounts import selectors as accounts
from accounts.problems import Problem
from matching.money import format_atoms
from orders import selectors
from orders.models import Market
from orders.scales import MarketScale
from wallets import selectors as wallets
from wallets.chain.wake import has_chain

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

PPM_DECIMALS = 6


def market_list() -> dict[str, Any]:
    """The page of all markets."""
    return _connection() | {"markets": {market.symbol: _numbers(market) for market in selectors.list_markets()}}


def market_page(*, symbol: str, user: "User | AnonymousUser") -> dict[str, Any]:
    """The page of one market, as seen by `user`. Raises Problem unknown_market."""
    markets = {market.symbol: market for market in selectors.list_markets()}
    if symbol not in markets:
        raise Problem("unknown_market")
    account_id = _account_id(user)
    tier = selectors.fee_tier(account_id=account_id) if account_id else 0
    return _connection() | {
        "market": _rules(markets[symbol], tier),
        "markets": {other: _numbers(market) for other, market in markets.items()},
        "intervals": list(selectors.INTERVALS),
        "signed_in": user.is_authenticated,
        "has_account": account_id is not None,
    }


def wallet_page() -> dict[str, Any]:
    """The page of balances, deposits and withdrawals."""
    return {
        "assets": wallets.list_assets(),
        "has_chain": has_chain(),
        "has_test_funds": has_chain() and bool(settings.TEST_FUNDS),
    }


def _account_id(user: "User | AnonymousUser") -> int | None:
    if user.is_anonymous:
        return None
    try:
        return accounts.account_of_user(user).pk
    except Problem:
        return None


def _connection() -> dict[str, Any]:
    """Where the socket is: a whole address, or a port of the host that served the page."""
    return {"socket_url": settings.SOCKET_PUBLIC_URL, "socket_port": settings.SOCKET_PORT}


def _numbers(market: Market) -> dict[str, Any]:
    """How a market's prices and sizes are written."""
    scale = MarketScale(market)
    return {
        "symbol": market.symbol, "base": market.base_code, "quote": market.quote_code,
        "price_decimals": scale.tick_scale, "size_decimals": scale.lot_scale, "state": market.state,
    }  # fmt: skip


def _rules(market: Market, tier: int) -> dict[str, Any]:
    """What the order form checks before it asks the exchange, and what it costs in a fee tier."""
    scale = MarketScale(market)
    return _numbers(market) | {
        "tick": scale.tick, "lot": scale.lot, "quote_step": scale.quote_text(1),
        "min_size": scale.lots_to_size(market.min_lots), "max_size": scale.lots_to_size(market.max_lots),
        "min_notional": scale.quote_text(market.min_notional),
        "taker_fee": format_atoms(market.fees_of(tier)[1], PPM_DECIMALS),
    }  # fmt: skip
