"""Events as a journal would have them, written by hand for one state manager. Accounts are their L2 numbers."""

from typing import Any

from rollup.state.babyjubjub import Point
from rollup.state.book import Book
from rollup.state.ledger import Ledger
from rollup.state.manager import Manager, SealedBlock, StoredBlock
from rollup.state.parameters import TINY, Parameters
from rollup.state.slots import BUY, SELL, SETTLE, TRANSFER, WITHDRAW, SignedOrder, Slot, message
from tests.rollup.journals import DOMAIN, Authority, custodial_key, own_key, totals_of

# Market 1 trades token 1 for token 2, market 2 token 3 for token 2.
MARKETS = {1: (1, 2), 2: (3, 2)}
TIME_US = 1_000_000_000
VALID_UNTIL = 2_000
FUNDS = 10**6


class Tape:
    """A state manager, told one event after the other; each is of a command of its own unless `same_command`."""

    def __init__(self, *, custodial: tuple[int, ...] = (), own: tuple[int, ...] = (), slots: int = TINY.slots) -> None:
        self.parameters: Parameters = TINY._replace(slots=slots)
        self.blocks: list[SealedBlock] = []
        self.events: list[tuple[list[Any], tuple[int, int]]] = []
        self.authority = Authority()
        self.manager = self.new_manager(self.blocks.append)
        self._orders = self._entries = 0
        for market, (base, quote) in MARKETS.items():
            self.tell("market", market, f"M{market}", base, quote)
        self.key(0)
        for account in custodial:
            self.key(account)
        for account in own:
            self.key(account, custody=0)
        for account in (*custodial, *own):
            for token in (1, 2, 3):
                self.deposit(account, token, FUNDS)
        self.manager.close()
        self.blocks.clear()

    def new_manager(self, sealed: Any) -> Manager:
        return Manager(Ledger(self.parameters, DOMAIN), Book(), self.authority, number=0, sealed=sealed)

    def tell(self, *event: Any, same_command: bool = False) -> None:
        sequence, ordinal = self.events[-1][1] if self.events else (0, 0)
        at = (sequence, ordinal + 1) if same_command else (sequence + 1, 0)
        self.events.append((list(event), at))
        self.manager.fold(list(event), at, TIME_US)

    def close(self) -> list[Slot]:
        """Seal what is open; its slots."""
        block = self.manager.close()
        return block.slots if block else []

    def next_entry(self) -> int:
        self._entries += 1
        return self._entries

    # ---- what may happen

    def key(self, account: int, *, custody: int = 1, key: Point | None = None) -> None:
        key = key or (custodial_key(account) if custody else own_key(account)).public
        self.tell("key", 2, self.next_entry(), account, account, custody, *key)

    def deposit(self, account: int, token: int, amount: int) -> None:
        self.tell("deposit", 2, self.next_entry(), account, token, amount)

    def exit(self, account: int, token: int) -> None:
        self.tell("exit", 2, self.next_entry(), account, token, self.total(account, token))

    def transfer(self, giver: int, receiver: int, token: int, amount: int, *, nonce: int | None = None) -> None:
        slot = Slot(TRANSFER, giver, (token, 0), (amount, 0), to=receiver)
        is_second = self._sign(slot, nonce)
        self.tell("transfer", 1, giver, receiver, token, amount, same_command=is_second)

    def withdraw(
        self, account: int, token: int, amount: int, *, recipient: int = 7, nonce: int | None = None
    ) -> None:  # fmt: skip
        is_second = self._sign(Slot(WITHDRAW, account, (token, 0), (amount, 0), recipient=recipient), nonce)
        self.tell("complete", 1, account, token, amount, recipient, same_command=is_second)

    def _sign(self, slot: Slot, nonce: int | None) -> bool:
        if nonce is None:
            return False
        signed = Slot(
            slot.op, slot.account, slot.tokens, slot.amounts, to=slot.to, recipient=slot.recipient, nonce=nonce
        )
        (r_x, r_y), s = own_key(slot.account).sign(message(DOMAIN, signed))
        self.tell("signature", nonce, r_x, r_y, s)
        return True

    def order(
        self, account: int, side: int, size: int, price: int, *, market: int = 1, order: int = 0, id: int = 0,
        fee_bps: int = 100,
    ) -> int:  # fmt: skip
        """A signed order, or new terms of one: `size` of the base token at `price` of the quote token each."""
        if not order:
            self._orders += 1
            order, id = self._orders, id or self._orders
        base, quote = MARKETS[market]
        tokens, totals = ((base, quote), (size, size * price))
        if side == BUY:
            tokens, totals = tokens[::-1], totals[::-1]
        terms = SignedOrder(id, side, *totals, VALID_UNTIL, fee_bps)
        (r_x, r_y), s = own_key(account).sign(message(DOMAIN, Slot(SETTLE, account, tokens, order=terms)))
        self.tell(
            "signed", order, account, market, int(side == SELL), self.parameters.orders, id, *totals, VALID_UNTIL,
            fee_bps, r_x, r_y, s,
        )  # fmt: skip
        return order

    def trade(
        self, seller: int, buyer: int, size: int, price: int, *, market: int = 1, orders: tuple[int, int] = (0, 0),
        fees: tuple[int, int] = (0, 0), same_command: bool = False, remaining: int = 1,
    ) -> None:  # fmt: skip
        """The seller is the maker. `orders`, `fees`: of seller and buyer; the seller's fee is of the quote token."""
        self.tell(
            "trade", 1, market, price, size, size, size * price, 0, orders[1], buyer, orders[0], seller, fees[1],
            fees[0], remaining, same_command=same_command,
        )  # fmt: skip

    # ---- what is there

    def total(self, account: int, token: int) -> int:
        return self.manager.book.totals.get((account, token), 0)

    def balance(self, account: int, token: int) -> int:
        """In the tree."""
        return totals_of(self.manager.ledger).get((account, token), 0)

    def stored(self, blocks: list[SealedBlock]) -> list[StoredBlock]:
        return [StoredBlock(block.number, block.last, block.data) for block in blocks]
