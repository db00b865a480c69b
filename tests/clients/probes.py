"""One probe a method of ccxt: what must be true of it here. Run by test_methods.py, listed by docs/clients/ccxt.md.

A probe is called with what the method's client is (see rest_probes.py and socket_probes.py) and asserts.
"""

from collections.abc import Callable
from typing import Any, NamedTuple


class Probe(NamedTuple):
    """The method's name in ccxt's `has`, what of the dialect it speaks, and the check."""

    method: str
    uses: str
    run: Callable[..., Any]


REST: dict[str, Probe] = {}
SOCKETS: dict[str, Probe] = {}


def probe(table: dict[str, Probe], uses: str, *methods: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function as the check of these methods."""

    def mark(run: Callable[..., Any]) -> Callable[..., Any]:
        for method in methods:
            assert method not in table, method
            table[method] = Probe(method, uses, run)
        return run

    return mark


# Every other method that ccxt's binance has, by the reason why it is not for here.
NOT_HERE: dict[str, tuple[str, ...]] = {
    "ccxt has it for contracts only, and refuses it for spot itself": (
        "cancelOrders", "createOrders", "createReduceOnlyOrder", "editOrders", "fetchOpenOrder", "fetchOrderBookWs",
        "fetchTickerWs",
    ),
    "ccxt lists it, but its code for binance has no such method": ("fetchCurrenciesWs", "watchOrdersForSymbols"),
    "contracts (futures, perpetuals): only spot is traded here": (
        "addMargin", "fetchADLRank", "fetchFundingHistory", "fetchFundingInterval", "fetchFundingIntervals",
        "fetchFundingRate", "fetchFundingRateHistory", "fetchFundingRates", "fetchIndexOHLCV", "fetchLedger",
        "fetchLedgerEntry", "fetchLeverage", "fetchLeverages", "fetchLeverageTiers", "fetchLongShortRatioHistory",
        "fetchMarginAdjustmentHistory", "fetchMarginMode", "fetchMarginModes", "fetchMarketLeverageTiers",
        "fetchMarkOHLCV", "fetchMarkPrice", "fetchMarkPrices", "fetchMyLiquidations", "fetchMySettlementHistory",
        "fetchOpenInterest", "fetchOpenInterestHistory", "fetchPosition", "fetchPositionADLRank",
        "fetchPositionForSymbolWs", "fetchPositionMode", "fetchPositions", "fetchPositionsADLRank",
        "fetchPositionsRisk", "fetchPositionsWs", "fetchPositionWs", "fetchPremiumIndexOHLCV",
        "fetchSettlementHistory", "reduceMargin", "setLeverage", "setMarginMode", "setPositionMode",
        "unWatchMarkPrice", "unWatchMarkPrices", "watchLiquidations", "watchLiquidationsForSymbols", "watchMarkPrice",
        "watchMarkPrices", "watchMyLiquidations", "watchMyLiquidationsForSymbols", "watchPositions",
    ),
    "options: only spot is traded here": ("fetchAllGreeks", "fetchGreeks", "fetchOption"),
    "margin loans: there are none here": (
        "borrowCrossMargin", "borrowIsolatedMargin", "fetchBorrowInterest", "fetchBorrowRateHistory",
        "fetchCrossBorrowRate", "fetchIsolatedBorrowRate", "fetchIsolatedBorrowRates", "repayCrossMargin",
        "repayIsolatedMargin",
    ),
    "between wallets of one account (spot, margin, futures): an account has one wallet here": (
        "fetchTransfers", "transfer",
    ),
    "Binance Convert, a product beside the order book": (
        "createConvertTrade", "fetchConvertCurrencies", "fetchConvertQuote", "fetchConvertTrade",
        "fetchConvertTradeHistory",
    ),
}  # fmt: skip
# Names in `has` that are no method but say what kinds of markets and interfaces there are.
NO_METHODS = ("publicAPI", "privateAPI", "sandbox", "spot", "margin", "swap", "future", "option", "ws")
