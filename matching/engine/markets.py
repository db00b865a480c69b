"""Commands of the operators: assets, markets, their states, fee tiers, dead-man switches; and the passing of time."""

import re
from collections.abc import Iterable
from typing import Any, Final

from matching.engine import limits
from matching.engine.book import Side
from matching.engine.breaker import Breaker
from matching.engine.cascade import follow_up
from matching.engine.commands import FIELDS, STATES
from matching.engine.due import (
    EXPIRY,
    QUEUE,
    TRANSITION,
    look_ahead,
    pop_due,
    schedule_deadman,
    schedule_queue,
    set_state,
)
from matching.engine.ending import end_all, end_order, open_orders
from matching.engine.events import Event
from matching.engine.signing import is_cap_too_low
from matching.engine.state import DAY_US, HALTED, OPEN, POST_ONLY, Account, Asset, Market, Seat, State
from matching.engine.stops import Stops
from matching.money import MAX_AMOUNT, MAX_PRICE, PPM

MAX_SCALE = 30
MAX_TIER = 1_000
FIXED_FIELDS = ("symbol", "base", "quote", "lot_atoms", "unit")
AT_LEAST_ONE = ("market", "lot_atoms", "unit", "min_lots", "max_lots", "max_orders", "band_ppm")
AT_LEAST_ZERO = ("min_notional", "breaker_ppm", "breaker_window_us", "halt_us", "reopen_us")
RULES = FIELDS["market"][1:]
# What read models can keep: a market beyond these would stop every follower of the journal.
MAX_ID = 2**31 - 1
MAX_ORDERS = 1_000_000
MAX_RULE_PPM = 2**62
MAX_RULE_US = 7 * DAY_US
AT_MOST = {
    "market": MAX_ID, "lot_atoms": MAX_AMOUNT, "unit": MAX_AMOUNT, "max_lots": MAX_AMOUNT,
    "min_notional": MAX_AMOUNT, "max_orders": MAX_ORDERS, "band_ppm": MAX_RULE_PPM, "breaker_ppm": MAX_RULE_PPM,
    "breaker_window_us": MAX_RULE_US, "halt_us": MAX_RULE_US, "reopen_us": MAX_RULE_US,
}  # fmt: skip


# Names go into addresses, file names and other exchanges' dialects.
CODE: Final = re.compile(r"[A-Z0-9]{1,16}")
SYMBOL: Final = re.compile(r"[A-Z0-9-]{1,33}")
# A power of ten that every amount without a prime factor other than 2 and 5 divides.
FINE: Final = 10 ** MAX_AMOUNT.bit_length()

LATE: Final[Event] = ("rejected", "deadline_passed")


def _is_late(state: State, command: Any) -> bool:
    return 0 < command[1] < state.time_us


def asset(state: State, command: Any) -> list[Event]:
    """Handle `asset`."""
    if _is_late(state, command):
        return [LATE]
    _, _, id, code, scale = command
    known = state.assets.get(id)
    if not 1 <= id <= MAX_ID or not 0 <= scale <= MAX_SCALE or not CODE.fullmatch(code):
        return [("rejected", "invalid_parameter")]
    if known is not None and (known.code, known.scale) != (code, scale):
        return [("rejected", "invalid_parameter")]
    if known is None:
        if any(other.code == code for other in state.assets.values()):
            return [("rejected", "invalid_parameter")]
        state.assets[id] = Asset(id, code, scale)
    return [("asset", id, code, scale)]


def market(state: State, command: Any) -> list[Event]:
    """Handle `market`: create one, or change its rules."""
    if _is_late(state, command):
        return [LATE]
    rules = dict(zip(FIELDS["market"], command[2:], strict=True))
    if rules["base"] not in state.assets or rules["quote"] not in state.assets:
        return [("rejected", "unknown_asset")]
    there = state.markets.get(rules["market"])
    if not _are_good_rules(rules) or _contradicts(state, rules, there):
        return [("rejected", "invalid_parameter")]
    rules["fees"] = [list(row) for row in rules["fees"]]
    if there is None:
        new_market(state, rules)
    else:
        set_rules(there, rules)
    events: list[Event] = [("market", *command[2:-1], [list(row) for row in rules["fees"]])]
    if there is not None:
        _end_undercut(state, state.l2_accounts.values(), events)
    return events


def _contradicts(state: State, rules: dict[str, Any], there: Market | None) -> bool:
    """Whether a market changes what is fixed, or takes another market's symbol."""
    if there is None:
        return any(other.symbol == rules["symbol"] for other in state.markets.values())
    return any(rules[name] != getattr(there, name) for name in FIXED_FIELDS)


def _are_good_rules(rules: dict[str, Any]) -> bool:
    return (
        all(rules[name] >= 1 for name in AT_LEAST_ONE)
        and all(rules[name] >= 0 for name in AT_LEAST_ZERO)
        and all(rules[name] <= most for name, most in AT_MOST.items())
        and FINE % rules["lot_atoms"] == 0  # else a tick were no finite decimal of the quote asset
        and SYMBOL.fullmatch(rules["symbol"]) is not None
        and rules["base"] != rules["quote"]
        and rules["max_lots"] >= rules["min_lots"]
        and 1 <= rules["reference_price"] <= MAX_PRICE
        and len(rules["fees"]) > 0
        and all(0 <= ppm <= PPM for row in rules["fees"] for ppm in row)
    )


def new_market(state: State, rules: dict[str, Any]) -> Market:
    """An open market with empty books; `rules` are the fields of the command, which are good."""
    market = Market()
    market.id = rules["market"]
    market.state = OPEN
    market.until = market.backlog = market.trades = market.first = 0
    market.last = rules["reference_price"]
    market.bids, market.asks, market.stops = Side(-1), Side(1), Stops()
    market.seats, market.plain_seats = {}, {}
    set_rules(market, rules)
    market.nobody = Seat(Account(-1), market)
    collector = state.account(0)
    market.fee_base, market.fee_quote = collector.balance(market.base), collector.balance(market.quote)
    state.markets[market.id] = market
    return market


def set_rules(market: Market, rules: dict[str, Any]) -> None:
    """Give a market its rules and bring what is derived from them up to date; empties the breaker's window."""
    for name in RULES:
        setattr(market, name, rules[name])
    is_on = market.breaker_ppm > 0 and market.breaker_window_us > 0
    market.breaker = Breaker(market.breaker_ppm, market.breaker_window_us) if is_on else None
    market.derive()
    for seat in market.seats.values():
        seat.set_fees()


def market_state(state: State, command: Any) -> list[Event]:
    """Handle `state`."""
    if _is_late(state, command):
        return [LATE]
    _, _, market_id, to = command
    market = state.markets.get(market_id)
    if market is None or to not in STATES:
        return [("rejected", "unknown_market" if market is None else "invalid_parameter")]
    events = [set_state(state, market, to, 0, "operator")]
    follow_up(state, market, events)
    return events


def tier(state: State, command: Any) -> list[Event]:
    """Handle `tier`."""
    if _is_late(state, command):
        return [LATE]
    _, _, account_id, tier = command
    if account_id < 1 or not 0 <= tier <= MAX_TIER:
        return [("rejected", "invalid_account" if account_id < 1 else "invalid_parameter")]
    state.account(account_id).tier = tier
    for market in state.markets.values():
        if account_id in market.seats:
            market.seats[account_id].set_fees()
    events: list[Event] = [("tier", account_id, tier)]
    _end_undercut(state, [state.accounts_by_id[account_id]], events)
    return events


def _end_undercut(state: State, accounts: Iterable[Account], events: list[Event]) -> None:
    """End the signed orders whose highest fee is below what the account would be charged now."""
    undercut = [
        order
        for account in accounts
        if account.signs
        for order in account.orders.values()
        if order.special is not None and is_cap_too_low(order.seat, order.special.max_fee_ppm)
    ]
    end_all(state, sorted(undercut, key=lambda order: order.id), "fee", events)


def deadman(state: State, command: Any) -> list[Event]:
    """Handle `deadman`."""
    if _is_late(state, command):
        return [LATE]
    _, _, account_id, timeout_us = command
    if account_id < 1 or not 0 <= timeout_us <= DAY_US:
        return [("rejected", "invalid_account" if account_id < 1 else "invalid_parameter")]
    deadline_us = state.time_us + timeout_us if timeout_us else 0
    schedule_deadman(state, account_id, deadline_us)
    return [("deadman", account_id, deadline_us)]


def tick(state: State, command: Any) -> list[Event]:
    """Handle `tick`: what is due has happened already."""
    return [LATE] if _is_late(state, command) else []


def engine_version(state: State, command: Any) -> list[Event]:
    """Handle `engine`."""
    if _is_late(state, command):
        return [LATE]
    if command[2] < 1:
        return [("rejected", "invalid_parameter")]
    state.version = command[2]
    return [("engine", command[2])]


def overloaded(state: State, command: Any) -> list[Event]:
    """Stand in for a command of a batch that has done too much already (docs/protocol.md, section 4)."""
    return [("rejected", "overloaded")]


def run_due(state: State) -> list[Event]:
    """Let happen what is due at or before the state's time, as much as one command may (docs/protocol.md, 8)."""
    events: list[Event] = []
    for _ in range(limits.DUE):
        entry = pop_due(state) if len(events) < limits.DUE_EVENTS else None
        if entry is None:
            break
        _, kind, id, order = entry
        if kind == TRANSITION:
            _change_by_timer(state, state.markets[id], events)
        elif kind == EXPIRY:
            end_order(state, order, "expired", events)
        elif kind == QUEUE:
            schedule_queue(state, state.markets[id], 0)
            follow_up(state, state.markets[id], events)
            break
        else:
            schedule_deadman(state, id, 0)
            orders = open_orders(state.accounts_by_id[id])
            at = len(events)
            count = end_all(state, orders, "deadman", events)
            events.insert(at, ("deadman_fired", id, count))
    look_ahead(state)
    return events


def _change_by_timer(state: State, market: Market, events: list[Event]) -> None:
    if market.state == HALTED and market.reopen_us:
        events.append(set_state(state, market, POST_ONLY, state.time_us + market.reopen_us, "timer"))
    else:
        events.append(set_state(state, market, OPEN, 0, "timer"))
        follow_up(state, market, events)
