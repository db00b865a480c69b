"""The circuit accepts exactly what the plain-integer oracle accepts: blocks from a seed, right ones bent at random."""

from copy import deepcopy
from dataclasses import replace

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from rollup.state.babyjubjub import SUBGROUP_ORDER
from rollup.state.blocks import evaluation, seal
from rollup.state.field import MODULUS
from rollup.state.ledger import SlotRefused
from rollup.state.parameters import TINY
from rollup.state.slots import OPERATIONS, SETTLE, SIGNED, Slot, commitment
from tests.rollup.circuits.forger import GAMMA, forge
from tests.rollup.circuits.test_rules import BROKEN, HONEST
from tests.rollup.circuits.world import ALICE, BOB, KEYS, NONCE, NOW, SALE, TWIN, WEALTH, signed

AMOUNTS = (0, 1, 5, 99, 100, 101, 499, 500, 501, WEALTH, WEALTH + 1, 2**96 - 1, 2**96, -1)
FIELDS = {
    "op": range(len(OPERATIONS)),
    "account": (0, ALICE, BOB, TWIN, 9, TINY.accounts - 1, TINY.accounts),
    "tokens": (0, 1, 2, TINY.tokens - 1, TINY.tokens),
    "amounts": AMOUNTS,
    "credits": (0, 1),
    "fees": (0, 1, 2, 500, 2**96),
    "nonce": (0, 1, NONCE - 1, NONCE, NONCE + 1, NONCE + 2, 2**64 - 1, 2**64),
    "to": (0, ALICE, BOB, TWIN, TINY.accounts, MODULUS - 1),
    "recipient": (0, 1, 0xCAFE, 2**160, MODULUS - 1),
    "id": (0, 1, 6, 7, 8, 11, 2**64 - 1, 2**64),
    "side": (0, 1),
    "sell_total": AMOUNTS,
    "buy_total": AMOUNTS,
    "valid_until": (0, NOW - 1, NOW, NOW + 1, 2**40 - 1, 2**40),
    "max_fee_bps": (0, 1, 19, 20, 10_000, 10_001, 2**14),
    "s": (0, 1, SUBGROUP_ORDER - 1),
}


def bend(slot: Slot, field: str, value: int, leg: int) -> Slot:
    """The slot with one value changed; an order comes and goes with its operation."""
    if field == "op":
        return replace(slot, op=value, order=(slot.order or SALE) if value == SETTLE else None)
    if field in SALE._fields:
        return replace(slot, order=slot.order._replace(**{field: value})) if slot.order else slot
    if field == "s":
        return replace(slot, signature=slot.signature._replace(s=value))
    before = getattr(slot, field)
    if isinstance(before, tuple):
        value = (value, before[1]) if leg == 0 else (before[0], value)
    return replace(slot, **{field: value})


@st.composite
def blocks(draw) -> list[Slot]:
    known = [*HONEST.values(), *[slots for _, slots in BROKEN.values()]]
    slots = list(draw(st.sampled_from(known)))
    slots += draw(st.sampled_from([[], [], [], *HONEST.values()]))
    slots = slots[: TINY.slots]
    for _ in range(draw(st.integers(0, 2)) if slots else 0):
        place = draw(st.integers(0, len(slots) - 1))
        field = draw(st.sampled_from(sorted(FIELDS)))
        slots[place] = bend(slots[place], field, draw(st.sampled_from(FIELDS[field])), draw(st.integers(0, 1)))
    if draw(st.booleans()):
        # Signed anew, so that a bent block is not always refused for its signatures.
        slots = [signed(slot) if slot.op in SIGNED and slot.account in KEYS else slot for slot in slots]
    return slots


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(blocks(), st.sampled_from([NOW - 1, NOW, NOW + 1, 0, 2**40 - 1, 2**40]))
def test_circuit_and_oracle_agree(block_program, block_constraints, ledger, slots, timestamp):
    forged_data, inputs = forge(deepcopy(ledger), slots, timestamp=timestamp)
    witness = block_program.witness(inputs)
    is_accepted = block_constraints.broken(witness) is None
    sealing = deepcopy(ledger)
    try:
        data, honest = seal(sealing, slots, number=1, timestamp=timestamp)
    except SlotRefused as refused:
        event(refused.code)
        assert not is_accepted, f"the oracle refuses it ({refused.code}), the circuit does not"
        return
    event("accepted")
    assert is_accepted, "the oracle accepts it, the circuit does not"
    assert (data, {**honest, "gamma": GAMMA}) == (forged_data, inputs)
    assert witness[1:4] == [commitment(data), evaluation(data, GAMMA), GAMMA]
