"""What happens by itself: market transitions, expiries, dead-man switches, rests of queues (docs/protocol.md, 8).

The heap holds (time, kind, id, order or None). An entry is live while the thing still names that time: a switch that
was set anew or an order that was canceled leaves a dead entry behind, which is dropped when it reaches the top, or
with all others once they are the majority. `due_live` counts the live ones.
"""

from heapq import heapify, heappop, heappush
from typing import Any

from matching.engine.events import Event
from matching.engine.state import NEVER, Market, Order, State

TRANSITION, EXPIRY, DEADMAN, QUEUE = 0, 1, 2, 3
DEAD_SPARE = 64

DueEntry = tuple[int, int, int, Any]


def schedule_transition(state: State, market: Market, until: int) -> None:
    """Let the market's state change at `until`; 0 for never."""
    if market.until:
        market.until = 0
        state.due_live -= 1
    if until:
        market.until = until
        _push(state, (until, TRANSITION, market.id, None))
    _tidy(state)


def schedule_queue(state: State, market: Market, now_us: int) -> None:
    """Let the market's queue be worked off further at `now_us`; 0 if it need not be."""
    if market.backlog == now_us:
        return
    if market.backlog:
        state.due_live -= 1
    market.backlog = now_us
    if now_us:
        _push(state, (now_us, QUEUE, market.id, None))
    _tidy(state)


def schedule_deadman(state: State, account_id: int, deadline_us: int) -> None:
    """Set the account's switch to `deadline_us`; 0 turns it off."""
    account = state.account(account_id)
    if account.deadman_us:
        account.deadman_us = 0
        state.due_live -= 1
    if deadline_us:
        account.deadman_us = deadline_us
        _push(state, (deadline_us, DEADMAN, account_id, None))
    _tidy(state)


def schedule_expiry(state: State, order: Order) -> None:
    """Let a GTD order expire at its time, whatever it is doing by then."""
    assert order.special is not None
    _push(state, (order.special.expires, EXPIRY, order.id, order))
    _tidy(state)


def forget_expiry(state: State, order: Order) -> None:
    """A special order has ended."""
    special = order.special
    if special is None or not special.expires:
        return
    special.expires = 0
    # Its entry may stay in the heap for a while, and must not keep a chain of other ended orders alive.
    order.prev = order.next = None
    state.due_live -= 1
    _tidy(state)


def is_over(state: State, order: Order) -> bool:
    """Whether an order's time has come, and only too much that was due besides has let it stand so far."""
    special = order.special
    return special is not None and 0 < special.expires <= state.time_us


def pop_due(state: State) -> DueEntry | None:
    """The next live entry at or before the state's time, or None; the caller ends what it names."""
    due = state.due
    while due and due[0][0] <= state.time_us:
        entry = heappop(due)
        if _is_live(state, entry):
            return entry
    return None


def look_ahead(state: State) -> None:
    """Say anew when the next thing is due."""
    _tidy(state)


def live_entries(state: State) -> list[DueEntry]:
    """The entries that still mean something, in no order."""
    return [entry for entry in state.due if _is_live(state, entry)]


def _push(state: State, entry: DueEntry) -> None:
    heappush(state.due, entry)
    state.due_live += 1


def _tidy(state: State) -> None:
    due = state.due
    if len(due) > 2 * state.due_live + DEAD_SPARE:
        due[:] = [entry for entry in due if _is_live(state, entry)]
        heapify(due)
    while due and not _is_live(state, due[0]):
        heappop(due)
    state.next_due = due[0][0] if due else NEVER


def _is_live(state: State, entry: DueEntry) -> bool:
    time_us, kind, id, order = entry
    if kind == EXPIRY:
        return bool(order.special.expires == time_us)
    if kind == TRANSITION:
        return state.markets[id].until == time_us
    if kind == QUEUE:
        return state.markets[id].backlog == time_us
    return state.accounts_by_id[id].deadman_us == time_us


def set_state(state: State, market: Market, to: str, until: int, reason: str) -> Event:
    """Put a market into a state, until a time or (0) until told otherwise."""
    market.state = to
    market.derive()
    schedule_transition(state, market, until)
    return ("state", market.id, to, until, reason)
