"""The state manager: events into slots, signed and applied to the trees, with the circuit's inputs; one core.

Trees and blocks of `dev`, no database. Times are of the processor.
"""

import time
from collections.abc import Callable, Iterator
from functools import cache
from random import Random
from typing import Any

from rollup.state.book import Book
from rollup.state.eddsa import PrivateKey
from rollup.state.field import poseidon
from rollup.state.ledger import Ledger
from rollup.state.manager import Manager, SealedBlock, StoredBlock
from rollup.state.parameters import DEV, FULL, Parameters
from rollup.state.records import read_state, write_state
from rollup.state.slots import BUY, SELL, SETTLE, SignedOrder, Slot, domain_of, message

Row = tuple[str, str, str]
Event = list[Any]

DOMAIN = domain_of(31337, 0x1234)
BASE, QUOTE = 1, 2
FUNDS = 10**20
LOTS, PRICE = 10**6, 3
TIME_US = 1_700_000_000_000_000
VALID_UNTIL = 2**40 - 1


@cache
def key(number: int) -> PrivateKey:
    return PrivateKey(number.to_bytes(32, "big"))


class Authority:
    """Keys of all accounts, and a contract that there is none of."""

    def domain(self) -> int:
        return DOMAIN

    def key(self, number: int) -> PrivateKey:
        return key(number)

    def by_hand(self) -> int:
        return 1


class Exchange:
    """A state manager and the events that reach it, each of a command of its own."""

    def __init__(self, accounts: int, *, custody: int, parameters: Parameters = DEV) -> None:
        self.blocks: list[SealedBlock] = []
        self.events: list[Event] = []
        self.manager = Manager(Ledger(parameters, DOMAIN), Book(), Authority(), number=0, sealed=self.blocks.append)
        self._trades = self._orders = 0
        self.accounts = range(1, accounts + 1)
        self.tell(["market", 1, "M", BASE, QUOTE])
        index = 0
        for account in (0, *self.accounts):
            index += 1
            self.tell(["key", 2, index, account, account, 1 if account == 0 else custody, *key(account).public])
            for token in (BASE, QUOTE) if account else ():
                index += 1
                self.tell(["deposit", 2, index, account, token, FUNDS])
        self.manager.close()

    def tell(self, event: Event) -> None:
        self.events.append(event)
        self.manager.fold(event, (len(self.events), 0), TIME_US)

    def trade(self, seller: int, buyer: int, *, sold_by: int = 0, bought_by: int = 0) -> None:
        """The seller is the maker; order ids as the journal has them, 0 for orders that nobody signed."""
        self._trades += 1
        self.tell([
            "trade", self._trades, 1, PRICE, LOTS, LOTS, LOTS * PRICE, 0, bought_by, buyer, sold_by, seller,
            LOTS // 1000, LOTS * PRICE // 2000, 1,
        ])  # fmt: skip

    def order(self, account: int, side: int, fills: int) -> Event:
        """An order of so many fills that the account's owner signs: its event, with its number first after the kind."""
        self._orders += 1
        base, quote = LOTS * fills, LOTS * PRICE * fills
        tokens, totals = ((BASE, QUOTE), (base, quote)) if side == SELL else ((QUOTE, BASE), (quote, base))
        terms = SignedOrder(self._orders, side, *totals, VALID_UNTIL, 100)
        (r_x, r_y), s = key(account).sign(message(DOMAIN, Slot(SETTLE, account, tokens, order=terms)))
        terms_as_told = [terms.id, *totals, VALID_UNTIL, 100, r_x, r_y, s]
        return ["signed", self._orders, account, 1, 1 if side == SELL else 0, DEV.orders, *terms_as_told]

    def slots(self) -> int:
        """Slots of all blocks so far."""
        return sum(len(block.slots) for block in self.blocks)


def run() -> list[Row]:
    """The figures."""
    return [*_hashes(), *_custodial(), *_self_custody(), *_by_trades(), *_checkpoints()]


def seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _hashes() -> Iterator[Row]:
    count = 5_000
    taken = seconds(lambda: [poseidon(number, 2, 3, 4) for number in range(count)])
    yield "Poseidon of 4", f"{taken / count * 1e6:.0f} µs", ""
    signer = key(1)
    taken = seconds(lambda: [signer.sign(number) for number in range(300)])
    yield "signature made", f"{taken / 300 * 1e3:.2f} ms", ""


def _custodial() -> Iterator[Row]:
    exchange, random = Exchange(60, custody=1), Random(1)
    pairs = [random.sample(exchange.accounts, 2) for _ in range(1_200)]
    before, blocks = exchange.slots(), len(exchange.blocks)
    taken = seconds(lambda: [exchange.trade(*pair) for pair in pairs])
    slots = exchange.slots() - before
    yield "net slots/s: 60 custodial accounts trade", f"{slots / taken:,.0f}", ">= 200"
    yield "a full block of them", f"{taken / (len(exchange.blocks) - blocks) * 1e3:.0f} ms", ""
    stored = [StoredBlock(block.number, block.last, block.data) for block in exchange.blocks]
    again = Manager(Ledger(DEV, 0), Book(), Authority(), number=0, sealed=_none_expected)
    again.expect(stored)

    def replay() -> None:
        for sequence, event in enumerate(exchange.events, 1):
            if (sequence, 0) <= stored[-1].last:
                again.fold(event, (sequence, 0), TIME_US)
        again.end_replay()

    taken = seconds(replay)
    assert again.number == len(stored)
    yield "the same replayed from stored blocks, slots/s", f"{exchange.slots() / taken:,.0f}", ""


def _none_expected(block: SealedBlock) -> None:
    raise AssertionError(f"block {block.number} is new")


def _self_custody() -> Iterator[Row]:
    exchange = Exchange(60, custody=0)
    sellers = [*exchange.accounts] * 6
    pairs = [
        (seller, exchange.order(seller, SELL, 1), buyer, exchange.order(buyer, BUY, 1))
        for seller, buyer in zip(sellers, reversed(sellers), strict=True)
    ]
    before = exchange.slots()

    def settle() -> None:
        for seller, sale, buyer, purchase in pairs:
            exchange.tell(sale)
            exchange.tell(purchase)
            exchange.trade(seller, buyer, sold_by=sale[1], bought_by=purchase[1])
        exchange.manager.close()

    taken = seconds(settle)
    yield "settle slots/s: signatures of users verified", f"{(exchange.slots() - before) / taken:,.0f}", ">= 200"


def _by_trades() -> Iterator[Row]:
    for trades in (10, 100, 1_000, 10_000):
        exchange, random = Exchange(6, custody=1), Random(1)
        pairs = [random.sample(exchange.accounts, 2) for _ in range(trades)]
        before = exchange.slots()

        def all_of_them(exchange: Exchange = exchange, pairs: list[list[int]] = pairs) -> None:
            for pair in pairs:
                exchange.trade(*pair)
            exchange.manager.close()

        taken = seconds(all_of_them)
        slots = exchange.slots() - before
        block = exchange.blocks[-1]
        assert block.trades == trades
        yield (
            f"{trades:,} trades between 6 accounts, one block",
            f"{slots} slots, {trades / slots:,.1f} trades a slot, {taken * 1e3:.0f} ms", "",
        )  # fmt: skip
    yield _one_maker_order()


def _one_maker_order() -> Row:
    exchange, fills = Exchange(6, custody=0), 1_000
    sale, purchase = exchange.order(1, SELL, fills), exchange.order(2, BUY, fills)
    exchange.tell(sale)
    exchange.tell(purchase)
    for _ in range(fills):
        exchange.trade(1, 2, sold_by=sale[1], bought_by=purchase[1])
    block = exchange.manager.close()
    assert block is not None
    makers = [slot for slot in block.slots if slot.account == 1]
    return "1,000 fills of one maker order", f"{len(makers)} slot", "1 slot"


def _checkpoints() -> Iterator[Row]:
    for parameters, accounts in ((DEV, DEV.accounts - 1), (FULL, FULL.accounts - 1)):
        ledger, book = Ledger(parameters, 0), Book()
        for number in range(1, accounts + 1):
            account = ledger.blank()
            account.balances.put_all([(BASE, 10**10 + number), (QUOTE, 10**12 + number)])
            ledger.accounts[number] = account
            book.numbers[number] = number
        ledger.tree.put_all((number, account.leaf()) for number, account in ledger.accounts.items())
        made: list[bytes] = []
        write_s = seconds(lambda made=made, ledger=ledger, book=book: made.append(write_state(ledger, book)))
        read_s = seconds(lambda made=made, parameters=parameters: read_state(made[0], parameters, 0)[0].root)
        yield (
            f"checkpoint of {accounts:,} accounts ({parameters.name})",
            f"{len(made[0]) / 1e6:.1f} MB, written in {write_s * 1e3:.0f} ms, read in {read_s:.1f} s", "",
        )  # fmt: skip
