"""Everything market data knows, folded from the journal's events. Pure: no clock, no Redis, no database.

One journal batch gives at most one message for each book and each account. Batches are stored, so a process
that starts again and folds the same batches makes the very same messages with the same ids: who has seen one
drops it, who has not misses nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from orders.binance.sockets.reports import Report, Reports
from orders.marketdata.balances import Balances
from orders.marketdata.book import Level
from orders.marketdata.market import Market
from orders.marketdata.runs import Run
from orders.marketdata.working import WorkingList, WorkingOrder, WorkingOrders
from orders.placed import FILLED


@dataclass(slots=True)
class BookChange:
    """One book message: all changes of sequences prev + 1 … last. Sizes are absolute, "0" removes a level."""

    market: Market
    prev: int
    last: int
    bids: list[Level]
    asks: list[Level]
    checksum: int


@dataclass(slots=True)
class AccountChange:
    """What one batch changed for one account; `prev` is the sequence of the account's change before."""

    account: int
    prev: int
    last: int
    orders: list[WorkingOrder] = field(default_factory=list)
    fills: list[dict[str, Any]] = field(default_factory=list)
    balances: list[tuple[int, int, int]] = field(default_factory=list)
    # Those that began or ended.
    lists: list[WorkingList] = field(default_factory=list)
    # What happened, in the words of the Binance dialect.
    reports: list[Report] = field(default_factory=list)


@dataclass(slots=True)
class Changes:
    """What one batch changed."""

    last: int
    books: list[BookChange] = field(default_factory=list)
    trades: list[tuple[Market, list[dict[str, Any]]]] = field(default_factory=list)
    # The same trades as aggregate trades, market by market.
    runs: list[list[Run]] = field(default_factory=list)
    accounts: list[AccountChange] = field(default_factory=list)


class Fold:
    """Assets, markets, balances and open orders as of `sequence`."""

    def __init__(self) -> None:
        self.sequence = 0
        self.time_us = 0
        self.assets: dict[int, tuple[str, int]] = {}
        self.markets: dict[int, Market] = {}
        self.balances = Balances()
        self.orders = WorkingOrders()
        # The sequence at which each account last changed, counted by whole batches.
        self.account_last: dict[int, int] = {}
        self._trades: dict[int, list[dict[str, Any]]] = {}
        self._fills: dict[int, list[dict[str, Any]]] = {}
        self._reports = Reports()

    def apply(
        self, *, first: int, time_us: int, events: Sequence[Sequence[Sequence[Any]]], watched: Collection[int]
    ) -> Changes:
        """Fold one batch whose first sequence is `first`; private changes only for accounts in `watched`.

        Raises ValueError when sequences are missing: a fold with a hole would be wrong for ever.
        """
        if first != self.sequence + 1:
            raise ValueError(f"sequence {first} after {self.sequence}")
        self.time_us = time_us
        for sequence, group in enumerate(events, first):
            self.sequence = sequence
            for event in group:
                self._apply(event, watched)
                if watched:
                    self._reports.take(self, event, watched)
        return self._take_changes(watched)

    def shown_markets(self) -> list[Market]:
        """The markets that are published."""
        return [market for market in self.markets.values() if market.is_shown]

    def _apply(self, event: Sequence[Any], watched: Collection[int]) -> None:
        kind = event[0]
        if kind == "new":
            self.orders.new(event, self.sequence, self.time_us)
        elif kind == "rest":
            _, order, account, market_id, side, price, remaining, held = event
            market = self.markets[market_id]
            market.book.add(side, price, remaining)
            self.orders.touch(order, self.sequence, self.time_us)
            self._hold(market, account, side, held)
        elif kind == "trade":
            self._trade(event, watched)
        elif kind == "done":
            _, order, account, market_id, side, price, remaining, released, resting, reason = event
            market = self.markets[market_id]
            if resting == 1:
                market.book.add(side, price, -remaining)
            self.orders.end(self.orders.touch(order, self.sequence, self.time_us), reason)
            self._hold(market, account, side, -released)
        elif kind == "amend":
            self._amend(event)
        elif kind == "reduce":
            _, order, account, market_id, side, price, lots, _remaining, released, resting = event
            market = self.markets[market_id]
            if resting == 1:
                market.book.add(side, price, -lots)
            # A decrement takes from the order's total: these lots will never be filled.
            self.orders.touch(order, self.sequence, self.time_us).size -= lots
            self._hold(market, account, side, -released)
        elif kind == "wait":
            _, order, account, market_id, side, _stop, held = event
            self.orders.touch(order, self.sequence, self.time_us).is_waiting = True
            self._hold(self.markets[market_id], account, side, held)
        elif kind == "trigger":
            _, order, account, market_id, side, released = event
            triggered = self.orders.touch(order, self.sequence, self.time_us)
            triggered.is_waiting, triggered.working_us = False, self.time_us
            self._hold(self.markets[market_id], account, side, -released)
        elif kind == "show":
            # How much of an iceberg is to be seen is the book's matter; the order itself is as before.
            _, _order, _account, market_id, side, price, lots, _hidden = event
            self.markets[market_id].book.add(side, price, lots)
        else:
            self._apply_seldom(event)

    def _apply_seldom(self, event: Sequence[Any]) -> None:
        """Events of lists, of money in and out and of operators. The rest change nothing here."""
        kind = event[0]
        if kind == "list":
            self.orders.new_list(event, self.sequence, self.time_us)
        elif kind in ("pend", "activate"):
            leg = self.orders.touch(event[1], self.sequence, self.time_us)
            leg.is_pending = kind == "pend"
            leg.working_us = 0 if leg.is_pending or leg.stop or leg.trail_ppm else self.time_us
        elif kind == "deposit":
            self.balances.move(event[3], event[4], event[5], 0)
        elif kind == "transfer":
            _, _transfer, source, to, asset, amount = event
            self.balances.move(source, asset, -amount, 0)
            self.balances.move(to, asset, amount, 0)
        elif kind in ("hold", "release", "complete"):
            account, asset, amount = event[2:5]
            available, held = {"hold": (-amount, amount), "release": (amount, -amount), "complete": (0, -amount)}[kind]
            self.balances.move(account, asset, available, held)
        elif kind == "exit":
            self.balances.move(event[3], event[4], -event[5], 0)
        elif kind == "asset":
            self.assets[event[1]] = (event[2], event[3])
        elif kind == "market":
            self._market(event[1:])
        elif kind == "state":
            market = self.markets[event[1]]
            market.state, market.until_us = event[2], event[3]
            market.ticker_changed = True

    def _market(self, fields: Sequence[Any]) -> None:
        """A new market; of a known one only rules changed, none of which is kept here."""
        if fields[0] not in self.markets:
            self.markets[fields[0]] = Market(fields, self.assets[fields[2]], self.assets[fields[3]])

    def _hold(self, market: Market, account: int, side: int, amount: int) -> None:
        if amount:
            self.balances.move(account, market.base if side else market.quote, -amount, amount)

    def _amend(self, event: Sequence[Any]) -> None:
        _, order_id, account, market_id, side, old_price, old_remaining, price, size, remaining, held, kept = event
        market = self.markets[market_id]
        # One that is kept has the old price; in one step, since of an iceberg the level may have less than all of it.
        market.book.add(side, old_price, remaining - old_remaining if kept else -old_remaining)
        order = self.orders.touch(order_id, self.sequence, self.time_us)
        order.price, order.size = price, size
        held_before = old_remaining * (market.lot_atoms if side else old_price * market.unit)
        self._hold(market, account, side, held - held_before)

    def _trade(self, event: Sequence[Any], watched: Collection[int]) -> None:
        (
            _, trade, market_id, _price, lots, base_atoms, quote_atoms, taker_side, taker_order, taker_account,
            maker_order, maker_account, taker_fee, maker_fee, maker_remaining,
        ) = event  # fmt: skip
        market = self.markets[market_id]
        shown = market.trade(event, self.sequence, self.time_us)
        self._trades.setdefault(market_id, []).append(shown)

        base, quote, move = market.base, market.quote, self.balances.move
        if taker_side == 0:
            move(taker_account, quote, -quote_atoms, 0)
            move(taker_account, base, base_atoms - taker_fee, 0)
            move(maker_account, base, 0, -base_atoms)
            move(maker_account, quote, quote_atoms - maker_fee, 0)
            fees = ((base, taker_fee), (quote, maker_fee))
        else:
            move(taker_account, base, -base_atoms, 0)
            move(taker_account, quote, quote_atoms - taker_fee, 0)
            move(maker_account, quote, 0, -quote_atoms)
            move(maker_account, base, base_atoms - maker_fee, 0)
            fees = ((quote, taker_fee), (base, maker_fee))
        for asset, fee in fees:
            if fee:
                move(0, asset, fee, 0)

        for order_id, fee in ((taker_order, taker_fee), (maker_order, maker_fee)):
            order = self.orders.touch(order_id, self.sequence, self.time_us)
            order.filled_lots += lots
            order.filled_quote += quote_atoms
            order.fee += fee
            if order.account in watched:
                is_taker = order_id == taker_order
                self._fills.setdefault(order.account, []).append(
                    {
                        "trade_id": trade,
                        "order_id": order_id,
                        "market": market.symbol,
                        "side": "sell" if order.side else "buy",
                        "liquidity": "taker" if is_taker else "maker",
                        "price": shown["price"],
                        "size": shown["size"],
                        "quote": shown["quote"],
                        "fee": market.scale.fee_text(fee, order.side),
                        "fee_asset": market.quote_code if order.side else market.base_code,
                        "time": shown["time"],
                        "sequence": self.sequence,
                    }
                )
        if maker_remaining == 0:
            self.orders.end(self.orders.orders[maker_order], FILLED)

    def _take_changes(self, watched: Collection[int]) -> Changes:
        last = self.sequence
        changes = Changes(last)
        for market in self.markets.values():
            levels = market.book.take_changes()
            if levels is not None:
                prev, market.book.last = market.book.last, last
                market.ticker_changed = True
                changes.books.append(BookChange(market, prev, last, *levels, market.book.checksum()))
        for market_id, trades in self._trades.items():
            changes.trades.append((self.markets[market_id], trades))
            changes.runs.append(self.markets[market_id].runs.take())
        self._trades = {}

        orders, assets, fills = self.orders.take_changed(), self.balances.take_changed(), self._fills
        # A list changes with its orders, so its account is among those anyway.
        lists = self.orders.take_changed_lists()
        for account in sorted(orders.keys() | assets.keys()):
            prev, self.account_last[account] = self.account_last.get(account, 0), last
            if account in watched:
                balances = self.balances.of(account, assets[account]) if account in assets else []
                changes.accounts.append(
                    AccountChange(
                        account,
                        prev,
                        last,
                        orders.get(account, []),
                        fills.get(account, []),
                        balances,
                        lists.get(account, []),
                        self._reports.pop(account),
                    )
                )
        self._fills = {}
        return changes
