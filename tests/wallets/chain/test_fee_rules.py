"""What a transaction offers for its gas."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallets.chain.fees import Asked, Offer, dearer_offer, first_offer

WEI = st.integers(0, 10**14)


def test_a_first_offer_leaves_room_for_the_base_fee_to_double():
    assert first_offer(Asked(100, 7), most_wei=10_000) == Offer(207, 7)


def test_a_first_offer_is_bounded_and_not_made_above_the_bound():
    assert first_offer(Asked(100, 7), most_wei=150) == Offer(150, 7)
    assert first_offer(Asked(100, 70), most_wei=100) == Offer(100, 70)
    assert first_offer(Asked(100, 700), most_wei=101) == Offer(101, 101)
    assert first_offer(Asked(100, 7), most_wei=99) is None


def test_a_dearer_offer_is_an_eighth_more_of_both_at_least():
    assert dearer_offer(Offer(800, 80), Asked(1, 1), most_wei=900) == Offer(900, 90)
    # Rounded up, and more than before even of nothing.
    assert dearer_offer(Offer(801, 81), Asked(1, 1), most_wei=902) == Offer(902, 92)
    assert dearer_offer(Offer(1, 0), Asked(0, 0), most_wei=10) == Offer(2, 1)


def test_a_dearer_offer_is_what_the_chain_asks_if_that_is_more():
    assert dearer_offer(Offer(800, 80), Asked(5_000, 300), most_wei=20_000) == Offer(10_300, 300)


@pytest.mark.parametrize(
    ("old", "asked", "most_wei"),
    [
        (Offer(800, 80), Asked(1, 1), 899),  # nodes take nothing that is not dearer by a tenth
        (Offer(800, 80), Asked(1_001, 1), 1_000),  # the chain asks more than may be offered
        (Offer(800, 800), Asked(1, 1), 899),
    ],
)
def test_there_is_no_dearer_offer_above_the_bound(old, asked, most_wei):
    assert dearer_offer(old, asked, most_wei=most_wei) is None


@given(base=WEI, tip=WEI, most=WEI, old_max=WEI, old_tip=WEI)
def test_every_offer_can_be_taken_and_is_within_its_bound(base, tip, most, old_max, old_tip):
    asked = Asked(base, tip)
    for offer in (first_offer(asked, most_wei=most), dearer_offer(Offer(old_max, old_tip), asked, most_wei=most)):
        if offer is not None:
            assert base <= offer.max_wei <= most
            assert 0 <= offer.tip_wei <= offer.max_wei
            assert offer.is_enough(asked)


@given(base=WEI, tip=WEI, most=WEI, old_max=WEI, old_tip=WEI)
def test_a_dearer_offer_replaces_the_one_before_by_any_nodes_rule(base, tip, most, old_max, old_tip):
    offer = dearer_offer(Offer(old_max, old_tip), Asked(base, tip), most_wei=most)
    if offer is not None:
        for new, old in ((offer.max_wei, old_max), (offer.tip_wei, old_tip)):
            assert new > old
            assert new * 8 >= old * 9
