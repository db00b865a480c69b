"""Markets, open orders, books, trades and candles against the engine and against each other."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from exchange.reconcile.report import Report
from matching.engine import Engine
from matching.engine.state import DUE, PENDING, Order, WaitingOrder
from orders import consistency, selectors


@dataclass(slots=True)
class TradingRows:
    """What the rows say. Open orders by id: account, market, side, status, price, size, filled, remaining, hidden."""

    orders: dict[int, tuple[Any, ...]]
    tiers: dict[int, int]
    markets: dict[int, tuple[Any, ...]]
    last_order: int
    last_trades: dict[int, int]
    misfits: list[str] = field(default_factory=list)


def read(*, thorough: bool) -> TradingRows:
    """The rows of orders; `thorough` also looks for rows that do not fit each other."""
    markets = {
        row.id: (row.symbol, row.base_id, row.quote_id, row.lot_atoms, row.unit, row.state, row.state_until_us)
        for row in selectors.list_markets()
    }
    return TradingRows(
        orders=consistency.open_orders(),
        tiers=consistency.fee_tiers(),
        markets=markets,
        last_order=consistency.last_order_id(),
        last_trades=consistency.last_trade_numbers(),
        misfits=consistency.misfits() if thorough else [],
    )


def check(engine: Engine, rows: TradingRows, report: Report) -> None:
    """Note what differs between the engine and the rows at the same sequence."""
    markets = {
        m.id: (m.symbol, m.base, m.quote, m.lot_atoms, m.unit, m.state, m.until) for m in engine.markets.values()
    }  # fmt: skip
    report.compare("markets", markets, rows.markets)
    expected = {
        order.id: _stands(account, order)
        for account in engine.accounts()
        for order in engine.accounts_by_id[account].orders.values()
    }
    report.compare("open orders", expected, rows.orders, lambda order: f"{order}")
    tiers = {id: account.tier for id, account in engine.accounts_by_id.items() if account.tier}
    report.compare("fee tiers", tiers, rows.tiers, lambda account: f"of account {account}")
    _check_books(engine, rows, report)
    report.compare("last order", {0: engine.last_order}, {0: rows.last_order}, lambda _: "id")
    trades = {market.id: market.trades for market in engine.markets.values() if market.trades}
    report.compare("trades", trades, rows.last_trades, lambda market: f"last number of market {market}")
    for misfit in rows.misfits:
        report.differ("rows", misfit, "fit", "do not fit")


def _stands(account: int, order: Order) -> tuple[Any, ...]:
    """An order of the engine as a row has it. The engine counts the hidden lots of an iceberg apart."""
    if order.tail is not None:
        status, hidden = "open", order.special.hidden if order.special else 0
    else:
        assert isinstance(order, WaitingOrder), f"order {order.id} neither rests nor waits"
        status, hidden = "pending" if order.phase in (PENDING, DUE) else "waiting", 0
    remaining = order.remaining + hidden
    return (
        account, order.seat.market.id, order.side, status, order.price, order.size, order.size - remaining, remaining,
        hidden,
    )  # fmt: skip


def _check_books(engine: Engine, rows: TradingRows, report: Report) -> None:
    """The open orders of the rows, level by level, against the engine's depth."""
    levels: dict[int, list[dict[int, int]]] = {market: [defaultdict(int), defaultdict(int)] for market in rows.markets}
    for _, market, side, status, price, _, _, remaining, hidden in rows.orders.values():
        if status == "open" and market in levels:
            levels[market][side][price] += remaining - hidden
    for market in engine.markets:
        for side, depth in enumerate(engine.depth(market)):
            found = dict(levels[market][side]) if market in levels else {}
            where = f"of market {market}, {('bids', 'asks')[side]}, price"
            report.compare("book levels", dict(depth), found, lambda price, where=where: f"{where} {price}")
