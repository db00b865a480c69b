"""What is asked for into commands, and results into answers, without the waiting in between.

orders.services waits for the matcher, sockets don't; both stand on this. Whoever needs the database says so: on an
event loop those functions run in a thread. All raise accounts.problems.Problem with a code of its table.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

from accounts.problems import Problem, executed
from matching import journal
from matching.engine import commands
from matching.engine.commands import Command
from matching.fingerprint import fingerprint
from matching.gateway import Result
from matching.money import MAX_AMOUNT, MAX_PRICE, InvalidAmount, parse_decimal
from orders import listing, placed, selectors
from orders.listing import Listed
from orders.placed import AmendedOrder, CanceledAll, CanceledList, CanceledOrder, PlacedList, PlacedOrder
from orders.requests import AmendRequest, ListRequest, OrderName, OrderRequest
from orders.scales import PERCENT_SCALE, MarketScale

T = TypeVar("T")

# What a command says of an order, in its fingerprint; fields that the first orders did not have come last.
_AT: Final = {name: at for at, name in enumerate(commands.PLACE_FIELDS, 2)}
FIRST_FIELDS: Final = slice(_AT["side"], _AT["expires"] + 1)
LATER_FIELDS: Final = slice(_AT["trigger"], _AT["display"] + 1)
LATER_NAMES: Final = commands.PLACE_FIELDS[LATER_FIELDS.start - 2 : LATER_FIELDS.stop - 2]

# --- commands


def place_command(
    *, account_id: int, order: OrderRequest, deadline_us: int, target: OrderName | None = None
) -> Command:  # fmt: skip
    """A `place`; its fingerprint takes in the order that it is to replace, if any.

    A market that this process has not seen yet is looked up in the database.
    """
    market = listing.by_symbol(order.market)
    command = commands.place(
        account=account_id, market=market.id, client_id=order.client_id, deadline_us=deadline_us,
        **_order_fields(market, order),
    )  # fmt: skip
    if order.client_id:
        command[-1] = _fingerprint(command, target)
    return command


def _fingerprint(command: Command, target: OrderName | None) -> int:
    content: list[object] = [command[_AT["market"]], *command[FIRST_FIELDS]]
    # What came later counts only when it says something: a repetition from before an upgrade is still known.
    later = command[LATER_FIELDS]
    if any(later):
        content += [LATER_NAMES, *later]
    if target is not None:
        content += [target.order_id, target.client_id]
    return fingerprint(content)


def list_command(*, account_id: int, order_list: ListRequest, deadline_us: int) -> Command:
    """A `list`. Legs without a client id get one made from the list's, which makes a repetition known."""
    market = listing.by_symbol(order_list.market)
    legs = []
    for number, order in enumerate(order_list.orders, 1):
        made = f"{order_list.client_id}.{number}" if order_list.client_id else ""
        legs.append(commands.leg(client_id=order.client_id or made, **_order_fields(market, order)))
    return commands.order_list(
        account=account_id, market=market.id, kind=order_list.kind, legs=legs, client_id=order_list.client_id,
        fingerprint=fingerprint([market.id, order_list.kind, order_list.client_id, legs]), deadline_us=deadline_us,
    )  # fmt: skip


def replace_command(*, account_id: int, target: OrderName, order: OrderRequest, deadline_us: int) -> Command:
    """A `replace` of `target` by `order`."""
    place = place_command(account_id=account_id, order=order, deadline_us=deadline_us, target=target)
    return ["replace", deadline_us, target.order_id, target.client_id, *place[2:]]


def amend_command(
    *, account_id: int, name: OrderName, changes: AmendRequest, deadline_us: int, keep: bool = False
) -> Command:
    """An `amend`; with `keep` only if the order keeps its place in the queue.

    Asks the database in which market the order stands, which says what its prices mean.
    """
    market = _market_of(account_id, name)
    return commands.amend(
        account=account_id, order=name.order_id, client_id=name.client_id,
        price=_ticks(market, changes.price), size=_lots(market, changes.size), keep=int(keep), deadline_us=deadline_us,
    )  # fmt: skip


def cancel_command(*, account_id: int, name: OrderName, deadline_us: int, only: int = commands.ANY) -> Command:
    """A `cancel`; `only` says how much of the order may be filled (commands.UNFILLED, PARTLY_FILLED)."""
    return commands.cancel(
        account=account_id, order=name.order_id, client_id=name.client_id, only=only, deadline_us=deadline_us
    )  # fmt: skip


def list_cancel_commands(
    *, account_id: int, list_id: int = 0, client_id: str = "", deadline_us: int
) -> tuple[int, list[Command]]:  # fmt: skip
    """The list's id, and a `cancel` for each of its legs: the first that finds its leg open ends the others too.

    Asks the database for the list. Raises Problem unknown_order, unavailable.
    """
    order_list = _find(
        lambda: selectors.find_list(account_id=account_id, list_id=list_id, client_id=client_id)
    )  # fmt: skip
    return order_list.pk, [
        commands.cancel(account=account_id, order=order, deadline_us=deadline_us) for order in order_list.order_ids
    ]


def cancel_all_command(*, account_id: int, market: str | None, side: int, deadline_us: int) -> Command:
    """A `cancel_all` of a market's symbol (None: all) and a side (-1: both). May ask the database for the market."""
    market_id = listing.by_symbol(market).id if market is not None else 0
    return commands.cancel_all(account=account_id, market=market_id, side=side, deadline_us=deadline_us)


def dead_man_command(*, account_id: int, timeout_ms: int, deadline_us: int) -> Command:
    """A `deadman`."""
    return commands.deadman(account=account_id, timeout_us=timeout_ms * 1_000, deadline_us=deadline_us)


def place_commands(
    *, account_id: int, orders: Sequence[OrderRequest | Problem], deadline_us: int
) -> list[Command | Problem]:
    """A `place` for each order; where there can be none, why not."""
    made: list[Command | Problem] = []
    for order in orders:
        try:
            if isinstance(order, Problem):
                raise order
            made.append(place_command(account_id=account_id, order=order, deadline_us=deadline_us))
        except Problem as problem:
            made.append(problem)
    return made


def cancel_commands(
    *, account_id: int, names: Sequence[OrderName | Problem], deadline_us: int
) -> list[Command | Problem]:
    """A `cancel` for each name; where there can be none, why not."""
    return [
        name if isinstance(name, Problem) else cancel_command(account_id=account_id, name=name, deadline_us=deadline_us)
        for name in names
    ]


def good_ones(commands: Sequence[Command | Problem]) -> list[Command]:
    """Those of a batch that can be sent."""
    return [command for command in commands if not isinstance(command, Problem)]


# --- results


def read_all(
    commands: Sequence[Command | Problem], results: Sequence[Result], read: Callable[[Result], T]
) -> list[T | Problem]:
    """An answer for each item of a batch; `results` are those of its good ones, in order."""
    following = iter(results)
    answers: list[T | Problem] = []
    for command in commands:
        try:
            if isinstance(command, Problem):
                raise command
            answers.append(read(next(following)))
        except Problem as problem:
            answers.append(problem)
    return answers


def read_placed(result: Result) -> PlacedOrder:
    """The order that a place or replace made. Of a duplicate, its first result, from the journal in the database."""
    first = _first_result(result)
    if first is not None:
        made = placed.read_placed(first.events, time_us=first.time_us, sequence=first.sequence)
        made.duplicate = True
        return made
    return placed.read_placed(result.events, time_us=result.time_us, sequence=result.sequence)


def read_placed_list(result: Result) -> PlacedList:
    """The list that a `list` made; a duplicate as in read_placed."""
    first = _first_result(result)
    if first is not None:
        made = placed.read_placed_list(first.events, time_us=first.time_us, sequence=first.sequence)
        made.duplicate = True
        return made
    return placed.read_placed_list(result.events, time_us=result.time_us, sequence=result.sequence)


def read_canceled_list(list_id: int, results: Sequence[Result]) -> CanceledList:
    """What the cancels of a list's legs ended of it."""
    return placed.read_canceled_list(
        list_id, [(result.events, result.time_us, result.sequence) for result in results]
    )  # fmt: skip


def _first_result(result: Result) -> Result | None:
    """Of a duplicate, the result of the command that was executed first; None if it is none."""
    last = result.events[-1]
    if last[0] != "duplicate":
        return None
    first = int(last[2])
    with executed():
        batch = journal.read(after=first - 1, limit=1)[0]
    return Result(first, batch.time_us, batch.events[first - batch.first])


def read_amended(result: Result) -> AmendedOrder:
    """The order as amended."""
    return placed.read_amended(result.events, time_us=result.time_us, sequence=result.sequence)


def read_canceled(result: Result) -> CanceledOrder:
    """The order that a cancel ended."""
    return placed.read_canceled(result.events, time_us=result.time_us, sequence=result.sequence)


def read_canceled_all(result: Result) -> CanceledAll:
    """The orders that a cancel-all ended."""
    return placed.read_canceled_all(result.events, time_us=result.time_us, sequence=result.sequence)


def read_dead_man(result: Result) -> int:
    """When the switch fires, in µs since the epoch; 0 for never."""
    placed.raise_rejection(result.events, result.sequence)
    return int(result.events[-1][2])


# --- amounts


def _order_fields(market: Listed, order: OrderRequest) -> dict[str, Any]:
    """What the engine knows of an order, by the names that commands.place has."""
    return {
        "side": order.side, "type": order.type, "tif": order.tif, "price": _ticks(market, order.price),
        "stop": _ticks(market, order.stop_price), "size": _lots(market, order.size),
        "quote": _quote(market, order.quote_amount), "post_only": int(order.post_only), "stp": order.stp,
        "expires_us": order.expires_ms * 1_000, "trigger": order.trigger, "trail": _trail(order.trail_percent),
        "display": _lots(market, order.display_size),
    }  # fmt: skip


def _ticks(market: Listed, price: str | None) -> int:
    return 0 if price is None else _ticks_of(market.scale, price)


def _lots(market: Listed, size: str | None) -> int:
    return 0 if size is None else _lots_of(market.scale, size)


# Prices and sizes come again and again; reading their text is much of the work of making a command.
@lru_cache(maxsize=20_000)
def _ticks_of(scale: MarketScale, price: str) -> int:
    ticks = scale.price_to_ticks(price)
    if ticks > MAX_PRICE:
        raise Problem("price_too_large")
    return ticks


@lru_cache(maxsize=20_000)
def _lots_of(scale: MarketScale, size: str) -> int:
    lots = scale.size_to_lots(size)
    if lots > MAX_AMOUNT:
        raise Problem("size_too_large")
    return lots


def _trail(percent: str | None) -> int:
    """In ppm, of which a percent has 10^4."""
    if percent is None:
        return 0
    try:
        trail_ppm = parse_decimal(percent, PERCENT_SCALE)
    except InvalidAmount as error:
        raise Problem(error.code, "a trail has at most four decimals of a percent") from None
    if not commands.MIN_TRAIL_PPM <= trail_ppm <= commands.MAX_TRAIL_PPM:
        # 0 would be no trail at all for the engine, which is not what was asked for.
        raise Problem("invalid_parameter", "a trail is from 0.01 to 50 percent")
    return trail_ppm


def _quote(market: Listed, amount: str | None) -> int:
    if amount is None:
        return 0
    atoms = market.scale.quote_to_atoms(amount)
    if atoms > MAX_AMOUNT:
        raise Problem("notional_too_large")
    return atoms


def _market_of(account_id: int, name: OrderName) -> Listed:
    """The market an order stands in. Raises Problem unknown_order, unavailable."""
    return listing.by_id(
        _find(
            lambda: selectors.market_of_order(account_id=account_id, order_id=name.order_id, client_id=name.client_id)
        )
    )


def _find(read: Callable[[], T | None]) -> T:
    """What the read model has of an order or a list. Raises Problem unknown_order, unavailable."""
    found = read()
    if found is None:
        # It may have been placed a moment ago: let the read model catch up before saying no.
        head = journal.head()
        behind = selectors.wait_for_sequence(head) < head
        found = read()
        if found is None:
            raise Problem("unavailable" if behind else "unknown_order")
    return found
