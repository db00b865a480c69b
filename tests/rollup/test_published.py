"""The state is rebuilt from published data alone, and data that do not fit are refused."""

import pytest

from rollup.state.blocks import seal
from rollup.state.ledger import Ledger
from rollup.state.parameters import TINY
from rollup.state.published import HEADER_WORDS, NotPublishedSo, apply_block, empty_root, read_block
from rollup.state.slots import (  # fmt: skip
    BUY,
    CREDIT,
    FEE,
    FORCED_EXIT,
    NET,
    SELL,
    SET_KEY,
    SETTLE,
    TRANSFER,
    WITHDRAW,
    SignedOrder,
    Slot,
    domain_of,
)
from tests.rollup.people import deposit, set_key, signer

DOMAIN = domain_of(31337, 0x1234)
ALICE, BOB, EXCHANGE = 1, 2, 0
KEYS = {ALICE: bytes([1]) * 32, BOB: bytes([2]) * 32, EXCHANGE: bytes([3]) * 32}
SALE = SignedOrder(id=7, side=SELL, sell_total=200, buy_total=1_000, valid_until=2**39, max_fee_bps=20)
PURCHASE = SignedOrder(id=9, side=BUY, sell_total=10_000, buy_total=2_000, valid_until=2**39, max_fee_bps=20)


signed = signer(KEYS, DOMAIN)

BLOCKS = [
    [set_key(KEYS, ALICE), set_key(KEYS, BOB), deposit(ALICE, 1, 500), deposit(BOB, 2, 5_000)],
    [
        signed(Slot(SETTLE, ALICE, (1, 2), (150, 750), fees=(0, 1), order=SALE)),
        signed(Slot(NET, BOB, (1, 2), (150, 750), credits=(1, 0), fees=(2, 0), nonce=0)),
        Slot(FEE, EXCHANGE, (1, 2), (2, 1)),
    ],
    [
        signed(Slot(SETTLE, ALICE, (1, 2), (50, 250), order=SALE)),
        signed(Slot(NET, BOB, (2, 1), (250, 50), credits=(0, 1), nonce=1)),
        signed(Slot(TRANSFER, ALICE, (2, 0), (7, 0), to=BOB)),
        Slot(CREDIT, BOB, (2, 0), (7, 0)),
    ],
    [
        signed(Slot(WITHDRAW, BOB, (2, 0), (7, 0), recipient=0xABCDEF, nonce=2)),
        signed(Slot(SETTLE, ALICE, (2, 1), (60, 12), order=PURCHASE)),
        signed(Slot(NET, BOB, (2, 1), (60, 12), credits=(1, 0), nonce=3)),
        Slot(FORCED_EXIT, ALICE, (1, 0), (312, 0)),
    ],
]


@pytest.fixture(scope="module")
def published() -> tuple[list[list[int]], Ledger]:
    """The data of all blocks, and the state of whoever made them."""
    ledger = Ledger(TINY, DOMAIN)
    return [seal(ledger, slots, number=n, timestamp=1_000 + n)[0] for n, slots in enumerate(BLOCKS, 1)], ledger


def test_the_data_of_all_blocks_give_the_state(published):
    blocks, made = published
    again = Ledger(TINY, DOMAIN)
    for data in blocks:
        apply_block(again, data)
    assert again.root == made.root
    for number in (ALICE, BOB, EXCHANGE):
        one, other = again.account(number), made.account(number)
        assert (one.key, one.nonce, one.leaf()) == (other.key, other.nonce, other.leaf())
        assert [one.balances.get(token) for token in range(4)] == [other.balances.get(token) for token in range(4)]


def test_slots_read_as_they_were_made(published):
    blocks, _ = published
    for data, slots in zip(blocks, BLOCKS, strict=True):
        block = read_block(data)
        assert block.domain == DOMAIN
        for read, made in zip(block.slots, slots, strict=False):
            assert (read.op, read.account, read.tokens, read.amounts) == (
                made.op, made.account, made.tokens, made.amounts,
            )  # fmt: skip
            assert (read.credits, read.fees, read.side) == (made.credits, made.fees, made.side)
            assert read.recipient == made.recipient
            if made.op == SET_KEY:
                assert read.key == made.new_key
            if made.order:
                assert read.id == made.order.id
        assert {slot.operation for slot in block.slots[len(slots) :]} <= {"noop"}


def test_nothing_is_left_out_repeated_or_changed(published):
    blocks, _ = published
    ledger = Ledger(TINY, DOMAIN)
    apply_block(ledger, blocks[0])
    for wrong in (blocks[0], blocks[2]):
        before = ledger.root
        with pytest.raises(NotPublishedSo, match="begins at another root"):
            apply_block(ledger, wrong)
        assert ledger.root == before
    changed = list(blocks[1])
    changed[HEADER_WORDS] += 1 << 44
    with pytest.raises(NotPublishedSo, match="leads to another root"):
        apply_block(ledger, changed)


@pytest.mark.parametrize("cut", [1, 2, 4])
def test_data_of_another_length_are_refused(published, cut):
    with pytest.raises(NotPublishedSo):
        read_block(published[0][0][:-cut])


def test_the_empty_root_is_the_first_blocks_old_root(published):
    assert published[0][0][1] == empty_root(TINY)
