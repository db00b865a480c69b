"""The engine's memory as plain lists, back again, and its hash.

Only what decides the future is in it, in one canonical form: no empty balances, no client ids past their time, no
dead entries of heaps. So an engine that lived through all commands and one that was loaded half-way give equal dumps.
"""

import hashlib
import json
from collections import Counter
from typing import Any, Final

from matching.engine import upgrade
from matching.engine.book import queue_of
from matching.engine.breaker import Breaker, live
from matching.engine.commands import FIELDS
from matching.engine.due import schedule_deadman, schedule_expiry, schedule_queue, schedule_transition
from matching.engine.holds import holds_of
from matching.engine.ids import IdRanges
from matching.engine.makers import tie
from matching.engine.markets import new_market
from matching.engine.place import open_seat
from matching.engine.state import (
    DAY_US,
    DUE,
    GONE,
    PENDING,
    QUEUED,
    TRAILS,
    WAITS,
    Account,
    Asset,
    Key,
    Market,
    Order,
    OrderList,
    Special,
    State,
    WaitingOrder,
    fill_in,
)

FORMAT: Final = 3
NOT_SPECIAL: Final = Special()


class UnknownFormat(ValueError):
    """A dump of another format than this engine's."""


def state_hash(state: State) -> str:
    """SHA-256, in hex, of the canonical JSON of the dump."""
    text = json.dumps(dump(state), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def dump(state: State) -> dict[str, Any]:
    """The state as a tree of dicts, lists, text and integers, fit for JSON."""
    waiting: dict[int, list[WaitingOrder]] = {id: [] for id in state.markets}
    lists: dict[int, dict[int, OrderList]] = {id: {} for id in state.markets}
    held = holds_of(state, state.accounts_by_id.values())
    for account in state.accounts_by_id.values():
        for order in account.orders.values():
            market_id = order.seat.market.id
            if order.tail is None and isinstance(order, WaitingOrder):
                waiting[market_id].append(order)
            if order.special is not None and order.special.list is not None:
                lists[market_id][order.special.list.id] = order.special.list
    return {
        "format": FORMAT,
        "version": state.version,
        "sequence": state.sequence,
        "time_us": state.time_us,
        "last_order": state.last_order,
        "assets": [[asset.id, asset.code, asset.scale, asset.total] for _, asset in sorted(state.assets.items())],
        "accounts": [_dump_account(account, held) for _, account in sorted(state.accounts_by_id.items())],
        "registry": state.registry,
        "leaves": state.leaves,
        "sources": [list(item) for item in sorted(state.sources.items())],
        "withdrawals": [[id, *held] for id, held in sorted(state.withdrawals.items())],
        "released": state.released.dump(),
        "completed": state.completed.dump(),
        "transfers": state.transfers.dump(),
        "closed": [
            [
                order.closed_us,
                order.seat.account_id,
                order.seat.market.id,
                order.client_id,
                order.id,
                order.sequence,
                order.fingerprint,
            ]
            for order in state.closed
            if state.time_us < order.closed_us + DAY_US
        ],
        "markets": [
            _dump_market(market, state.time_us, waiting[id], lists[id]) for id, market in sorted(state.markets.items())
        ],
    }


def _dump_account(account: Account, held: Counter[tuple[int, int]]) -> list[Any]:
    balances = [
        [asset, balance.available, held[account.id, asset]]
        for asset, balance in sorted(account.balances.items())
        if balance.available or held[account.id, asset]
    ]
    return [account.id, account.tier, account.deadman_us, balances, _dump_key(account.key)]


def _dump_key(key: Key | None) -> list[Any]:
    if key is None:
        return []
    leaves = [[leaf, *last] for leaf, last in sorted(key.leaves.items())]
    return [key.l2, key.custody, key.x, key.y, key.nonce, leaves]


def _dump_market(
    market: Market, state_us: int, waiting: list[WaitingOrder], lists: dict[int, OrderList]
) -> dict[str, Any]:
    breaker = market.breaker
    extremes = {order.id: extreme for trails in market.stops.trails for extreme, order in trails.active()}
    return {
        "rules": [getattr(market, name if name != "market" else "id") for name in FIELDS["market"]],
        "state": market.state,
        "until": market.until,
        "backlog": market.backlog,
        "last": market.last,
        "trades": market.trades,
        "bids": [_dump_order(order) for first in market.bids.sorted_levels() for order in queue_of(first)],
        "asks": [_dump_order(order) for first in market.asks.sorted_levels() for order in queue_of(first)],
        "waiting": [
            _dump_waiting(order, extremes.get(order.id, 0)) for order in sorted(waiting, key=lambda order: order.id)
        ],
        "queue": [order.id for order in market.stops.queue if order.phase != GONE],
        "lists": [[id, lists[id].kind, [leg.id for leg in lists[id].legs]] for id in sorted(lists)],
        "breaker": _dump_breaker(breaker, state_us - breaker.window_us) if breaker else None,
    }


def _dump_breaker(breaker: Breaker, oldest: int) -> list[Any]:
    breaker.tell()
    is_latest_live = breaker.top > 0 and breaker.at >= oldest
    return [
        [list(trade) for trade in live(breaker.lows, oldest)],
        [list(trade) for trade in live(breaker.highs, oldest)],
        [breaker.at, breaker.bottom, breaker.top] if is_latest_live else [],
    ]


def _load_breaker(breaker: Breaker, dump: list[Any]) -> None:
    lows, highs, latest = dump
    breaker.lows.extend((time_us, price) for time_us, price in lows)
    breaker.highs.extend((time_us, price) for time_us, price in highs)
    if latest:
        breaker.at, breaker.bottom, breaker.top = latest
    breaker.tighten(0)


def _dump_order(order: Order) -> list[Any]:
    special = order.special or NOT_SPECIAL
    row = [
        order.id, order.seat.account_id, order.side, order.price, order.remaining, order.size, order.post_only,
        order.stp, special.expires, special.display, special.hidden, special.signed, special.max_fee_ppm,
        order.client_id,
    ]  # fmt: skip
    if order.client_id:
        row += (order.sequence, order.fingerprint)
    return row


def _dump_waiting(order: WaitingOrder, extreme: int) -> list[Any]:
    what = [
        order.type, order.tif, order.stop, order.quote, order.trigger, order.trail, order.held, order.phase, extreme,
    ]  # fmt: skip
    return [what, _dump_order(order)]


def load(state: State, dump: dict[str, Any]) -> None:
    """Fill a new state from a dump, of this format or the one before. Raises UnknownFormat."""
    if dump["format"] == upgrade.FORMER:
        dump = upgrade.from_former(dump)
    if dump["format"] != FORMAT:
        raise UnknownFormat(f"format {dump['format']}, not {FORMAT}")
    state.version = dump["version"]
    state.sequence = dump["sequence"]
    state.time_us = dump["time_us"]
    state.last_order = dump["last_order"]
    state.assets = {id: Asset(id, code, scale, total) for id, code, scale, total in dump["assets"]}
    state.registry = dump["registry"]
    state.leaves = dump["leaves"]
    for id, tier, deadman_us, balances, key in dump["accounts"]:
        account = state.account(id)
        account.tier = tier
        for asset, available, _ in balances:
            account.balance(asset).available = available
        if key:
            _load_key(state, account, key)
        schedule_deadman(state, id, deadman_us)
    state.sources = dict(dump["sources"])
    state.withdrawals = {id: (account, asset, amount, to) for id, account, asset, amount, to in dump["withdrawals"]}
    state.released = IdRanges(dump["released"])
    state.completed = IdRanges(dump["completed"])
    state.transfers = IdRanges(dump["transfers"])
    for row in dump["markets"]:
        _load_market(state, row)
    for row in dump["closed"]:
        _load_closed(state, row)


def _load_key(state: State, account: Account, dump: list[Any]) -> None:
    *fields, leaves = dump
    account.key = key = Key(*fields)
    key.leaves = {leaf: (id, order) for leaf, id, order in leaves}
    state.l2_accounts[key.l2] = account


def _load_closed(state: State, row: list[Any]) -> None:
    closed_us, account_id, market_id, client_id, id, sequence, fingerprint = row
    seat = open_seat(state, state.markets[market_id], account_id)
    order = fill_in(Order(), id, seat, 0, 0, 0, 0, 0, 0, None, client_id)
    order.sequence, order.fingerprint, order.closed_us = sequence, fingerprint, closed_us
    order.prev = order.next = None
    seat.clients[client_id] = order
    state.closed.append(order)


def _load_market(state: State, dump: dict[str, Any]) -> None:
    rules = dict(zip(FIELDS["market"], dump["rules"], strict=True))
    rules["fees"] = [list(row) for row in rules["fees"]]
    market = new_market(state, rules)
    market.state = dump["state"]
    market.last = dump["last"]
    market.derive()
    market.trades = dump["trades"]
    schedule_transition(state, market, dump["until"])
    schedule_queue(state, market, dump["backlog"])
    orders: dict[int, Order] = {}
    for side, rows in ((market.bids, dump["bids"]), (market.asks, dump["asks"])):
        for row in rows:
            order = Order()
            _load_order(state, market, order, row)
            side.add(order)
            orders[order.id] = order
    _load_waiting(state, market, dump, orders)
    for id, kind, legs in dump["lists"]:
        for leg in legs:
            orders[leg].special = orders[leg].special or Special()
        tie(id, kind, [orders[leg] for leg in legs])
    if market.breaker is not None:
        _load_breaker(market.breaker, dump["breaker"])


def _load_order(state: State, market: Market, order: Order, row: list[Any]) -> None:
    (
        id, account_id, side, price, remaining, size, post_only, stp, expires, display, hidden, signed, max_fee_ppm,
        client_id,
    ) = row[:14]  # fmt: skip
    seat = open_seat(state, market, account_id)
    special = Special(expires, display) if expires or display or signed else None
    if special is not None:
        special.hidden, special.signed, special.max_fee_ppm = hidden, signed, max_fee_ppm
    fill_in(order, id, seat, side, price, remaining, size, post_only, stp, special, client_id)
    seat.orders[id] = order
    seat.open += 1
    if client_id:
        order.sequence, order.fingerprint = row[14:]
        order.closed_us = 0
        seat.clients[client_id] = order
    if expires:
        schedule_expiry(state, order)


def _load_waiting(state: State, market: Market, dump: dict[str, Any], orders: dict[int, Order]) -> None:
    stops = market.stops
    trailing: list[tuple[int, WaitingOrder]] = []
    waiting: dict[int, WaitingOrder] = {}
    for what, row in dump["waiting"]:
        order = WaitingOrder()
        _load_order(state, market, order, row)
        order.type, order.tif, order.stop, order.quote, order.trigger, order.trail, order.held, phase, extreme = what
        order.phase = phase
        waiting[order.id] = orders[order.id] = order
        if phase == TRAILS:
            trailing.append((extreme, order))
        elif phase == WAITS:
            stops.wait(order)
        elif phase == PENDING:
            stops.pend(order)
        else:
            assert phase in (QUEUED, DUE)
    # Whoever has seen most first, so that each joins those who have seen as much as it or more.
    for extreme, order in sorted(trailing, key=lambda item: -item[0] if item[1].side else item[0]):
        stops.trail(order, extreme)
    stops.queue.extend(waiting[id] for id in dump["queue"])
