"""Histories that are quadratic in a careless engine: each gives about `size` commands for a fresh market."""

from collections.abc import Callable
from typing import Any

from benchmarks.tapes import MID, START_US, opening
from matching.engine import Engine
from matching.engine import commands as c

SIZE = 10_000
Commands = list[list[Any]]


def engine() -> Engine:
    """An engine with the tapes' market and accounts."""
    ready = Engine()
    for command in opening():
        ready.apply(command, START_US)
    return ready


def place(account: int, side: int, price: int, size: int = 1_000, **fields: Any) -> list[Any]:
    """An order in the only market."""
    return c.place(account=account, market=1, side=side, price=price, size=size, **fields)


def one_level(size: int) -> Commands:
    """One long queue at one price, taken one by one from its front."""
    makers = [place(1 + n % 100, c.SELL, MID) for n in range(size // 2)]
    return makers + [place(200, c.BUY, MID, tif=c.IOC) for _ in makers]


def cancels_from_the_front(size: int) -> Commands:
    """One long queue, canceled oldest first."""
    makers = [place(1, c.SELL, MID) for _ in range(size // 2)]
    return makers + [c.cancel(account=1, order=n + 1) for n in range(len(makers))]


def own_orders(size: int) -> Commands:
    """An account meets its own orders, one a time, and cancels the oldest each time."""
    makers = [place(1, c.SELL, MID + n % 50) for n in range(size // 2)]
    return makers + [place(1, c.BUY, MID + 50, stp=c.STP_OLDEST, tif=c.IOC, size=1) for _ in range(size // 2)]


def sweep(size: int) -> Commands:
    """Thousands of levels, torn through by one order."""
    makers = [place(1 + n % 100, c.SELL, MID + n) for n in range(size - 1)]
    return [*makers, place(200, c.BUY, MID + size, size=1_000 * size)]


def stop_cascade(size: int) -> Commands:
    """Each stop's trade triggers the next."""
    count = size // 2
    makers = [place(1 + n % 100, c.BUY, MID - n) for n in range(count)]
    stops = [
        c.place(account=200 + n % 100, market=1, side=c.SELL, type=c.MARKET, tif=c.IOC, stop=MID - 1 - n, size=1_000)
        for n in range(count - 2)
    ]
    return [*makers, *stops, place(400, c.SELL, MID, size=2_000, tif=c.IOC), place(400, c.SELL, MID - 1, tif=c.IOC)]


def stops_that_come_and_go(size: int) -> Commands:
    """Stops placed and canceled, none ever triggers."""
    commands = []
    for n in range(size // 2):
        commands.append(
            c.place(account=1, market=1, side=c.BUY, type=c.MARKET, tif=c.IOC, stop=MID + 1 + n, size=1_000)
        )
        commands.append(c.cancel(account=1, order=n + 1))
    return commands


def trails_that_come_and_go(size: int) -> Commands:
    """Trailing orders of a hundred trails placed and canceled, none ever triggers."""
    commands = []
    for n in range(size // 2):
        trail = 100_000 + n % 100
        commands.append(c.place(account=1, market=1, side=c.SELL, type=c.MARKET, tif=c.IOC, trail=trail, size=1_000))
        commands.append(c.cancel(account=1, order=n + 1))
    return commands


def trails_up_and_down(size: int) -> Commands:
    """The price climbs, and falls back a little less each time; at every trade a trailing order becomes active."""
    commands = []
    for n in range(size // 3):
        price = MID + (n if n % 2 else size - n)
        commands.append(place(1, c.SELL, price))
        commands.append(place(2, c.BUY, price))
        commands.append(
            c.place(
                account=3 + n % 100, market=1, side=n % 2, type=c.MARKET, tif=c.IOC, trail=400_000 + n % 1_000, size=1
            )
        )
    return commands


def icebergs(size: int) -> Commands:
    """Icebergs at one price, of which taker after taker takes what one shows."""
    makers = [place(1 + n % 100, c.SELL, MID, size=1_000, display=100) for n in range(size // 2)]
    return makers + [place(200, c.BUY, MID, size=100, tif=c.IOC) for _ in makers]


def pairs(size: int) -> Commands:
    """OCO pairs of one account; each taker ends one of them."""
    count = size // 2
    lists = [
        c.order_list(
            account=1, market=1, kind=c.OCO,
            legs=[
                c.leg(side=c.SELL, price=MID + 1 + n % 50, size=1_000, post_only=1),
                c.leg(side=c.SELL, type=c.MARKET, tif=c.IOC, stop=MID - 1 - n, size=1_000),
            ],
        )
        for n in range(count)
    ]  # fmt: skip
    return lists + [place(200, c.BUY, MID + 50, tif=c.IOC) for _ in range(count)]


def expiries(size: int) -> Commands:
    """Orders good till a time, most canceled before it."""
    commands = []
    for n in range(size // 2):
        commands.append(place(1, c.BUY, MID - 1 - n % 100, tif=c.GTD, expires_us=START_US + 10**9 + n))
        commands.append(c.cancel(account=1, order=n + 1))
    return commands


def dead_man(size: int) -> Commands:
    """A dead-man switch set anew all the time."""
    return [c.deadman(account=1 + n % 10, timeout_us=60_000_000) for n in range(size)]


def flicker(size: int) -> Commands:
    """A quote withdrawn and placed anew at a price of its own each time, above a standing book."""
    book = [place(1, c.BUY, MID - 1 - n) for n in range(size // 3)]
    commands = []
    for n in range(size // 3):
        commands.append(place(2, c.BUY, MID - 1 - (n * 7919) % (size * 2)))
        commands.append(c.cancel(account=2, order=len(book) + n + 1))
    return book + commands


def client_ids(size: int) -> Commands:
    """Orders with client ids that end at once; their ids stay known."""
    return [place(1, c.BUY, MID - 1, tif=c.IOC, client_id=f"id-{n}", fingerprint=n) for n in range(size)]


def fill_or_kill(size: int) -> Commands:
    """Fill-or-kill orders that miss, with an order of their own in the way, over a book of 100 levels."""
    makers = [place(1 + n % 100, c.SELL, MID + n % 100) for n in range(size // 2)]
    kills = [
        place(7, c.BUY, MID + 99, size=10**8, tif=c.FOK, stp=c.STP_DECREMENT) for _ in range(min(1_000, size // 2))
    ]
    return makers + kills


SCENARIOS: dict[str, Callable[[int], Commands]] = {
    scenario.__name__.replace("_", " "): scenario
    for scenario in (
        one_level, cancels_from_the_front, own_orders, sweep, stop_cascade, stops_that_come_and_go,
        trails_that_come_and_go, trails_up_and_down, icebergs, pairs, expiries, dead_man, flicker, client_ids,
        fill_or_kill,
    )
}  # fmt: skip
