"""A prover who keeps to no rule: from any slots it makes the inputs that are right but for the rules they break.

So a test that the circuit refuses something shows that the very rule does, not that a root did not fit. Independent of
the oracle (rollup.state.ledger), which refuses such slots. Numbers are the field's: a balance below zero is a huge one.
"""

from collections.abc import Sequence
from typing import Any

from rollup.state.blocks import slot_inputs
from rollup.state.field import MODULUS
from rollup.state.ledger import L2Account, Ledger, Step
from rollup.state.slots import CREDIT, DEPOSIT, FEE, NET, SET_KEY, SETTLE, WITH_NONCE, Slot, words

GAMMA = 777


def forge(
    ledger: Ledger, slots: Sequence[Slot], *, number: int = 1, timestamp: int
) -> tuple[list[int], dict[str, Any]]:
    """What seal() gives, whatever the slots are; gamma is among the inputs. The ledger is changed."""
    filled = [*slots, *[Slot()] * (ledger.parameters.slots - len(slots))]
    old_root = ledger.root
    steps = [apply(ledger, slot) for slot in filled]
    data = [ledger.domain, old_root, ledger.root, timestamp, number]
    for slot in filled:
        data += [word % MODULUS for word in words(slot)]
    return data, {
        "domain": ledger.domain, "oldRoot": old_root, "newRoot": ledger.root, "timestamp": timestamp, "number": number,
        "gamma": GAMMA, **{name: _field(value) for name, value in slot_inputs(filled, steps).items()},
    }  # fmt: skip


def apply(ledger: Ledger, slot: Slot) -> Step:
    """Change an account by the formulas alone. An account or token beyond the trees changes the one it wraps to."""
    parameters = ledger.parameters
    number = slot.account % parameters.accounts
    account = ledger.accounts.setdefault(number, blank(ledger))
    places = [token % parameters.tokens for token in slot.tokens]
    befores, paths = [], []
    for leg, place in enumerate(places):
        befores.append(account.balances.get(place))
        paths.append(account.balances.path(place))
        account.balances.put(place, (befores[leg] + _change(slot, leg)) % MODULUS)
    leaf = slot.id % parameters.orders
    old_id, old_filled = divmod(account.orders.get(leaf), 2**96)
    step = Step(
        account.key, account.nonce, (befores[0], befores[1]), (old_id, old_filled), ledger.tree.path(number),
        (paths[0], paths[1]), account.orders.path(leaf),
    )  # fmt: skip
    if slot.op == SETTLE:
        counted = slot.amounts[0] + slot.side * (slot.amounts[1] - slot.amounts[0])
        filled = counted + (old_filled if slot.id == old_id else 0)
        account.orders.put(leaf, (slot.id * 2**96 + filled) % MODULUS)
    if slot.op == SET_KEY:
        account.key, account.nonce = slot.new_key, slot.nonce
    if slot.op in WITH_NONCE:
        account.nonce += 1
    ledger.tree.put(number, account.leaf())
    return step


def blank(ledger: Ledger) -> L2Account:
    """An account that was never touched."""
    return Ledger(ledger.parameters, ledger.domain).account(0)


def _change(slot: Slot, leg: int) -> int:
    amount = slot.amounts[leg]
    if slot.op == NET:
        moved = (2 * slot.credits[leg] - 1) * amount
    elif leg == 1:
        moved = amount if slot.op in (SETTLE, FEE) else 0
    else:
        moved = amount if slot.op in (FEE, CREDIT, DEPOSIT) else 0 if slot.op in (0, SET_KEY) else -amount
    fee = slot.fees[leg] if leg == 1 or slot.op == NET else 0
    return moved - fee


def _field(value: Any) -> Any:
    return [_field(part) for part in value] if isinstance(value, list) else value % MODULUS
