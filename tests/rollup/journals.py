"""Journals of a real engine for the state manager: random commands, with signatures that are good."""

import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from matching.engine import Engine
from matching.engine import commands as c
from rollup.state.book import Book
from rollup.state.eddsa import PrivateKey
from rollup.state.folding import KINDS
from rollup.state.ledger import Ledger
from rollup.state.manager import Manager, SealedBlock, StoredBlock
from rollup.state.parameters import TINY, Parameters
from rollup.state.slots import BUY, SELL, SETTLE, TRANSFER, WITHDRAW, SignedOrder, Slot, domain_of, message
from tests.engine.chain import ChainGenerator, chain_opening
from tests.engine.generate import SeededChoice
from tests.engine.reference import ReferenceEngine

DOMAIN = domain_of(31337, 0x1234)
CUSTODY_ADDRESS = 0xC057
REGISTRY = 2
ACCOUNTS = range(8)
FEE_KEY_INDEX = 1

Event = list[Any]


@cache
def custodial_key(number: int) -> PrivateKey:
    """The key that the exchange holds for an account, by its L2 number."""
    return PrivateKey(bytes([1, number]) * 16)


@cache
def own_key(account: int) -> PrivateKey:
    """The key that only its user has."""
    return PrivateKey(bytes([2, account]) * 16)


KEYS = {tuple(make(account).public): make(account) for account in ACCOUNTS for make in (custodial_key, own_key)}


class Authority:
    """What the state manager may do, without a chain."""

    def domain(self) -> int:
        return DOMAIN

    def key(self, number: int) -> PrivateKey:
        return custodial_key(number)

    def by_hand(self) -> int:
        return CUSTODY_ADDRESS


class SigningGenerator(ChainGenerator):
    """The chain's random commands; keys are real ones, and what users sign carries their signature of it."""

    def step(self) -> tuple[list[Any], int]:
        command, time_us = super().step()
        if command[0] == "key":
            command = self.with_real_key(command)
        elif command[0].startswith("signed_"):
            command = self.signed(command)
        return command, time_us

    def with_real_key(self, command: list[Any]) -> list[Any]:
        named = fields_of(command)
        account, number = named["account"], named["l2"]
        if account in ACCOUNTS:
            # Numbers are the contract's: it gives none twice, and none beyond the tree.
            number = account
            key = custodial_key(number) if named["custody"] == c.CUSTODIAL else own_key(account)
            named |= {"l2": number, "x": key.public.x, "y": key.public.y}
        return command_of(command, named)

    def signed(self, command: list[Any]) -> list[Any]:
        named = fields_of(command)
        account = named["from"] if command[0] == "signed_transfer" else named["account"]
        registered = self.engine.registered.get(account)
        slot = self.slot_of(command[0], named, registered.l2) if registered else None
        if slot is None:
            return command
        if named.get("leaves") in {4**depth for depth in range(1, 9)}:
            # The edge says how many leaves the trees have; the engine only sees to it that it stays the same.
            named["leaves"] = TINY.orders
        key = KEYS[registered.key]
        try:
            signature = key.sign(message(DOMAIN, slot))
        except (ValueError, OverflowError):  # a field that no engine takes
            return command
        named |= {"x": key.public.x, "y": key.public.y}
        named |= {"r_x": signature.r.x, "r_y": signature.r.y, "s": signature.s}
        return command_of(command, named)

    def slot_of(self, kind: str, named: dict[str, Any], number: int) -> Slot | None:
        if kind == "signed_transfer":
            to = self.engine.registered.get(named["to"])
            return to and Slot(
                TRANSFER, number, (named["asset"], 0), (named["amount"], 0), nonce=named["nonce"], to=to.l2
            )
        if kind == "signed_withdraw":
            tokens, amounts = (named["asset"], 0), (named["amount"], 0)
            return Slot(WITHDRAW, number, tokens, amounts, nonce=named["nonce"], recipient=named["recipient"])
        if kind == "signed_place":
            market, side = self.engine.markets.get(named["market"]), named["side"]
        else:
            order = self.named(named)
            market, side = (order.market, order.side) if order else (None, 0)
        return market and order_slot(number, market.base, market.quote, side, named)


def order_slot(number: int, base: int, quote: int, side: int, signed: dict[str, Any]) -> Slot:
    """A settle as far as its order's signature is about it."""
    terms = SignedOrder(
        signed["id"], BUY if side == c.BUY else SELL, signed["sell_total"], signed["buy_total"],
        signed["valid_until"], signed["max_fee_bps"],
    )  # fmt: skip
    return Slot(SETTLE, number, (quote, base) if side == c.BUY else (base, quote), order=terms)


def fields_of(command: list[Any]) -> dict[str, Any]:
    return dict(zip(c.FIELDS[command[0]], command[2:], strict=True))


def command_of(command: list[Any], named: dict[str, Any]) -> list[Any]:
    return [*command[:2], *(named[name] for name in c.FIELDS[command[0]])]


def opening() -> list[tuple[list[Any], int]]:
    """As the engine's tests begin, with real keys, and one for account 0, so that it can pay fees out."""
    steps = []
    for command, time_us in chain_opening():
        if command[0] == "key":
            named = fields_of(command)
            if named["index"] == FEE_KEY_INDEX:
                steps.append((key_command(index=FEE_KEY_INDEX, account=0), time_us))
            steps.append((key_command(
                index=named["index"] + 1, account=named["account"], custody=named["custody"]
            ), time_us))  # fmt: skip
        elif command[0] == "deposit" and command[2] == REGISTRY:
            steps.append(([*command[:3], command[3] + 1, *command[4:]], time_us))
        else:
            steps.append((command, time_us))
    return steps


def key_command(*, index: int, account: int, custody: int = c.CUSTODIAL) -> list[Any]:
    """A `key` whose number is the account's own."""
    key = custodial_key(account) if custody == c.CUSTODIAL else own_key(account)
    return c.key(
        source=REGISTRY, index=index, account=account, l2=account, custody=custody, x=key.public.x, y=key.public.y
    )  # fmt: skip


@cache
def random_steps(seed: int | str, commands: int) -> tuple[tuple[list[Any], int], ...]:
    """Commands and their times."""
    slow = ReferenceEngine()
    generator = SigningGenerator(SeededChoice(seed), slow)
    steps = opening()
    for command, time_us in steps:
        slow.apply(command, time_us)
    for _ in range(commands):
        steps.append(generator.step())
        slow.apply(*steps[-1])
    return tuple(steps)


class Run:
    """An engine and a state manager beside it; blocks are closed at random, and when they are full."""

    def __init__(self, parameters: Parameters = TINY, *, seed: int | str = 0, close_percent: int = 3) -> None:
        self.engine = Engine()
        self.parameters = parameters
        self.blocks: list[SealedBlock] = []
        self.events: list[tuple[Event, tuple[int, int], int]] = []
        self.manager = self.new_manager(self.blocks.append)
        self._random = random.Random(f"closes {seed}")
        self._close_percent = close_percent

    def new_manager(self, sealed: Callable[[SealedBlock], None]) -> Manager:
        return Manager(Ledger(self.parameters, DOMAIN), Book(), Authority(), number=0, sealed=sealed)

    def apply(self, command: list[Any], time_us: int) -> list[Event]:
        events = self.engine.apply(command, time_us)
        for ordinal, event in enumerate(events):
            if event[0] in KINDS:
                at = (self.engine.sequence, ordinal)
                self.events.append((event, at, time_us))
                self.manager.fold(event, at, time_us)
        if self._random.randrange(100) < self._close_percent:
            self.manager.close()
        return events

    def play(self, steps: tuple[tuple[list[Any], int], ...]) -> "Run":
        for command, time_us in steps:
            self.apply(command, time_us)
        self.manager.close()
        return self

    def engine_totals(self) -> dict[tuple[int, int], int]:
        """available + held of every registered account, by (L2 number, token)."""
        return {
            (self.manager.book.numbers[account], asset): sum(balance)
            for account in self.engine.accounts()
            for asset, balance in self.engine.balances(account).items()
            if sum(balance)
        }

    def tree_totals(self) -> dict[tuple[int, int], int]:
        return totals_of(self.manager.ledger)

    def stored(self) -> list[StoredBlock]:
        return [StoredBlock(block.number, block.last, block.data) for block in self.blocks]


def totals_of(ledger: Ledger) -> dict[tuple[int, int], int]:
    """All balances that are not 0, by (L2 number, token)."""
    return dict(_balances(ledger))


def _balances(ledger: Ledger) -> Iterator[tuple[tuple[int, int], int]]:
    for number, account in ledger.accounts.items():
        for token, amount in account.balances.leaves():
            yield (number, token), amount
