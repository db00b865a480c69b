"""The fast engine against the reference engine: every event, balance, book and due time, on random histories.

Quick by default; `HYPOTHESIS_PROFILE=long` tries many more. Longer still: `python -m tests.engine.drive`.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.engine import commands as c
from matching.engine.events import FIELDS as EVENT_FIELDS
from tests.engine.compare import Pair, disagreement, shrink
from tests.engine.drive import drive, report
from tests.engine.generate import START_US, Step, opening
from tests.engine.settings import EXAMPLES, LONG, PATIENT
from tests.engine.strategies import command_values, histories, legs

pytestmark = PATIENT
CODES = {
    "account_not_registered", "already_applied", "balance_overflow", "balances_exist", "cancel_restricted",
    "client_order_id_reused", "deadline_passed", "fee_cap_too_low", "index_gap", "insufficient_balance",
    "invalid_account", "invalid_amount", "invalid_expiry", "invalid_list", "invalid_nonce", "invalid_parameter",
    "invalid_price", "invalid_size", "key_changed", "market_cancel_only", "market_halted", "market_post_only",
    "not_amendable", "not_self_custody", "notional_too_large", "notional_too_small", "order_id_used",
    "post_only_would_cross", "price_band", "price_too_large", "signature_mismatch", "signature_required",
    "size_too_large", "size_too_small", "stop_would_trigger", "too_many_orders", "too_many_parts", "unknown_asset",
    "unknown_market", "unknown_order", "unknown_source", "unknown_withdrawal", "would_lose_priority",
}  # fmt: skip
REASONS = {
    "done filled 0", "done unfilled 0", "done fok 0", "done stp 0", "done stp 1", "done funds 0", "done canceled 1",
    "done canceled 2", "done replaced 1", "done replaced 2", "done expired 1", "done expired 2", "done deadman 1",
    "done deadman 2", "done list 1", "done list 2", "done list 3", "done refused 3",
    "done canceled 3", "done fee 1",
}  # fmt: skip


@EXAMPLES
@given(histories())
def test_engines_agree_on_random_histories(steps: list[Step]) -> None:
    pair = Pair()
    for command, time_us in steps:
        pair.apply(command, time_us)
    pair.fast.validate()


@EXAMPLES
@given(histories(kind="tangle"))
def test_engines_agree_on_random_tangles(steps: list[Step]) -> None:
    pair = Pair()
    for command, time_us in steps:
        pair.apply(command, time_us)
    pair.fast.validate()


@EXAMPLES
@given(histories(kind="chain"))
def test_engines_agree_on_random_histories_of_registered_accounts(steps: list[Step]) -> None:
    pair = Pair()
    for command, time_us in steps:
        pair.apply(command, time_us)
    pair.fast.validate()


@EXAMPLES
@given(st.sampled_from(sorted(c.FIELDS)), st.data())
def test_engines_agree_on_a_command_of_any_numbers(kind: str, data: st.DataObject) -> None:
    """One command whose fields have nothing to do with each other, on a running exchange with an order on each side."""
    pair = Pair()
    ask = c.place(account=1, market=1, side=c.SELL, price=1001, size=10, client_id="k")
    bid = c.place(account=2, market=1, side=c.BUY, price=999, size=10)
    for command, time_us in [*opening(), (ask, START_US), (bid, START_US)]:
        pair.apply(command, time_us)
    values: list[Any] = [kind, data.draw(st.sampled_from((0, START_US, START_US - 1, -1)))]
    for name in c.FIELDS[kind]:
        if name in c.TEXT_FIELDS:
            values.append(data.draw(st.sampled_from(("", "k", "open", "M1", "BTC"))))
        elif name == "fees":
            values.append(data.draw(st.lists(st.lists(command_values(), min_size=2, max_size=2), max_size=3)))
        elif name == "legs":
            values.append(data.draw(st.lists(legs(), max_size=4)))
        else:
            values.append(data.draw(command_values()))
    c.check_shape(values)
    pair.apply(values, START_US)
    pair.fast.validate()


@pytest.mark.parametrize("kind", ["mixed", "tangle", "chain"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_long_drives_agree(seed: int, kind: str) -> None:
    _, taken, problem = drive(seed, 20_000 if LONG else 1_500, kind=kind)
    assert problem is None, report(taken, problem or "")


def test_a_drive_through_deep_books_agrees() -> None:
    """Hundreds of orders at hundreds of prices, then most of them leave: the fast engine tidies up behind them."""
    _, taken, problem = drive("crowd", 30_000 if LONG else 4_000, kind="crowd")
    assert problem is None, report(taken, problem or "")


def test_a_drive_reaches_every_event_and_every_refusal() -> None:
    """If this fails the generator became too tame, or the protocol grew and the generator did not."""
    seen, taken, problem = drive("everything", 12_000)
    assert problem is None, report(taken, problem or "")
    tangled, taken, problem = drive("everything", 3_000, kind="tangle")
    assert problem is None, report(taken, problem or "")
    registered, taken, problem = drive("everything", 4_000, kind="chain")
    assert problem is None, report(taken, problem or "")
    missing = {f"event {kind}" for kind in EVENT_FIELDS} | {f"rejected {code}" for code in CODES} | REASONS
    assert missing - set(seen) - set(tangled) - set(registered) == set()
    orders = seen["command place"] + seen["command replace"]
    assert seen["event new"] > orders / 2, "most orders are refused"
    assert seen["event trade"] > orders / 10, "few orders trade"


def test_a_disagreement_is_found_and_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: a reference that forgets the maker's fee is caught, by as few steps as it takes."""
    monkeypatch.setattr("tests.engine.reference_book.ReferenceBook.fee_ppm", lambda *_: 0)
    _, taken, problem = drive(1, 3_000)
    assert problem is not None
    assert "differ" in problem
    fewest = shrink(taken, disagreement)
    assert disagreement(fewest) is not None
    assert len(fewest) <= 12
