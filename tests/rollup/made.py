"""Blocks as the state manager makes them, from slots that a test names."""

import json
import zlib
from collections.abc import Sequence

from django.db import transaction

from rollup import proving
from rollup.models import Block
from rollup.state.binding import commitment
from rollup.state.blocks import seal
from rollup.state.ledger import Ledger
from rollup.state.parameters import TINY
from rollup.state.slots import CREDIT, DEPOSIT, SET_KEY, TRANSFER, Slot, domain_of
from tests.rollup import people
from tests.rollup.people import deposit, signer

CHAIN_ID, CONTRACT = 31337, 0x1234
DOMAIN = domain_of(CHAIN_ID, CONTRACT)
ALICE, BOB = 1, 2
KEYS = {0: bytes([3]) * 32, ALICE: bytes([1]) * 32, BOB: bytes([2]) * 32}


signed = signer(KEYS, DOMAIN)


def set_key(account: int, *, index: int) -> Slot:
    """By the queue's entry `index`, which gives the nonce as well."""
    return people.set_key(KEYS, account, nonce=index << 32)


class Maker:
    """A state manager without a journal: seals slots into rows, each with its task."""

    def __init__(self, domain: int = DOMAIN) -> None:
        self.ledger = Ledger(TINY, domain)
        self.number = 0
        self.entries = 0

    def seal(self, slots: Sequence[Slot], *, time_s: int = 1_000, trades: int = 0) -> Block:
        """The next block, sealed and waiting for its proof."""
        self.number += 1
        old_root = self.ledger.root
        data, inputs = seal(self.ledger, slots, number=self.number, timestamp=time_s)
        entries = sum(slot.op in (DEPOSIT, SET_KEY) for slot in slots)
        with transaction.atomic():
            block = Block.objects.create(
                number=self.number, time_s=time_s, slots=[], slot_count=len(slots), trades=trades,
                first_sequence=self.number * 10, first_ordinal=0, last_sequence=self.number * 10 + 9, last_ordinal=0,
                old_root=old_root, new_root=self.ledger.root, data=[str(word) for word in data], h=commitment(data),
                first_entry=self.entries + 1 if entries else None, last_entry=self.entries + entries or None,
                inputs=zlib.compress(json.dumps(_texts(inputs)).encode()),
            )  # fmt: skip
            proving.enqueue(block)
        self.entries += entries
        return block

    def first(self, *, time_s: int = 1_000) -> Block:
        """A block in which Alice and Bob get keys, and Alice something to give away."""
        slots = [set_key(ALICE, index=1), deposit(ALICE, 1, 500), set_key(BOB, index=3), deposit(BOB, 2, 5_000)]
        return self.seal(slots, time_s=time_s)

    def transfer(self, amount: int = 1, *, time_s: int = 1_000) -> Block:
        """A block in which Alice gives Bob some of token 1."""
        nonce = self.ledger.account(ALICE).nonce
        sent = signed(Slot(TRANSFER, ALICE, (1, 0), (amount, 0), to=BOB, nonce=nonce), domain=self.ledger.domain)
        return self.seal([sent, Slot(CREDIT, BOB, (1, 0), (amount, 0))], time_s=time_s)


def _texts(value: object) -> object:
    if isinstance(value, dict):
        return {name: _texts(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(part) for part in value]
    return str(value)
