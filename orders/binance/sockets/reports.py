"""What happened to an account's orders and money, as the dialect's user events. Pure; made from the journal's events.

Market data makes them, once for all sockets, while it folds: what an order had been filled by an event is known only
then. Times are those of the journal, so a batch that is folded again gives the very same events.
"""

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from matching.money import format_atoms
from orders.binance import symbols, words
from orders.binance.shapes import PPM_PER_BIP, ZERO, fixed

if TYPE_CHECKING:
    from orders.marketdata.fold import AccountChange, Fold
    from orders.marketdata.market import Market
    from orders.marketdata.working import WorkingList, WorkingOrder

Report = dict[str, Any]
_EXECUTION_OF_REASON: Final = {
    "canceled": "CANCELED", "replaced": "CANCELED", "deadman": "CANCELED", "stp": "TRADE_PREVENTION",
    "refused": "REJECTED",
}  # fmt: skip
LIST_KINDS: Final = ("OCO", "OTO", "OTOCO")
_text = lru_cache(maxsize=50_000)(fixed)


class Reports:
    """Reports by account since they were last taken; `watched` accounts only."""

    def __init__(self) -> None:
        self._by_account: dict[int, list[Report]] = {}
        self._kinds: dict[str, Callable[[Fold, Sequence[Any], Collection[int]], None]] = {
            "new": self._on_new, "trade": self._on_trade, "done": self._on_done, "amend": self._on_amend,
            "reduce": self._on_reduce, "trigger": self._on_working, "activate": self._on_working,
            "pend": self._on_pend, "deposit": self._on_deposit, "transfer": self._on_transfer,
            "complete": self._on_complete, "exit": self._on_exit,
        }  # fmt: skip

    def take(self, fold: "Fold", event: Sequence[Any], watched: Collection[int]) -> None:
        """An event that `fold` has just taken in."""
        report = self._kinds.get(event[0])
        if report is not None:
            report(fold, event, watched)

    def pop(self, account: int) -> list[Report]:
        """The account's reports since the last call."""
        return self._by_account.pop(account, [])

    def _add(self, fold: "Fold", order: "WorkingOrder", execution: str, **more: Any) -> None:
        report = execution_report(fold, order, execution) | more
        self._by_account.setdefault(order.account, []).append(report)

    def _last(self, order: "WorkingOrder") -> Report:
        """The order's latest report, to be set right by an event that belongs to it."""
        return next(one for one in reversed(self._by_account[order.account]) if one.get("i") == order.id)

    # --- orders

    def _on_new(self, fold: "Fold", event: Sequence[Any], watched: Collection[int]) -> None:
        if event[2] in watched:
            self._add(fold, fold.orders.touched(event[1]), "NEW")

    def _on_pend(self, fold: "Fold", event: Sequence[Any], watched: Collection[int]) -> None:
        order = fold.orders.touched(event[1])
        if order.account in watched:
            report = self._last(order)
            report["X"], report["w"] = "PENDING_NEW", False
            report.pop("W", None)

    def _on_working(self, fold: "Fold", event: Sequence[Any], watched: Collection[int]) -> None:
        """A stop was reached, or the order that this one waited for is filled."""
        order = fold.orders.touched(event[1])
        if order.account in watched:
            self._add(fold, order, "NEW")

    def _on_trade(self, fold: "Fold", event: Sequence[Any], watched: Collection[int]) -> None:
        for is_maker, account_at in ((False, 9), (True, 11)):
            if event[account_at] not in watched:
                continue
            order = fold.orders.touched(event[account_at - 1])
            market = fold.markets[event[2]]
            code, scale = (
                (market.quote_code, market.quote_scale) if order.side else (market.base_code, market.base_scale)
            )
            is_filled = event[14] == 0 if is_maker else bool(order.size) and order.filled_lots >= order.size
            self._add(
                fold, order, "TRADE",
                X="FILLED" if is_filled else "PARTIALLY_FILLED",
                w=not is_filled and order.type == 0,
                l=_text(market.size_text(event[4])),
                L=_text(market.price_text(event[3])),
                Y=_text(format_atoms(event[6], market.quote_scale)),
                n=_text(format_atoms(event[13 if is_maker else 12], scale)),
                N=code,
                t=event[1],
                m=is_maker,
            )  # fmt: skip

    def _on_done(self, fold: "Fold", event: Sequence[Any], watched: Collection[int]) -> None:
        order = fold.orders.touched(event[1])
        if order.account not in watched:
            return
        reason = event[9]
        if reason == "filled":
            # Its last trade said it, unless it was an order by quote, of which only the end tells.
            report = self._last(order)
            report["X"], report["w"] = "FILLED", False
        else:
            self._add(fold, order, _EXECUTION_OF_REASON.get(reason, "EXPIRED"))

    def _on_amend(self, fold: "Fold", event: Sequence[Any], watched: Collection[int]) -> None:
        if event[2] in watched:
            self._add(fold, fold.orders.touched(event[1]), "REPLACED")

    def _on_reduce(self, fold: "Fold", event: Sequence[Any], watched: Collection[int]) -> None:
        order = fold.orders.touched(event[1])
        if order.account in watched:
            prevented = _text(fold.markets[order.market].size_text(event[6]))
            self._add(fold, order, "TRADE_PREVENTION", B=prevented)

    # --- money in and out

    def _on_deposit(self, fold: "Fold", event: Sequence[Any], watched: Collection[int]) -> None:
        self._balance_update(fold, event[3], event[4], event[5], watched)

    def _on_transfer(self, fold: "Fold", event: Sequence[Any], watched: Collection[int]) -> None:
        _, _, source, to, asset, amount = event
        self._balance_update(fold, source, asset, -amount, watched)
        self._balance_update(fold, to, asset, amount, watched)

    def _on_complete(self, fold: "Fold", event: Sequence[Any], watched: Collection[int]) -> None:
        """A withdrawal left; until then it was the account's, if held."""
        self._balance_update(fold, event[2], event[3], -event[4], watched)

    def _on_exit(self, fold: "Fold", event: Sequence[Any], watched: Collection[int]) -> None:
        self._balance_update(fold, event[3], event[4], -event[5], watched)

    def _balance_update(self, fold: "Fold", account: int, asset: int, change: int, watched: Collection[int]) -> None:
        if account in watched:
            code, scale = fold.assets[asset]
            time_ms = fold.time_us // 1_000
            self._by_account.setdefault(account, []).append(
                {
                    "e": "balanceUpdate", "E": time_ms, "a": code, "d": fixed(format_atoms(change, scale)),
                    "T": time_ms,
                }
            )  # fmt: skip


def execution_report(fold: "Fold", order: "WorkingOrder", execution: str) -> Report:
    """An order as it stands, as an event that is no trade."""
    market: Market = fold.markets[order.market]
    time_ms = fold.time_us // 1_000
    client_id = order.client_id
    report: Report = {
        "e": "executionReport",
        "E": time_ms,
        "s": symbols.name(market.symbol),
        "c": client_id,
        "S": words.SIDES[order.side],
        "o": words.order_type(
            type=order.type, stop=order.stop, trail=order.trail_ppm, trigger=order.trigger,
            post_only=bool(order.post_only),
        ),
        "f": words.time_in_force(order.type, order.tif),
        "q": _text(market.size_text(order.size or order.filled_lots)),
        "p": _text(market.price_text(order.price)),
        "P": _text(market.price_text(order.stop)),
        "F": _text(market.size_text(order.display)),
        "g": order.list_id or words.NO_LIST,
        # Of a cancel, whose order it was: the name that a client gives the cancel itself is not known here.
        "C": client_id if execution == "CANCELED" else "",
        "x": execution,
        "X": words.status(order.status, order.done_reason, order.filled_lots),
        "r": "NONE",
        "i": order.id,
        "l": ZERO,
        "z": _text(market.size_text(order.filled_lots)),
        "L": ZERO,
        "n": "0",
        "N": None,
        "T": time_ms,
        "t": -1,
        "I": fold.sequence,
        "w": not order.done_reason and order.working_us > 0,
        "m": False,
        "M": False,
        "O": order.created_us // 1_000,
        "Z": _text(format_atoms(order.filled_quote, market.quote_scale)),
        "Y": ZERO,
        "Q": _text(format_atoms(order.quote, market.quote_scale)),
        "V": words.STPS[order.stp],
    }  # fmt: skip
    if order.working_us:
        report["W"] = order.working_us // 1_000
    if order.trail_ppm:
        report["d"] = order.trail_ppm // PPM_PER_BIP
    return report


def events_of(fold: "Fold", change: "AccountChange") -> list[Report]:
    """All events of an account's change: its orders, its lists, and what it has now."""
    time_ms = fold.time_us // 1_000
    events = [*change.reports]
    for one in change.lists:
        if one.created_us == fold.time_us:
            events.append(_list_status(fold, one, "EXEC_STARTED", "EXECUTING"))
        if not one.is_live:
            events.append(_list_status(fold, one, "ALL_DONE", "ALL_DONE"))
    if change.balances:
        shown = []
        for asset, available, held in change.balances:
            code, scale = fold.assets[asset]
            shown.append({"a": code, "f": fixed(format_atoms(available, scale)), "l": fixed(format_atoms(held, scale))})
        events.append({"e": "outboundAccountPosition", "E": time_ms, "u": time_ms, "B": shown})
    return events


def _list_status(fold: "Fold", one: "WorkingList", kind: str, status: str) -> Report:
    symbol = symbols.name(fold.markets[one.market].symbol)
    time_ms = fold.time_us // 1_000
    return {
        "e": "listStatus", "E": time_ms, "s": symbol, "g": one.id, "c": LIST_KINDS[one.kind], "l": kind, "L": status,
        "r": "NONE", "C": one.client_id, "T": time_ms,
        "O": [{"s": symbol, "i": id, "c": client_id} for id, client_id in one.legs.items()],
    }  # fmt: skip
