"""A block: slots in order, what must hold over all of them, and the inputs of the circuit."""

from collections import defaultdict
from collections.abc import Container, Sequence
from typing import Any

from rollup.state.field import MODULUS
from rollup.state.ledger import Ledger, SlotRefused, Step, declared_fee, traded
from rollup.state.slots import CREDIT, TIME_BITS, TRANSFER, Slot, words
from rollup.state.tree import Path


def check_block(slots: Sequence[Slot]) -> None:
    """Refuse slots that do not go together: a transfer without its credit, value made or lost in trading."""
    for before, slot in zip([Slot(), *slots], [*slots, Slot()], strict=True):
        if (slot.op == CREDIT) != (before.op == TRANSFER):
            raise SlotRefused("transfer_without_credit")
        if slot.op == CREDIT and (slot.amounts[0], slot.tokens[0], slot.account) != (
            before.amounts[0], before.tokens[0], before.to,
        ):  # fmt: skip
            raise SlotRefused("credit_of_something_else")
    sums: defaultdict[int, int] = defaultdict(int)
    fees: defaultdict[int, int] = defaultdict(int)
    for slot in slots:
        for leg, token in enumerate(slot.tokens):
            sums[token] += traded(slot, leg)
            fees[token] += declared_fee(slot, leg)
    if any(sums.values()):
        raise SlotRefused("not_conserved")
    if any(fees.values()):
        raise SlotRefused("fees_not_credited")


def seal(
    ledger: Ledger, slots: Sequence[Slot], *, number: int, timestamp: int, verified: Container[int] = frozenset()
) -> tuple[list[int], dict[str, Any]]:
    """Apply the slots of a block and give (its data, the circuit's inputs but for gamma).

    The block is filled up with noops. `verified`: places of slots whose signatures are known to be good.
    SlotRefused if it has too many slots, or one that is wrong; the ledger is then as far as the slots went and must be
    thrown away.
    """
    if len(slots) > ledger.parameters.slots:
        raise SlotRefused("too_many_slots")
    if not 0 <= timestamp < 2**TIME_BITS:
        raise SlotRefused("range")
    filled = [*slots, *[Slot()] * (ledger.parameters.slots - len(slots))]
    check_block(filled)
    old_root = ledger.root
    steps = [ledger.apply(slot, timestamp, is_verified=place in verified) for place, slot in enumerate(filled)]
    data = [ledger.domain, old_root, ledger.root, timestamp, number]
    for slot in filled:
        data += words(slot)
    return data, {
        "domain": ledger.domain, "oldRoot": old_root, "newRoot": ledger.root, "timestamp": timestamp,
        "number": number, **slot_inputs(filled, steps),
    }  # fmt: skip


def evaluation(data: Sequence[int], gamma: int) -> int:
    """E, the polynomial of the data at gamma: the sum of d_i · gamma^(n - i)."""
    total = 0
    for word in data:
        total = (total + word) * gamma % MODULUS
    return total


def slot_inputs(slots: Sequence[Slot], steps: Sequence[Step]) -> dict[str, list[Any]]:
    """The circuit's inputs for its slots, by the names of its signals."""
    pairs = list(zip(slots, steps, strict=True))
    return {
        "is": [[int(slot.op == op) for op in range(10)] for slot in slots],
        "account": [slot.account for slot in slots],
        "token": [list(slot.tokens) for slot in slots],
        "amount": [list(slot.amounts) for slot in slots],
        "isCredit": [list(slot.credits) for slot in slots],
        "feeOrSellTotal": [slot.fee_or_sell_total for slot in slots],
        "fee": [slot.fees[1] for slot in slots],
        "id": [slot.id for slot in slots],
        "side": [slot.side for slot in slots],
        "buyTotal": [slot.order.buy_total if slot.order else 0 for slot in slots],
        "validUntil": [slot.order.valid_until if slot.order else 0 for slot in slots],
        "maxFeeBps": [slot.order.max_fee_bps if slot.order else 0 for slot in slots],
        "to": [slot.to for slot in slots],
        "recipient": [slot.recipient for slot in slots],
        "newKey": [list(slot.new_key) for slot in slots],
        "r": [list(slot.signature.r) for slot in slots],
        "s": [slot.signature.s for slot in slots],
        "key": [list(step.key) for step in steps],
        "nonce": [step.nonce for step in steps],
        "balance": [list(step.balances) for step in steps],
        "oldId": [step.order[0] for step in steps],
        "oldFilled": [step.order[1] for step in steps],
        "accountPath": [siblings(slot.account, step.account_path) for slot, step in pairs],
        "tokenPath": [
            [siblings(token, path) for token, path in zip(slot.tokens, step.token_paths, strict=True)]
            for slot, step in pairs
        ],
        "orderPath": [siblings(slot.id, step.order_path) for slot, step in pairs],
    }


def siblings(index: int, path: Path) -> list[list[int]]:
    """A path as the circuit takes it: the other one of the node's pair, then the other pair."""
    levels = []
    for children in path:
        place = index % 4
        other = 2 - place // 2 * 2
        levels.append([children[place ^ 1], children[other], children[other + 1]])
        index //= 4
    return levels
