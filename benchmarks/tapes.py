"""Tapes: deterministic histories of orders for one market, from a seed, for our engine and for others alike.

A tape is made with our engine at hand, so that it cancels and changes orders that really stand and no message is
refused. Prices are in ticks around 6,000,000 (60,000.00), sizes in lots. Of 1,000 accounts a few do most of the
trading, as everywhere; all pay fees by tier. The price band and the circuit breaker are on, but too wide to interfere.
Orders carry client ids only where the name of the tape says so, for the other engines know no such thing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

from matching.engine import Engine
from matching.engine import commands as c

BUY, SELL = c.BUY, c.SELL
NEW, IOC, CANCEL, AMEND, REPLACE = range(5)
OPERATIONS = ("new", "IOC", "cancel", "amend", "replace")

MID = 6_000_000
ACCOUNTS = 1_000
START_US = 1_700_000_000_000_000
STEP_US = 10  # 100,000 commands a second


class Message(NamedTuple):
    """One message: `order` numbers new orders from 1; cancel, amend and replace name an earlier one as `target`."""

    operation: int
    order: int
    target: int
    side: int
    price: int
    size: int


@dataclass
class Tape:
    """Messages for anybody, and the same as commands for our engine, which first needs `opening`."""

    name: str
    opening: list[list[Any]]
    messages: list[Message]
    commands: list[list[Any]]

    def steps(self) -> Iterator[tuple[list[Any], int]]:
        """Commands with their times."""
        return zip(self.commands, range(START_US, START_US + len(self.commands) * STEP_US, STEP_US), strict=True)


def opening() -> list[list[Any]]:
    """Two assets, a market, rich accounts in three fee tiers."""
    commands = [
        c.asset(asset=1, code="BTC", scale=8),
        c.asset(asset=2, code="USDT", scale=8),
        c.market(
            market=1, symbol="BTC-USDT", base=1, quote=2, lot_atoms=1_000, unit=10, min_lots=1, max_lots=10**9,
            min_notional=1, band_ppm=500_000, breaker_ppm=900_000, breaker_window_us=1_000_000, halt_us=60_000_000,
            reopen_us=0, max_orders=1_000_000, reference_price=MID, fees=[[1_000, 2_000], [500, 1_500], [0, 1_000]],
        ),
    ]  # fmt: skip
    for account in range(1, ACCOUNTS + 1):
        index = 2 * account
        commands += [
            c.deposit(source=1, index=index - 1, account=account, asset=1, amount=10**18),
            c.deposit(source=1, index=index, account=account, asset=2, amount=10**22),
            c.tier(account=account, tier=account % 3),
        ]
    return commands


class Recorder:
    """Writes a tape while our engine plays it; knows which orders stand."""

    def __init__(self, name: str, seed: int) -> None:
        self.random = Random(f"{name} {seed}")
        self.with_client_ids = name.endswith("client ids")
        self.tape = Tape(name, opening(), [], [])
        self.engine = Engine()
        self.orders = 0
        self.mid = MID
        # The standing orders, for a random pick in O(1): order -> place in the list.
        self.standing: list[int] = []
        self.places: dict[int, int] = {}
        self.owners: dict[int, int] = {}
        self.sides: dict[int, int] = {}
        self.prices: dict[int, int] = {}
        for command in self.tape.opening:
            self._apply(command, START_US)

    def __len__(self) -> int:
        return len(self.tape.messages)

    def _apply(self, command: list[Any], time_us: int) -> None:
        for event in self.engine.apply(command, time_us):
            kind = event[0]
            if kind == "rest":
                self.places[event[1]] = len(self.standing)
                self.standing.append(event[1])
                self.prices[event[1]] = event[5]
            elif (kind == "trade" and event[14] == 0) or (kind == "done" and event[8] == 1):
                self._forget(event[10] if kind == "trade" else event[1])
            elif kind == "amend" and not event[11]:
                self._forget(event[1])
            elif kind in {"rejected", "duplicate", "state"}:
                raise RuntimeError(f"a tape must not be refused: {command} gave {event}")

    def _forget(self, order: int) -> None:
        place = self.places.pop(order)
        last = self.standing.pop()
        if last != order:
            self.standing[place] = last
            self.places[last] = place

    def _write(self, message: Message, command: list[Any]) -> None:
        self._apply(command, START_US + len(self) * STEP_US)
        self.tape.messages.append(message)
        self.tape.commands.append(command)

    def _enter(self, operation: int, target: int, account: int, side: int, price: int, size: int) -> None:
        self.orders += 1
        order = self.orders
        self.owners[order], self.sides[order] = account, side
        fields = {
            "account": account, "market": 1, "side": side, "price": price, "size": size,
            "tif": c.IOC if operation == IOC else c.GTC,
            "client_id": f"c-{order:012d}" if self.with_client_ids else "",
            "fingerprint": order * 7_919_000_000_007 % 2**63,
        }  # fmt: skip
        command = c.replace(target_order=target, **fields) if operation == REPLACE else c.place(**fields)
        self._write(Message(operation, order, target, side, price, size), command)

    def new(self, side: int, price: int, size: int) -> None:
        """A GTC limit order of a random account."""
        self._enter(NEW, 0, self.account(), side, max(1, price), size)

    def ioc(self, side: int, price: int, size: int) -> None:
        """An IOC limit order of a random account."""
        self._enter(IOC, 0, self.account(), side, max(1, price), size)

    def pick(self) -> int:
        """A standing order: three of four times a young one, as quotes that are withdrawn mostly are; else any."""
        if self.random.random() < 0.75:
            for _ in range(4):
                order = self.orders - int(self.random.random() ** 2 * 1_000)
                if order in self.places:
                    return order
        return self.random.choice(self.standing)

    def cancel(self, order: int) -> None:
        """Cancel a standing order."""
        command = c.cancel(account=self.owners[order], order=order)
        self._write(Message(CANCEL, 0, order, 0, 0, 0), command)

    def amend(self, order: int, price: int, size: int) -> None:
        """Give a standing order another price and size; it keeps its id."""
        filled = self._filled(order)
        command = c.amend(account=self.owners[order], order=order, price=price, size=size + filled)
        self._write(Message(AMEND, 0, order, self.sides[order], price, size), command)

    def _filled(self, order: int) -> int:
        standing = self.engine.accounts_by_id[self.owners[order]].orders[order]
        return standing.size - standing.remaining

    def replace(self, order: int, price: int, size: int) -> None:
        """Cancel a standing order and place another in one step."""
        self._enter(REPLACE, order, self.owners[order], self.sides[order], price, size)

    # Habits that the tapes below are made of

    def account(self) -> int:
        """Half of the orders come from an eighth of the accounts."""
        return 1 + int(ACCOUNTS * self.random.random() ** 3)

    def size(self) -> int:
        """Many small orders, few large ones."""
        return min(int(self.random.paretovariate(1.2) * 1_000), 1_000_000)

    def passive(self, width: int) -> tuple[int, int]:
        """Side and price of an order that adds to the book, mostly near the middle, up to `width` ticks away."""
        side = self.random.randint(0, 1)
        away = 1 + int(width * self.random.random() ** 3)
        return side, max(1, self.mid + (away if side else -away))

    def near(self, side: int, width: int) -> int:
        """A passive price for an order of this side."""
        away = 1 + int(width * self.random.random() ** 3)
        return max(1, self.mid + (away if side else -away))

    def drift(self, most: int) -> None:
        """Let the middle wander."""
        self.mid = max(1_000, self.mid + self.random.randint(-most, most))


def mixed(tape: Recorder, messages: int) -> None:
    """A day in small: the book is built, lives through swings and a crash, and is built again.

    Of 100 messages about 48 are new orders, 35 cancels, 7 IOC, 7 amends and 3 replaces.
    """
    morning, quiet, swing = messages * 8 // 100, messages * 50 // 100, messages * 80 // 100
    while len(tape) < messages:
        at = len(tape)
        if at < quiet:
            tape.drift(3)
        elif at < swing:
            # Swings: the middle runs half a percent up and down again, several times.
            phase = (at - quiet) * 12 // (swing - quiet)
            tape.mid += 6 if phase % 2 else -6
        elif at < swing + messages // 100:
            # The crash: large sells walk through thousands of levels.
            tape.mid -= 50
            if tape.random.random() < 0.1:
                tape.ioc(SELL, tape.mid - 2_000, tape.size() * 50)
                continue
        else:
            tape.drift(10)
        dice = tape.random.random()
        if dice < (0.75 if at < morning else 0.46) or len(tape.standing) < 100:
            tape.new(*tape.passive(20_000), tape.size())
        elif dice < 0.83:
            tape.cancel(tape.pick())
        elif dice < 0.90:
            side = tape.random.randint(0, 1)
            tape.ioc(side, tape.mid + (-40 if side else 40), tape.size())
        else:
            order = tape.pick()
            price = tape.near(tape.sides[order], 20_000)
            (tape.replace if dice < 0.93 else tape.amend)(order, price, tape.size())


def deep(tape: Recorder, messages: int) -> None:
    """A deep book: half of the tape fills it over 200,000 ticks, then it changes everywhere."""
    while len(tape) < messages:
        dice = tape.random.random()
        if len(tape) < messages // 2 or dice < 0.4:
            side = tape.random.randint(0, 1)
            away = tape.random.randint(1, 100_000)
            tape.new(side, tape.mid + (away if side else -away), tape.size())
        elif dice < 0.8:
            tape.cancel(tape.pick())
        else:
            side = tape.random.randint(0, 1)
            tape.ioc(side, tape.mid + (-30 if side else 30), tape.size())


def swings(tape: Recorder, messages: int) -> None:
    """The price runs up and down by five percent; most new orders meet resting ones."""
    while len(tape) < messages:
        tape.mid += 60 if len(tape) * 40 // messages % 2 else -60
        dice = tape.random.random()
        if dice < 0.6:
            tape.new(*tape.passive(2_000), tape.size())
        elif dice < 0.75 or not tape.standing:
            side = tape.random.randint(0, 1)
            tape.ioc(side, tape.mid + (-300 if side else 300), tape.size() * 3)
        else:
            tape.cancel(tape.pick())


def crash(tape: Recorder, messages: int) -> None:
    """Books of thousands of levels are built and torn through by a few huge orders, again and again."""
    while len(tape) < messages:
        for _ in range(min(20_000, messages - len(tape))):
            side = tape.random.randint(0, 1)
            away = tape.random.randint(1, 30_000)
            tape.new(side, tape.mid + (away if side else -away), tape.size())
        for _ in range(min(10, messages - len(tape))):
            tape.ioc(SELL, tape.mid - 25_000, 10**7)
            tape.ioc(BUY, tape.mid + 25_000, 10**7) if len(tape) < messages else None


def cancels(tape: Recorder, messages: int) -> None:
    """Quotes that are placed and withdrawn near the best prices; hardly anything trades."""
    while len(tape) < messages:
        if len(tape.standing) < 2_000 or tape.random.random() < 0.5:
            tape.new(*tape.passive(300), tape.size())
        else:
            tape.cancel(tape.standing[-1] if tape.random.random() < 0.5 else tape.pick())


def iocs(tape: Recorder, messages: int) -> None:
    """A storm of immediate orders against a book that is refilled just enough."""
    while len(tape) < messages:
        if len(tape.standing) < 1_000 or tape.random.random() < 0.3:
            tape.new(*tape.passive(200), tape.size() * 3)
        else:
            side = tape.random.randint(0, 1)
            tape.ioc(side, tape.mid + (-100 if side else 100), tape.size())


def replaces(tape: Recorder, messages: int) -> None:
    """Market makers move their quotes: amends and replaces, few trades."""
    while len(tape) < messages:
        if len(tape.standing) < 2_000:
            tape.new(*tape.passive(500), tape.size())
            continue
        tape.drift(1)
        order = tape.pick()
        price = tape.near(tape.sides[order], 500)
        (tape.replace if tape.random.random() < 0.5 else tape.amend)(order, price, tape.size())


MAKERS: dict[str, Callable[[Recorder, int], None]] = {
    "mixed": mixed,
    "mixed, client ids": mixed,
    "deep book": deep,
    "swings": swings,
    "crash": crash,
    "cancels": cancels,
    "IOC storm": iocs,
    "replace storm": replaces,
}


def make(name: str, messages: int, seed: int = 1) -> Tape:
    """The tape of that name; the same for the same arguments, always."""
    recorder = Recorder(name, seed)
    MAKERS[name](recorder, messages)
    return recorder.tape
