"""What must always hold in the engine's memory, checked the slow way. For tests, followers and the curious."""

from collections import Counter

from matching.engine.book import WORST, Side, queue_of
from matching.engine.commands import SELL
from matching.engine.due import live_entries
from matching.engine.holds import holds_of
from matching.engine.signing import is_cap_too_low
from matching.engine.state import DUE, GONE, PENDING, QUEUED, TRAILS, WAITS, Market, State, WaitingOrder


class InvalidState(AssertionError):
    """The engine's memory contradicts itself."""


def require(condition: bool, what: str) -> None:
    """Raise InvalidState(what) unless `condition` holds."""
    if not condition:
        raise InvalidState(what)


def check_state(state: State) -> None:
    """Raise InvalidState at the first contradiction."""
    for market in state.markets.values():
        _check_market(market)
    _check_orders(state)
    _check_lists(state)
    _check_money(state)
    _check_keys(state)
    _check_due(state)


def _check_market(market: Market) -> None:
    name = market.symbol
    _check_side(market, market.bids, f"{name} bids")
    _check_side(market, market.asks, f"{name} asks")
    best_bid, best_ask = market.bids.best(), market.asks.best()
    if best_bid is not None and best_ask is not None:
        require(best_bid.price < best_ask.price, f"{name}: the book is crossed")
    stops = market.stops
    _check_waiting(market, name)
    require(market.first == 0, f"{name}: trades that nobody followed up")
    is_idle = all(order.phase == GONE for order in stops.queue)
    require(market.state != "open" or is_idle or market.backlog > 0, f"{name}: a queue while open")
    require(market.backlog == 0 or market.state == "open", f"{name}: a queue is due that has to wait")
    require(market.calm_low <= market.last <= market.calm_high, f"{name}: not as calm as it thinks")
    for last in (market.calm_low, market.last, market.calm_high):
        is_in_band = market.lowest(last) <= market.plain_low and market.plain_high <= market.highest(last)
        require(is_in_band, f"{name}: prices are taken for plain that may be outside the band")


def _check_waiting(market: Market, name: str) -> None:
    stops = market.stops
    here = [
        order
        for seat in market.seats.values()
        for order in seat.orders.values()
        if order.seat is seat and order.tail is None and isinstance(order, WaitingOrder)
    ]
    waiting = [order.id for order in here if order.phase in (WAITS, TRAILS, PENDING)]
    require(stops.waiting == len(waiting), f"{name}: {stops.waiting} waiting orders counted, {len(waiting)} there")
    expected = sorted(order.id for order in here if order.phase in (WAITS, TRAILS))
    require(sorted(order.id for order in stops.live()) == expected, f"{name}: orders do not wait for their prices")
    queue = {order.id for order in stops.queue if order.phase != GONE}
    for order in here:
        require(order.phase != GONE, f"{name}: order {order.id} waits for nothing")
        require(order.phase != QUEUED or order.id in queue, f"{name}: order {order.id} was triggered in vain")
        require(order.phase not in (PENDING, DUE) or order.held == 0, f"{name}: pending order {order.id} holds")
    for trails in stops.trails:
        require(trails.live == len(trails.active()), f"{name}: trailing orders are miscounted")
        extremes = [group.extreme for group in trails.groups]
        require(extremes == sorted(extremes, reverse=trails.side == SELL), f"{name}: extremes are out of order")


def _check_lists(state: State) -> None:
    for account in state.accounts_by_id.values():
        for order in account.orders.values():
            order_list = order.special.list if order.special is not None else None
            if order_list is None:
                continue
            require(order in order_list.legs, f"order {order.id} is in a list that does not know it")
            for leg in order_list.legs:
                is_here = account.orders.get(leg.id) is leg and leg.special is not None
                require(is_here and leg.special.list is order_list, f"list {order_list.id} has lost leg {leg.id}")  # type: ignore[union-attr]


def _check_side(market: Market, side: Side, name: str) -> None:
    require({*side.levels, WORST} <= set(side.heap), f"{name}: a level that is not in the heap")
    require(len(side.heap) <= side.heap_max, f"{name}: too many keys")
    require(all(side.heap[(i - 1) // 2] <= side.heap[i] for i in range(1, len(side.heap))), f"{name}: no heap")
    for key, first in side.levels.items():
        require(key == first.price * side.sign, f"{name}: a level under the wrong key")
        before = None
        for order in queue_of(first):
            is_chained = order.prev is before and (order is first or order.tail is order)
            require(is_chained, f"{name}: order {order.id} is chained wrongly")
            require(order.price == first.price and order.remaining > 0, f"{name}: order {order.id} does not belong")
            require(order.seat.orders.get(order.id) is order, f"{name}: order {order.id} is not its account's")
            require((order.side > 0) == (side.sign > 0), f"{name}: order {order.id} is on the wrong side")
            before = order
            if order.special is not None and order.special.display:
                require(order.remaining <= order.special.display, f"{name}: order {order.id} shows too much")
        require(first.tail is before, f"{name}: level {first.price} has a wrong tail")


def _check_orders(state: State) -> None:
    resting = {
        side: {order for first in side.levels.values() for order in queue_of(first)}
        for market in state.markets.values()
        for side in (market.bids, market.asks)
    }
    for account in state.accounts_by_id.values():
        open_by_market: Counter[int] = Counter()
        for id, order in account.orders.items():
            market = order.seat.market
            require(order.id == id and order.seat is market.seats[account.id], f"order {id} is filed wrongly")
            open_by_market[market.id] += 1
            if order.tail is None:
                require(isinstance(order, WaitingOrder), f"order {id} neither rests nor waits")
            else:
                side = market.asks if order.side else market.bids
                require(order in resting[side], f"order {id} is in a lost level")
            if order.client_id:
                require(account.clients.get(order.client_id) is order, f"order {id} lost its client id")
        for market in state.markets.values():
            if account.id in market.seats:
                there, counted = open_by_market[market.id], market.seats[account.id].open
                require(there == counted, f"account {account.id}: {counted} open orders counted, {there} there")
        for client_id, order in account.clients.items():
            require(order.client_id == client_id, f"client id {client_id} names an order that has another")
            require((order.closed_us == 0) == (order.id in account.orders), f"client id {client_id} is open or is not")


def _check_money(state: State) -> None:
    totals: Counter[int] = Counter()
    holds = holds_of(state, state.accounts_by_id.values())
    for account in state.accounts_by_id.values():
        for asset_id, balance in account.balances.items():
            held = holds.pop((account.id, asset_id), 0)
            require(balance.available >= 0 and held >= 0, f"account {account.id}, asset {asset_id}: a negative balance")
            totals[asset_id] += balance.available + held
    require(not any(holds.values()), "a hold of an account without a balance")
    for asset in state.assets.values():
        require(asset.total == totals[asset.id], f"asset {asset.code}: balances do not add up to its total")


def _check_keys(state: State) -> None:
    keys = {id: account.key for id, account in state.accounts_by_id.items() if account.key is not None}
    known = {l2: account.id for l2, account in state.l2_accounts.items()}
    require(known == {key.l2: id for id, key in keys.items()}, "accounts and numbers on the chain do not match")
    require(bool(keys) == (state.registry is not None), "a registry without accounts, or the other way round")
    for market in state.markets.values():
        plain = {id for id, seat in market.seats.items() if not seat.account.signs}
        require(set(market.plain_seats) == plain, f"{market.symbol}: seats that need a signature are taken for plain")
    for account in state.accounts_by_id.values():
        leaves = account.key.leaves if account.key is not None else {}
        for order in account.orders.values():
            signed = order.special.signed if order.special is not None else 0
            require(account.signs == (signed > 0), f"order {order.id} is signed, or is not")
            if order.special is not None and signed:
                require(leaves.get(signed % state.leaves) == (signed, order.id), f"order {order.id} lost its leaf")
                require(not is_cap_too_low(order.seat, order.special.max_fee_ppm), f"order {order.id} costs too much")


def _check_due(state: State) -> None:
    live = len({entry[:3] for entry in live_entries(state)})
    require(live == state.due_live, f"{state.due_live} due entries counted, {live} there")
    expected = sum((market.until > 0) + (market.backlog > 0) for market in state.markets.values())
    for account in state.accounts_by_id.values():
        expected += (account.deadman_us > 0) + sum(
            order.special is not None and order.special.expires > 0 for order in account.orders.values()
        )
    require(live == expected, f"{expected} things are due, {live} scheduled")
    earliest = min((entry[0] for entry in live_entries(state)), default=None)
    require(earliest is None or earliest == state.next_due, "next_due is not the earliest")
