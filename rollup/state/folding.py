"""Journal events folded into the open block, one after the other, and into the book.

Field lists of the events: docs/protocol.md sections 3 and 11.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from rollup.state.babyjubjub import Point
from rollup.state.book import CUSTODY_OURS, AcceptedOrder, Book, Market, Position, StateWrong
from rollup.state.eddsa import Signature
from rollup.state.netting import MAX_AMOUNT, OpenBlock, Side
from rollup.state.parameters import Parameters
from rollup.state.slots import (  # fmt: skip
    BUY,
    CREDIT,
    DEPOSIT,
    FEE_ACCOUNT,
    FORCED_EXIT,
    SELL,
    SET_KEY,
    TRANSFER,
    WITHDRAW,
    SignedOrder,
    Slot,
)

SECOND_US = 1_000_000
# A set_key gives its account a nonce that no signature of before has: the entry's index times this.
NONCES_OF_A_KEY = 2**32

BEFORE_REGISTRY: Final = frozenset({"market", "key"})
# A token and how many atoms of it.
Amount = tuple[int, int]


class Folding:
    """The book and the open block, as they are after the last event folded.

    `close` is called when the next event has no place in the open block; it must empty it (`start_block`).
    """

    def __init__(self, parameters: Parameters, book: Book, close: Callable[[], None]) -> None:
        self.parameters = parameters
        self.book = book
        self.position: Position = (0, 0)
        self.block = OpenBlock(parameters.slots)
        self._close = close
        # The event at hand.
        self._next: Position = (0, 0)
        self._time_us = 0
        # Of the command at hand: what its account signed for the transfer or withdrawal that follows.
        self._signature: tuple[int, int, Signature] | None = None

    def fold(self, event: Sequence[Any], position: Position, time_us: int) -> None:
        """Take one event of a kind of KINDS, in the journal's order. StateWrong when it cannot be."""
        self._time_us = time_us
        self._next = position
        # Before the first account was registered there was no rollup, and the engine saw to it that nothing was left.
        if self.book.source is None and event[0] not in BEFORE_REGISTRY:
            self.book.trades += event[0] == "trade"
            return
        _HANDLERS[event[0]](self, event)
        # A signature belongs to the event after it: a block that closes in between leaves both to the next one.
        if event[0] != "signature":
            self.position = position

    def start_block(self) -> None:
        """Begin an empty one; what was open has become slots of the block before."""
        self.block = OpenBlock(self.parameters.slots)

    # ---- what the block is told

    def _enter_block(self) -> None:
        # The first event that changes something gives a block its time.
        if self.block.is_empty:
            self.block.first = self._next
            self.block.time_us = self._time_us

    def _append(self, *slots: Slot) -> None:
        if not self.block.has_room(len(slots)):
            self._close()
        if not self.block.has_room(len(slots)):
            raise StateWrong("beyond_capacity", f"{len(slots)} slots have no place in an empty block")
        self._enter_block()
        self.block.append(*slots)

    def _token(self, asset: int) -> int:
        if not 0 < asset < self.parameters.tokens:
            raise StateWrong(
                "token_out_of_range",
                f"asset {asset} is none of the tokens 1 … {self.parameters.tokens - 1} that the trees have",
            )
        return asset

    # ---- the events

    def _market(self, event: Sequence[Any]) -> None:
        _, market, _, base, quote, *_ = event
        self.book.markets[market] = Market(base, quote)

    def _key(self, event: Sequence[Any]) -> None:
        _, source, index, account, number, custody, x, y = event
        if self.book.source is None:
            self.book.source = source
        self._check_entry(source, index)
        if not 0 <= number < self.parameters.accounts:
            raise StateWrong("account_out_of_range", f"the trees have no account {number}")
        self._append_entry(index, Slot(SET_KEY, number, new_key=Point(x, y), nonce=index * NONCES_OF_A_KEY))
        self.book.numbers[account] = number
        if custody == CUSTODY_OURS:
            self.book.self_custody.discard(number)
        else:
            self.book.self_custody.add(number)

    def _deposit(self, event: Sequence[Any]) -> None:
        _, source, index, account, asset, amount = event
        self._check_entry(source, index)
        number, token = self.book.number_of(account), self._token(asset)
        self._append_entry(index, Slot(DEPOSIT, number, (token, 0), (amount, 0)))
        self.book.move(number, token, amount)
        self.book.enter(token, amount)

    def _exit(self, event: Sequence[Any]) -> None:
        _, source, index, account, asset, amount = event
        self._check_entry(source, index)
        number, token = self.book.number_of(account), self._token(asset)
        self._append_entry(index, Slot(FORCED_EXIT, number, (token, 0), (amount, 0)))
        self.book.move(number, token, -amount)
        self.book.enter(token, -amount)

    def _check_entry(self, source: int, index: int) -> None:
        if source != self.book.source:
            raise StateWrong("foreign_deposit", f"number {index} of source {source}, which is not the L1 queue")
        if index != self.book.last_entry + 1:
            raise StateWrong("queue_gap", f"entry {index} of the L1 queue came after entry {self.book.last_entry}")

    def _append_entry(self, index: int, slot: Slot) -> None:
        self._append(slot)
        self.block.consume(index)
        self.book.last_entry = index

    def _complete(self, event: Sequence[Any]) -> None:
        _, _, account, asset, amount, recipient = event
        number, token = self.book.number_of(account), self._token(asset)
        nonce, signature = self._authority(number)
        tokens, amounts = (token, 0), (amount, 0)
        self._append(Slot(WITHDRAW, number, tokens, amounts, recipient=recipient, nonce=nonce, signature=signature))
        self.book.move(number, token, -amount)
        self.book.enter(token, -amount)

    def _transfer(self, event: Sequence[Any]) -> None:
        _, _, giver, receiver, asset, amount = event
        from_number, to_number = self.book.number_of(giver), self.book.number_of(receiver)
        token = self._token(asset)
        nonce, signature = self._authority(from_number)
        tokens, amounts = (token, 0), (amount, 0)
        self._append(
            Slot(TRANSFER, from_number, tokens, amounts, to=to_number, nonce=nonce, signature=signature),
            Slot(CREDIT, to_number, tokens, amounts),
        )
        self.book.move(from_number, token, -amount)
        self.book.move(to_number, token, amount)

    def _signature_of(self, event: Sequence[Any]) -> None:
        _, nonce, r_x, r_y, s = event
        self._signature = self._next[0], nonce, Signature(Point(r_x, r_y), s)

    def _authority(self, number: int) -> tuple[int, Signature]:
        # The nonce and signature that came with this command; none for custodial accounts, which are signed for later.
        given, self._signature = self._signature, None
        if number not in self.book.self_custody:
            return 0, Slot().signature
        if given is None or given[0] != self._next[0]:
            raise StateWrong("signature_missing", f"account {number} holds its own key and has not signed")
        return given[1], given[2]

    def _signed(self, event: Sequence[Any]) -> None:
        (_, order, account, market, side, leaves, order_id, sell_total, buy_total, valid_until, max_fee_bps, r_x, r_y,
         s) = event  # fmt: skip
        number = self.book.number_of(account)
        if leaves != self.parameters.orders:
            raise StateWrong("wrong_order_leaves", f"order {order}: {leaves}, the trees have {self.parameters.orders}")
        # Fills under the old terms must not be judged, nor paid for, by the new ones.
        if self.block.is_settling(number, order):
            self.block.flush(number)
        base, quote = self._market_of(market)
        buys = side == 0
        self.book.orders[order] = AcceptedOrder(
            number=number,
            sells=quote if buys else base,
            buys=base if buys else quote,
            order=SignedOrder(order_id, BUY if buys else SELL, sell_total, buy_total, valid_until, max_fee_bps),
            signature=Signature(Point(r_x, r_y), s),
            rank=self._next,
        )

    def _done(self, event: Sequence[Any]) -> None:
        self.book.orders.pop(event[1], None)

    def _trade(self, event: Sequence[Any]) -> None:
        (_, _, market, _, _, base_atoms, quote_atoms, taker_side, taker_order, taker, maker_order, maker, taker_fee,
         maker_fee, maker_remaining) = event  # fmt: skip
        base, quote = (self._token(asset) for asset in self._market_of(market))
        given, taken = (base, base_atoms), (quote, quote_atoms)
        if taker_side == 0:
            given, taken = taken, given
        sides = (
            self._side(taker, taker_order, sells=given, buys=taken, fee=taker_fee),
            self._side(maker, maker_order, sells=taken, buys=given, fee=maker_fee),
        )
        for side in sides:
            self._flush_before_overflow(side)
        if not self.block.has_room_for_trade(sides):
            self._close()
        if not self.block.has_room_for_trade(sides):
            raise StateWrong("beyond_capacity", "a trade has no place in an empty block")
        self._enter_block()
        self.book.trades += 1
        self.block.trade(sides, self.book.trades)
        for side in sides:
            self.book.move(side.number, side.sells, -side.debit)
            self.book.move(side.number, side.buys, side.gross - side.fee)
            self.book.move(FEE_ACCOUNT, side.buys, side.fee)
        if maker_remaining == 0:
            self.book.orders.pop(maker_order, None)

    def _flush_before_overflow(self, side: Side) -> None:
        # What a self-custody account bought and sold again, by orders accepted later, the tree holds for a while.
        if side.order is None:
            return
        most = self.book.total(side.number, side.buys) + self.block.given_meanwhile(side.number, side.buys) + side.gross
        if most > MAX_AMOUNT:
            self.block.flush(side.number)

    def _side(self, account: int, order_id: int, *, sells: Amount, buys: Amount, fee: int) -> Side:
        number = self.book.number_of(account)
        order = self.book.orders.get(order_id)
        if order is None and number in self.book.self_custody:
            raise StateWrong("unsigned_trade", f"order {order_id} of account {number}, which holds its own key")
        return Side(number, *sells, *buys, fee, order_id, order)

    def _market_of(self, market: int) -> Market:
        known = self.book.markets.get(market)
        if known is None:
            raise StateWrong("unknown_market", f"market {market}")
        return known


_HANDLERS: Final[dict[str, Callable[[Folding, Sequence[Any]], None]]] = {
    "market": Folding._market, "key": Folding._key, "signed": Folding._signed, "done": Folding._done,
    "trade": Folding._trade, "deposit": Folding._deposit, "exit": Folding._exit, "signature": Folding._signature_of,
    "complete": Folding._complete, "transfer": Folding._transfer,
}  # fmt: skip
# The kinds of events that matter here; all others move nothing from one account to another.
KINDS: Final = frozenset(_HANDLERS)
