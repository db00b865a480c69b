"""What a command did to an order, read from its events: the answer a client gets without waiting for any projection.

A command's events tell of other orders too (what was due before it, whom its trades triggered), so
everything here looks only at its own order, but to the end: an order that rests may fill as a maker
a moment later, by a stop that its own trade triggered.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.problems import Problem
from matching.engine import commands

Event = Sequence[Any]

WAITING = "waiting"
OPEN = "open"
FILLED = "filled"
CANCELED = "canceled"
EXPIRED = "expired"
# Events whose first field is the one order they tell of.
_OF_ONE_ORDER = frozenset({"rest", "wait", "trigger", "reduce", "done"})
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
    client_id: str
    created_us: int
    updated_us: int
    sequence: int
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


def raise_rejection(events: Sequence[Event], sequence: int) -> None:
    """Raises Problem with the engine's code if the command was rejected. A rejection is always the last event."""
    if events and events[-1][0] == "rejected":
        raise Problem(str(events[-1][1]), sequence=sequence)


def read_placed(events: Sequence[Event], *, time_us: int, sequence: int) -> PlacedOrder:
    """The order that a `place` or `replace` made. Raises Problem with the engine's code."""
    raise_rejection(events, sequence)
    at = next(i for i, event in enumerate(events) if event[0] == "new")
    _, id, account, market, side, type, tif, price, stop, size, quote, post_only, stp, expires, client_id = events[at]
    order = OrderState(
        id=id, account_id=account, market_id=market, side=side, type=type, tif=tif, price=price, stop=stop, size=size,
        quote=quote, post_only=bool(post_only), stp=stp, expires_us=expires, client_id=client_id, created_us=time_us,
        updated_us=time_us, sequence=sequence, remaining=size,
    )  # fmt: skip
    fills: list[Fill] = []
    _follow(order, fills, events[at + 1 :], time_us, sequence)
    for fill in fills:
        order.filled_lots += fill.lots
        order.filled_quote += fill.quote_atoms
        order.fee += fill.fee
    if quote:
        order.remaining = 0
    # A replace ends its target right before the new order.
    before = events[at - 1] if at else ()
    replaced = before[1] if before and before[0] == "done" and before[9] == "replaced" else 0
    return PlacedOrder(order, fills, replaced=replaced)


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
    _, id, _, market, side, _, remaining, *_ = events[-1]
    return CanceledOrder(id, market, side, remaining, time_us, sequence)


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
        elif kind == "trigger":
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
