"""What a command did to an order, read from its events: the answer a client gets without waiting for any projection.

A command's events tell of other orders too (what was due before it, whom its trades triggered), so
everything here looks only at its own order, but to the end: an order that rests may fill as a maker
a moment later, by a stop that its own trade triggered.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.problems import Problem
from matching.engine import commands

Event = Sequence[Any]

PENDING = "pending"
WAITING = "waiting"
OPEN = "open"
FILLED = "filled"
CANCELED = "canceled"
EXPIRED = "expired"
# Events whose first field is the one order they tell of.
_OF_ONE_ORDER = frozenset({"rest", "wait", "trigger", "reduce", "done", "pend", "activate"})
_NEW_LENGTH = 18
_STATUS_OF_REASON = {"filled": FILLED, "expired": EXPIRED}


@dataclass(slots=True)
class Fill:
    """One side of a trade: price in ticks, size in lots, amounts in atoms, the fee of what the order receives."""

    number: int
    order_id: int
    market_id: int
    side: int
    is_maker: bool
    price: int
    lots: int
    quote_atoms: int
    fee: int
    time_us: int
    sequence: int


@dataclass(slots=True)
class OrderState:
    """An order after a command; the attributes are those of orders.models.Order."""

    id: int
    account_id: int
    market_id: int
    side: int
    type: int
    tif: int
    price: int
    stop: int
    size: int
    quote: int
    post_only: bool
    stp: int
    expires_us: int
    trigger: int
    trail_ppm: int
    display: int
    client_id: str
    created_us: int
    updated_us: int
    sequence: int
    list_id: int = 0
    status_name: str = OPEN
    done_reason: str = ""
    remaining: int = 0
    filled_lots: int = 0
    filled_quote: int = 0
    fee: int = 0


@dataclass(slots=True)
class PlacedOrder:
    """A new order and its fills so far. `replaced` is the order it took the place of, 0 for none."""

    order: OrderState
    fills: list[Fill]
    duplicate: bool = False
    replaced: int = 0


@dataclass(slots=True)
class PlacedList:
    """A new list (its id is that of its first leg), its kind as in orders.requests.LIST_KINDS, and its legs."""

    id: int
    account_id: int
    market_id: int
    kind: int
    client_id: str
    orders: list[PlacedOrder]
    time_us: int
    sequence: int
    duplicate: bool = False

    @property
    def is_live(self) -> bool:
        """Whether its legs still depend on each other: while at least two of them are open."""
        return is_live(made.order.done_reason for made in self.orders)

    @property
    def created_us(self) -> int:
        """When it was placed."""
        return self.time_us

    @property
    def updated_us(self) -> int:
        """This is how it stands when it is placed."""
        return self.time_us


@dataclass(slots=True)
class CanceledList:
    """A list that was canceled, and those of its orders that this ended."""

    list_id: int
    market_id: int
    order_ids: list[int]
    time_us: int
    sequence: int


@dataclass(slots=True)
class AmendedOrder:
    """An order after an amend: its new price (ticks) and total size (lots), and what it traded by it."""

    id: int
    market_id: int
    side: int
    price: int
    size: int
    remaining: int
    kept_priority: bool
    time_us: int
    sequence: int
    status_name: str = OPEN
    done_reason: str = ""
    fills: list[Fill] = field(default_factory=list)


@dataclass(slots=True)
class CanceledOrder:
    """An order that was canceled, and how many lots of it were left."""

    id: int
    market_id: int
    side: int
    remaining: int
    time_us: int
    sequence: int


@dataclass(slots=True)
class CanceledAll:
    """The orders that a cancel-all ended."""

    order_ids: list[int]
    time_us: int
    sequence: int


def is_live(done_reasons: Iterable[str]) -> bool:
    """Whether a list whose legs ended for these reasons ("": still open) is live: its legs depend on each other."""
    return sum(not reason for reason in done_reasons) > 1


def new_fields(event: Event) -> Sequence[Any]:
    """The fields of a `new` event. The engine's first version had no trigger, trail and display."""
    return event[1:] if len(event) == _NEW_LENGTH else (*event[1:14], 0, 0, 0, event[14])


def raise_rejection(events: Sequence[Event], sequence: int) -> None:
    """Raises Problem with the engine's code if the command was rejected. A rejection is always the last event."""
    if events and events[-1][0] == "rejected":
        raise Problem(str(events[-1][1]), sequence=sequence)


def read_placed(events: Sequence[Event], *, time_us: int, sequence: int) -> PlacedOrder:
    """The order that a `place` or `replace` made. Raises Problem with the engine's code."""
    raise_rejection(events, sequence)
    # Most often it is the first.
    at = 0 if events[0][0] == "new" else next(i for i, event in enumerate(events) if event[0] == "new")
    made = _read_new(events, at, time_us, sequence)
    # A replace ends its target right before the new order.
    before = events[at - 1] if at else ()
    if before and before[0] == "done" and before[9] == "replaced":
        made.replaced = before[1]
    return made


def read_placed_list(events: Sequence[Event], *, time_us: int, sequence: int) -> PlacedList:
    """The list that a `list` made, with all its legs. Raises Problem with the engine's code."""
    raise_rejection(events, sequence)
    begin = next(i for i, event in enumerate(events) if event[0] == "list")
    _, id, account, market, kind, order_ids, client_id = events[begin]
    orders = []
    # The `new` of each leg follows, in their order; other events may stand between.
    for at, event in enumerate(events):
        if at > begin and event[0] == "new" and event[1] in order_ids:
            leg = _read_new(events, at, time_us, sequence)
            leg.order.list_id = id
            orders.append(leg)
    return PlacedList(id, account, market, kind, client_id, orders, time_us, sequence)


def _read_new(events: Sequence[Event], at: int, time_us: int, sequence: int) -> PlacedOrder:
    """The order of the `new` at this place, as it stands after all events."""
    (id, account, market, side, type, tif, price, stop, size, quote, post_only, stp, expires, trigger, trail, display,
     client_id) = new_fields(events[at])  # fmt: skip
    order = OrderState(
        id=id, account_id=account, market_id=market, side=side, type=type, tif=tif, price=price, stop=stop, size=size,
        quote=quote, post_only=bool(post_only), stp=stp, expires_us=expires, trigger=trigger, trail_ppm=trail,
        display=display, client_id=client_id, created_us=time_us, updated_us=time_us, sequence=sequence, remaining=size,
    )  # fmt: skip
    fills: list[Fill] = []
    _follow(order, fills, events[at + 1 :], time_us, sequence)
    for fill in fills:
        order.filled_lots += fill.lots
        order.filled_quote += fill.quote_atoms
        order.fee += fill.fee
    if quote:
        order.remaining = 0
    return PlacedOrder(order, fills)


def read_amended(events: Sequence[Event], *, time_us: int, sequence: int) -> AmendedOrder:
    """The order after an `amend`. Raises Problem with the engine's code."""
    raise_rejection(events, sequence)
    at = next(i for i, event in enumerate(events) if event[0] == "amend")
    _, id, _, market, side, _, _, price, size, remaining, _, kept = events[at]
    amended = AmendedOrder(id, market, side, price, size, remaining, bool(kept), time_us, sequence)
    _follow(amended, amended.fills, events[at + 1 :], time_us, sequence)
    return amended


def read_canceled(events: Sequence[Event], *, time_us: int, sequence: int) -> CanceledOrder:
    """The order that a `cancel` ended. Raises Problem with the engine's code."""
    raise_rejection(events, sequence)
    # Other legs of its list end after it.
    done = next(event for event in events if event[0] == "done" and event[9] == CANCELED)
    _, id, _, market, side, _, remaining, *_ = done
    return CanceledOrder(id, market, side, remaining, time_us, sequence)


def read_canceled_list(list_id: int, results: Sequence[tuple[Sequence[Event], int, int]]) -> CanceledList:
    """What the cancels of a list's legs, each with (events, time, sequence), ended of it.

    The first cancel that finds its leg open ends the others too, so most are rejected. Raises Problem with the code
    of the first if all were.
    """
    ended = []
    for events, time_us, sequence in results:
        if events[-1][0] != "rejected":
            orders = [event for event in events if event[0] == "done" and event[9] in (CANCELED, "list")]
            ended.append((orders, time_us, sequence))
    if not ended:
        events, _, sequence = results[0]
        raise_rejection(events, sequence)
    dones = [event for events, _, _ in ended for event in events]
    return CanceledList(list_id, dones[0][3], [event[1] for event in dones], ended[-1][1], ended[-1][2])


def read_canceled_all(events: Sequence[Event], *, time_us: int, sequence: int) -> CanceledAll:
    """The orders that a `cancel_all` ended. Raises Problem with the engine's code."""
    raise_rejection(events, sequence)
    at = next(i for i, event in enumerate(events) if event[0] == "cancel_all")
    return CanceledAll([event[1] for event in events[at + 1 :] if event[0] == "done"], time_us, sequence)


def _follow(
    order: OrderState | AmendedOrder, fills: list[Fill], events: Sequence[Event], time_us: int, sequence: int
) -> None:
    """Take in what `events` say of the order: its trades on either side, and how it stands after them."""
    for event in events:
        kind = event[0]
        if kind == "trade":
            if order.id == event[8]:
                fills.append(_fill(order, event, False, time_us, sequence))
                order.remaining -= event[4]
            elif order.id == event[10]:
                fills.append(_fill(order, event, True, time_us, sequence))
                order.remaining = event[14]
                if not order.remaining:
                    order.status_name, order.done_reason = FILLED, "filled"
        elif kind not in _OF_ONE_ORDER or event[1] != order.id:
            continue
        elif kind == "rest":
            order.remaining = event[6]
        elif kind == "wait":
            order.status_name = WAITING
        elif kind == "pend":
            order.status_name = PENDING
        elif kind in ("trigger", "activate"):
            order.status_name = OPEN
        elif kind == "reduce":
            order.remaining = event[7]
            order.size -= event[6]
        else:
            order.remaining, order.done_reason = event[6], event[9]
            order.status_name = _STATUS_OF_REASON.get(event[9], CANCELED)


def _fill(
    order: OrderState | AmendedOrder, trade: Event, is_maker: bool, time_us: int, sequence: int
) -> Fill:  # fmt: skip
    _, number, market, price, lots, _, quote_atoms, taker_side, _, _, _, _, taker_fee, maker_fee, _ = trade
    return Fill(
        number=number, order_id=order.id, market_id=market,
        side=commands.BUY + commands.SELL - taker_side if is_maker else taker_side,
        is_maker=is_maker, price=price, lots=lots, quote_atoms=quote_atoms,
        fee=maker_fee if is_maker else taker_fee, time_us=time_us, sequence=sequence,
    )  # fmt: skip
