"""The oracle of the circuit: what a slot may do, and that a refused one changes nothing."""

from dataclasses import replace

import pytest

from rollup.state.blocks import evaluation, seal
from rollup.state.ledger import Ledger, SlotRefused
from rollup.state.parameters import TINY
from rollup.state.slots import (  # fmt: skip
    BUY,
    CREDIT,
    DEPOSIT,
    FEE,
    FORCED_EXIT,
    NET,
    NOOP,
    SELL,
    SETTLE,
    TRANSFER,
    WITHDRAW,
    SignedOrder,
    Slot,
    commitment,
    domain_of,
)
from tests.rollup.people import open_accounts, signer

DOMAIN = domain_of(31337, 0x1234)
ALICE, BOB = 1, 2
KEYS = {ALICE: bytes([1]) * 32, BOB: bytes([2]) * 32}
NOW = 1_000
SALE = SignedOrder(id=7, side=SELL, sell_total=200, buy_total=1_000, valid_until=2_000, max_fee_bps=20)
PURCHASE = SALE._replace(side=BUY)


signed = signer(KEYS, DOMAIN)


def settle(order: SignedOrder, debit: int, gross: int, fee: int = 0, **changes) -> Slot:
    return signed(Slot(SETTLE, ALICE, (1, 2), (debit, gross), fees=(0, fee), order=order, **changes))


TO_BOB = signed(Slot(TRANSFER, ALICE, (1, 0), (5, 0), to=BOB))


@pytest.fixture
def ledger() -> Ledger:
    return open_accounts(Ledger(TINY, DOMAIN), KEYS, amount=10_000, time_s=NOW)


def balances(ledger: Ledger, account: int) -> tuple[int, int]:
    return ledger.account(account).balances.get(1), ledger.account(account).balances.get(2)


def refused(ledger: Ledger, slot: Slot, code: str, now: int = NOW) -> None:
    before = ledger.root
    with pytest.raises(SlotRefused) as caught:
        ledger.apply(slot, now)
    assert caught.value.code == code
    assert ledger.root == before


def test_an_order_settles_in_parts_up_to_its_total(ledger):
    ledger.apply(settle(SALE, 150, 750, 1), NOW)
    assert balances(ledger, ALICE) == (9_850, 10_749)
    refused(ledger, settle(SALE, 51, 255), "overfilled")
    ledger.apply(settle(SALE, 50, 260), NOW)
    assert balances(ledger, ALICE) == (9_800, 11_009)
    refused(ledger, settle(SALE, 1, 5), "overfilled")


def test_a_purchase_counts_what_it_buys(ledger):
    ledger.apply(settle(PURCHASE, 100, 999), NOW)
    refused(ledger, settle(PURCHASE, 0, 2), "overfilled")
    ledger.apply(settle(PURCHASE, 0, 1), NOW)


def test_a_larger_id_starts_anew_and_a_smaller_one_is_over(ledger):
    ledger.apply(settle(SALE, 200, 1_000), NOW)
    ledger.apply(settle(SALE._replace(id=7 + TINY.orders), 200, 1_000), NOW)
    refused(ledger, settle(SALE, 1, 5), "order_id")
    refused(ledger, settle(SALE._replace(id=0), 1, 5), "order_id")


@pytest.mark.parametrize(
    ("slot", "code"),
    [
        (settle(SALE, 100, 499), "price"),
        (settle(SALE, 100, 500, 2), "fee"),
        (settle(SALE._replace(max_fee_bps=10_001), 100, 500), "range"),
        (settle(SALE._replace(max_fee_bps=10_000), 100, 500, 501), "fee"),
        (settle(SALE._replace(sell_total=20_000, buy_total=0), 10_001, 0), "balance"),
        (settle(SALE, 10, 2**96), "range"),
        (settle(SALE._replace(buy_total=2**96), 10, 50), "range"),
        (settle(SALE._replace(id=2**64), 10, 50), "range"),
        (replace(settle(SALE, 10, 50), account=BOB), "signature"),
        (replace(settle(SALE, 10, 50), order=SALE._replace(valid_until=3_000)), "signature"),
        (replace(settle(SALE, 10, 60), tokens=(2, 1)), "signature"),
        (Slot(SETTLE, ALICE, (1, 2), (10, 50)), "field_of_another_operation"),
        (Slot(NOOP, ALICE, amounts=(1, 0)), "field_of_another_operation"),
        (Slot(DEPOSIT, ALICE, (1, 2), (1, 1)), "field_of_another_operation"),
        (Slot(DEPOSIT, ALICE, (1, 0), (2**96 - 10_000, 0)), "balance"),
        (Slot(DEPOSIT, TINY.accounts, (1, 0), (1, 0)), "range"),
        (Slot(DEPOSIT, ALICE, (TINY.tokens, 0), (1, 0)), "range"),
        (Slot(FEE, ALICE, (1, 0), (1, 0)), "fee_to_another_account"),
        (Slot(FORCED_EXIT, ALICE, (1, 0), (9_999, 0)), "exit_of_a_part"),
        (signed(Slot(WITHDRAW, ALICE, (1, 0), (10_001, 0), recipient=5)), "balance"),
        (signed(Slot(WITHDRAW, ALICE, (1, 0), (1, 0), nonce=1)), "nonce"),
        (signed(Slot(TRANSFER, ALICE, (1, 0), (1, 0), to=BOB), by=BOB), "signature"),
        (signed(Slot(TRANSFER, ALICE, (1, 0), (1, 0), to=BOB), domain=DOMAIN + 1), "signature"),
        (replace(signed(Slot(TRANSFER, ALICE, (1, 0), (1, 0), to=BOB)), to=3), "signature"),
        (replace(signed(Slot(WITHDRAW, ALICE, (1, 0), (1, 0), recipient=5)), recipient=6), "signature"),
        (replace(signed(Slot(NET, ALICE, (1, 2), (9, 9), (1, 0))), credits=(1, 1)), "signature"),
        (replace(signed(Slot(NET, ALICE, (1, 2), (9, 9), (1, 0))), fees=(0, 1)), "signature"),
        (replace(signed(Slot(NET, ALICE, (1, 2), (9, 9), (1, 0))), amounts=(9, 8)), "signature"),
        (signed(Slot(NET, ALICE, (1, 2), (9, 10_001), (1, 0))), "balance"),
    ],
)  # fmt: skip
def test_what_must_not_be(ledger, slot, code):
    refused(ledger, slot, code)


def test_an_order_ends_with_its_time(ledger):
    refused(ledger, settle(SALE, 10, 50), "expired", now=2_000)
    ledger.apply(settle(SALE, 10, 50), 1_999)


def test_what_was_signed_once_is_done_once(ledger):
    withdrawal = signed(Slot(WITHDRAW, ALICE, (1, 0), (10, 0), recipient=5))
    ledger.apply(withdrawal, NOW)
    refused(ledger, withdrawal, "nonce")


@pytest.mark.parametrize(
    ("slots", "code"),
    [
        ([Slot(CREDIT, BOB, (1, 0), (5, 0))], "transfer_without_credit"),
        ([TO_BOB], "transfer_without_credit"),
        ([TO_BOB, Slot(CREDIT, 3, (1, 0), (5, 0))], "credit_of_something_else"),
        ([TO_BOB, Slot(CREDIT, BOB, (1, 0), (6, 0))], "credit_of_something_else"),
        ([TO_BOB, Slot(CREDIT, BOB, (2, 0), (5, 0))], "credit_of_something_else"),
        ([settle(SALE, 100, 500)], "not_conserved"),
        ([signed(Slot(NET, ALICE, (1, 2), (1, 0), (1, 0)))], "not_conserved"),
        ([settle(SALE, 0, 0), Slot(FEE, 0, (2, 0), (1, 0))], "fees_not_credited"),
        ([Slot()] * (TINY.slots + 1), "too_many_slots"),
    ],
)  # fmt: skip
def test_what_must_not_be_together(ledger, slots, code):
    before = ledger.root
    with pytest.raises(SlotRefused) as caught:
        seal(ledger, slots, number=1, timestamp=NOW)
    assert caught.value.code == code
    assert ledger.root == before


def test_a_block_publishes_what_it_did(ledger):
    before = ledger.root
    slots = [
        settle(SALE, 100, 500, 1),
        signed(Slot(NET, BOB, (1, 2), (100, 500), (1, 0), (2, 0))),
        Slot(FEE, 0, (1, 2), (2, 1)),
    ]
    data, inputs = seal(ledger, slots, number=3, timestamp=NOW)
    assert data[:5] == [DOMAIN, before, ledger.root, NOW, 3]
    assert len(data) == 5 + 3 * TINY.slots
    assert data[14:] == [0, 0, 0]
    assert (inputs["oldRoot"], inputs["newRoot"]) == (before, ledger.root)
    assert balances(ledger, 0) == (2, 1)
    assert balances(ledger, BOB) == (10_098, 9_500)
    assert evaluation([2, 3], 10) == 230
    assert commitment(data) != commitment([*data[:-1], 1])
