"""Slots and the whole state as they are stored: JSON with numbers beyond 64 bits as decimal strings.

A checkpoint has leaves only: accounts with their hashes. The tree of accounts is hashed anew when it is read, so its
root is computed, not believed; an account is compared with its hash when it is first used.
"""

import json
import zlib
from collections.abc import Iterable
from typing import Any, Final

from rollup.state.babyjubjub import Point
from rollup.state.book import AcceptedOrder, Book, Market
from rollup.state.eddsa import Signature
from rollup.state.ledger import L2Account, Ledger
from rollup.state.parameters import Parameters
from rollup.state.slots import NO_KEY, OPERATIONS, SET_KEY, WITH_NONCE, SignedOrder, Slot

FORMAT: Final = 2
# Without the accounts' hashes.
OLD_FORMATS: Final = (1,)


def slot_record(slot: Slot) -> dict[str, Any]:
    """A slot for people and programs to read: only the fields that its operation has."""
    record: dict[str, Any] = {"op": OPERATIONS[slot.op], "account": slot.account}
    legs = 2 if any((slot.amounts[1], slot.tokens[1], slot.fees[1])) else 1
    if slot.op != SET_KEY:
        record["tokens"] = list(slot.tokens[:legs])
        record["amounts"] = [str(amount) for amount in slot.amounts[:legs]]
    if any(slot.credits):
        record["credits"] = list(slot.credits[:legs])
    if any(slot.fees):
        record["fees"] = [str(fee) for fee in slot.fees[:legs]]
    if slot.order:
        record["order"] = _strings(slot.order)
    if slot.op in WITH_NONCE or slot.op == SET_KEY:
        record["nonce"] = str(slot.nonce)
    if slot.to:
        record["to"] = slot.to
    if slot.recipient:
        record["recipient"] = f"0x{slot.recipient:040x}"
    if slot.new_key != NO_KEY:
        record["key"] = _strings(slot.new_key)
    if slot.signature.s:
        record["signature"] = _strings([*slot.signature.r, slot.signature.s])
    return record


def write_state(ledger: Ledger, book: Book) -> bytes:
    """The state after a block. Nothing is open then, so totals are the balances in the trees and are not kept."""
    document = {
        "format": FORMAT,
        "accounts": [
            [*_account_record(number, ledger.accounts[number]), str(ledger.tree.get(number))]
            for number in sorted(ledger.accounts)
        ],
        "markets": sorted([market, *tokens] for market, tokens in book.markets.items()),
        "numbers": sorted(book.numbers.items()),
        "self_custody": sorted(book.self_custody),
        "orders": [_order_record(order_id, book.orders[order_id]) for order_id in sorted(book.orders)],
        "supply": [[token, str(amount)] for token, amount in sorted(book.supply.items())],
        "trades": book.trades,
        "source": book.source,
        "last_entry": book.last_entry,
    }
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode())


def read_state(state: bytes, parameters: Parameters, domain: int) -> tuple[Ledger, Book]:
    """What `write_state` wrote. ValueError for another format; what does not fit the parameters raises too."""
    document = json.loads(zlib.decompress(state))
    if document["format"] not in (FORMAT, *OLD_FORMATS):
        raise ValueError(f"format {document['format']} of a checkpoint")
    ledger = Ledger(parameters, domain)
    for number, *fields in document["accounts"]:
        account = ledger.accounts[number] = _read_account(ledger, fields[:5])
        ledger.tree.load([(number, int(fields[5]) if fields[5:] else account.leaf())])
        ledger.loaded.add(number)
    book = Book(
        markets={market: Market(base, quote) for market, base, quote in document["markets"]},
        numbers=dict(document["numbers"]),
        self_custody=set(document["self_custody"]),
        orders=dict(_read_order(record) for record in document["orders"]),
        supply={token: int(amount) for token, amount in document["supply"]},
        trades=document["trades"],
        source=document["source"],
        last_entry=document["last_entry"],
    )
    for number, account in ledger.accounts.items():
        for token, amount in account.balances.leaves():
            book.totals[number, token] = amount
    return ledger, book


def _account_record(number: int, account: L2Account) -> list[Any]:
    return [
        number, str(account.key.x), str(account.key.y), str(account.nonce), _pairs(account.balances.leaves()),
        _pairs(account.orders.leaves()),
    ]  # fmt: skip


def _read_account(ledger: Ledger, fields: list[Any]) -> L2Account:
    x, y, nonce, balances, orders = fields
    account = ledger.blank()
    account.key, account.nonce = Point(int(x), int(y)), int(nonce)
    account.balances.load((token, int(amount)) for token, amount in balances)
    account.orders.load((place, int(leaf)) for place, leaf in orders)
    return account


def _order_record(order_id: int, one: AcceptedOrder) -> list[Any]:
    signature = _strings([*one.signature.r, one.signature.s])
    return [order_id, one.number, one.sells, one.buys, _strings(one.order), signature, list(one.rank)]


def _read_order(record: list[Any]) -> tuple[int, AcceptedOrder]:
    order_id, number, sells, buys, order, (r_x, r_y, s), (sequence, ordinal) = record
    return order_id, AcceptedOrder(
        number, sells, buys, SignedOrder(*map(int, order)), Signature(Point(int(r_x), int(r_y)), int(s)),
        (sequence, ordinal),
    )  # fmt: skip


def _pairs(leaves: Iterable[tuple[int, int]]) -> list[list[Any]]:
    return [[index, str(leaf)] for index, leaf in leaves]


def _strings(numbers: Iterable[int]) -> list[str]:
    return [str(number) for number in numbers]
