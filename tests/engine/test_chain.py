"""Registered accounts (docs/protocol.md, section 11) on both engines: what is expected is written down by hand."""

from typing import Any

import pytest

from matching.engine import commands as c
from tests.engine.compare import Pair
from tests.engine.generate import START_US
from tests.engine.test_edges import do, refused, rules

KEY = (5, 6)
SIGNED = {"key": KEY, "r_x": 1, "r_y": 2, "s": 3}
UNTIL_S = START_US // 10**6 + 60
USER, TRADER, STRANGER = 1, 2, 3


@pytest.fixture
def pair() -> Pair:
    """Account 1 in self custody, account 2 with the exchange, 1,000,000 of both assets each; fees of 10 and 20 bps."""
    pair = Pair()
    do(pair, c.asset(asset=1, code="A", scale=0))
    do(pair, c.asset(asset=2, code="B", scale=0))
    do(pair, rules(fees=[[1_000, 2_000], [1_000, 3_000]], unit=10))
    for account in (USER, TRADER):
        do(pair, key(account, l2=account + 100, custody=int(account == TRADER)))
    for account in (USER, TRADER):
        for asset in (1, 2):
            do(pair, c.deposit(source=2, index=index(pair), account=account, asset=asset, amount=1_000_000))
    return pair


def index(pair: Pair) -> int:
    return pair.slow.sources.get(2, 0) + 1


def key(account: int, *, l2: int, custody: int, at: int = 0, xy: tuple[int, int] = KEY) -> list[Any]:
    number = at or (account if account <= TRADER else 99)
    return c.key(source=2, index=number, account=account, l2=l2, custody=custody, x=xy[0], y=xy[1])


def buy(id: int = 17, *, size: int = 5, price: int = 1000, bps: int = 20, **changes: Any) -> list[Any]:
    """A signed buy of account 1: ten times price times size of B for size of A."""
    signature = {"leaves": 16, "id": id, "sell_total": price * size * 10, "buy_total": size, "valid_until": UNTIL_S,
                 "max_fee_bps": bps, **SIGNED}  # fmt: skip
    signature |= {name: changes.pop(name) for name in tuple(changes) if name in signature}
    order = {"tif": c.GTD, "expires_us": UNTIL_S * 10**6} | changes
    return c.signed_place(
        signature=c.order_signature(**signature), account=USER, market=1, side=c.BUY, price=price, size=size, **order
    )


def test_a_signed_order_says_what_was_signed_and_trades_as_any(pair: Pair) -> None:
    assert do(pair, buy()) == [
        ("new", 1, USER, 1, 0, 0, 3, 1000, 0, 5, 0, 0, 0, UNTIL_S * 10**6, 0, 0, 0, ""),
        ("signed", 1, USER, 1, 0, 16, 17, 50_000, 5, UNTIL_S, 20, 1, 2, 3),
        ("rest", 1, USER, 1, 0, 1000, 5, 50_000),
    ]
    events = do(pair, c.place(account=TRADER, market=1, side=c.SELL, price=1000, size=2))
    assert events[1][:2] == ("trade", 1)
    assert pair.fast.balance(USER, 2) == (950_000, 30_000)


def test_whoever_keeps_the_key_signs_and_nobody_else_does(pair: Pair) -> None:
    plain = c.place(account=USER, market=1, side=c.BUY, price=1000, size=1)
    assert refused(pair, plain) == "signature_required"
    other = c.replace(target_order=9, account=USER, market=1, side=c.BUY, price=9, size=1)
    assert refused(pair, other) == "signature_required"
    legs = [c.leg(side=1, price=1100, size=1, post_only=1), c.leg(side=1, price=900, stop=900, size=1)]
    assert refused(pair, c.order_list(account=USER, market=1, kind=c.OCO, legs=legs)) == "signature_required"
    assert refused(pair, c.hold(withdrawal=1, account=USER, asset=1, amount=1)) == "signature_required"
    assert refused(pair, c.transfer(transfer=1, source=USER, to=TRADER, asset=1, amount=1)) == "signature_required"
    do(pair, buy())
    assert refused(pair, c.amend(account=USER, order=1, size=4)) == "signature_required"
    theirs = buy()
    theirs[theirs.index(USER, 13)] = TRADER
    assert refused(pair, theirs) == "not_self_custody"
    assert do(pair, c.cancel(account=USER, order=1))[-1][-1] == "canceled"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"key": (5, 7)}, "key_changed"),
        ({"leaves": 8}, "invalid_parameter"), ({"leaves": 4**9}, "invalid_parameter"),
        ({"id": 0}, "invalid_parameter"), ({"id": 2**64}, "invalid_parameter"),
        ({"sell_total": 0}, "invalid_parameter"), ({"buy_total": 2**96}, "invalid_parameter"),
        ({"valid_until": 2**40}, "invalid_parameter"), ({"max_fee_bps": 10_001}, "invalid_parameter"),
        ({"valid_until": UNTIL_S - 1}, "invalid_parameter"), ({"tif": c.GTC, "expires_us": 0}, "invalid_parameter"),
        ({"tif": c.IOC, "expires_us": 0, "stop": 1100}, "invalid_parameter"),
        ({"tif": c.IOC, "expires_us": 0, "valid_until": START_US // 10**6}, "invalid_expiry"),
        ({"sell_total": 50_001}, "signature_mismatch"), ({"buy_total": 4}, "signature_mismatch"),
        ({"max_fee_bps": 19}, "fee_cap_too_low"), ({"price": 10**6}, "insufficient_balance"),
    ],
)  # fmt: skip
def test_what_was_signed_must_fit_the_order_and_the_account(pair: Pair, changes: dict[str, Any], code: str) -> None:
    before = pair.fast.balances(USER)
    assert refused(pair, buy(**changes)) == code
    assert pair.fast.balances(USER) == before
    assert do(pair, buy())[-1][0] == "rest", "what was refused uses no id up"


def test_an_id_grows_on_its_leaf_where_one_order_is_open(pair: Pair) -> None:
    do(pair, buy(17))
    assert refused(pair, buy(33)) == "order_id_used", "the order of leaf 1 is open"
    assert do(pair, buy(18))[-1][0] == "rest"
    do(pair, c.cancel(account=USER, order=1))
    assert refused(pair, buy(17)) == "order_id_used"
    assert refused(pair, buy(1)) == "order_id_used"
    assert do(pair, buy(33))[-1][0] == "rest"
    assert refused(pair, buy(4, leaves=4)) == "invalid_parameter", "the tree has as many leaves as it had"


def test_an_amend_is_signed_anew_for_the_same_id(pair: Pair) -> None:
    do(pair, buy())
    smaller = {"leaves": 16, "id": 17, "sell_total": 40_000, "buy_total": 4, "valid_until": UNTIL_S, "max_fee_bps": 30}

    def amend(**changes: Any) -> list[Any]:
        signature = c.order_signature(**(smaller | SIGNED | changes))
        return c.signed_amend(signature=signature, account=USER, order=1, size=4)

    assert refused(pair, amend(id=33)) == "signature_mismatch"
    assert refused(pair, amend(buy_total=5)) == "signature_mismatch"
    assert refused(pair, amend(valid_until=UNTIL_S - 1)) == "invalid_parameter"
    assert [event[0] for event in do(pair, amend())] == ["signed", "amend"]
    # The new cap of 30 bps holds: the fees of the second tier are within.
    assert do(pair, c.tier(account=USER, tier=1)) == [("tier", USER, 1)]


def test_an_order_ends_when_fees_rise_above_its_cap(pair: Pair) -> None:
    do(pair, buy(17, bps=20))
    do(pair, buy(18, bps=30))
    assert do(pair, c.tier(account=USER, tier=1)) == [
        ("tier", USER, 1), ("done", 1, USER, 1, 0, 1000, 5, 50_000, 1, "fee"),
    ]  # fmt: skip
    events = do(pair, rules(fees=[[1_000, 2_000], [3_001, 3_000]], unit=10))
    assert events[1:] == [("done", 2, USER, 1, 0, 1000, 5, 50_000, 1, "fee")]


def test_a_nonce_is_used_once_and_only_by_what_was_done(pair: Pair) -> None:
    first = 1 * 2**32

    def move(nonce: int, amount: int = 10, transfer: int = 7) -> list[Any]:
        return c.signed_transfer(
            **SIGNED, nonce=nonce, transfer=transfer, source=USER, to=TRADER, asset=1, amount=amount
        )

    assert refused(pair, move(first + 1)) == "invalid_nonce"
    assert refused(pair, move(first, amount=10**7)) == "insufficient_balance"
    assert do(pair, move(first)) == [("signature", first, 1, 2, 3), ("transfer", 7, USER, TRADER, 1, 10)]
    assert refused(pair, move(first)) == "already_applied"
    assert refused(pair, move(first, transfer=8)) == "invalid_nonce"
    out = c.signed_withdraw(**SIGNED, nonce=first + 1, withdrawal=4, account=USER, asset=1, amount=90, recipient=2**159)
    assert do(pair, out) == [
        ("signature", first + 1, 1, 2, 3), ("hold", 4, USER, 1, 90, 2**159), ("complete", 4, USER, 1, 90, 2**159),
    ]  # fmt: skip
    assert pair.fast.balance(USER, 1) == (999_900, 0)
    assert pair.fast.assets[1].total == 2_000_000 - 90
    by_hand = c.signed_withdraw(**SIGNED, nonce=first + 2, withdrawal=5, account=USER, asset=1, amount=1, recipient=0)
    assert refused(pair, by_hand) == "invalid_parameter"


def test_value_comes_from_the_registry_to_registered_accounts_alone(pair: Pair) -> None:
    assert refused(pair, c.deposit(source=1, index=1, account=USER, asset=1, amount=1)) == "unknown_source"
    late = {"source": 2, "index": index(pair)}
    assert refused(pair, c.deposit(**late, account=STRANGER, asset=1, amount=1)) == "account_not_registered"
    assert refused(pair, c.exit_all(**late, account=STRANGER, asset=1)) == "account_not_registered"
    assert refused(pair, c.transfer(transfer=1, source=TRADER, to=STRANGER, asset=1, amount=1)) == (
        "account_not_registered"
    )
    assert refused(pair, key(STRANGER, l2=101, custody=1, at=index(pair))) == "invalid_parameter", "account 1 has it"
    assert refused(pair, key(USER, l2=104, custody=0, at=index(pair))) == "invalid_parameter"
    assert refused(pair, key(USER, l2=101, custody=1, at=index(pair))) == "invalid_parameter"
    assert do(pair, key(STRANGER, l2=103, custody=1, at=index(pair)))[0][0] == "key"
    assert do(pair, c.transfer(transfer=1, source=TRADER, to=STRANGER, asset=1, amount=1))[0][0] == "transfer"


def test_nobody_is_registered_once_there_are_balances() -> None:
    pair = Pair()
    do(pair, c.asset(asset=1, code="A", scale=0))
    do(pair, c.deposit(source=1, index=1, account=USER, asset=1, amount=1))
    assert refused(pair, key(USER, l2=1, custody=0)) == "balances_exist"
    assert do(pair, c.deposit(source=1, index=2, account=STRANGER, asset=1, amount=1))[0][0] == "deposit"


def test_an_account_that_goes_into_self_custody_leaves_nothing_unsigned_behind(pair: Pair) -> None:
    do(pair, c.place(account=TRADER, market=1, side=c.SELL, price=1001, size=5))
    for withdrawal, asset in ((8, 2), (7, 1)):
        do(pair, c.hold(withdrawal=withdrawal, account=TRADER, asset=asset, amount=50, recipient=9))
    at = index(pair)
    assert do(pair, key(TRADER, l2=102, custody=0, at=at, xy=(7, 8))) == [
        ("key", 2, at, TRADER, 102, 0, 7, 8),
        ("cancel_all", TRADER, 0, -1, 1),
        ("done", 1, TRADER, 1, 1, 1001, 5, 5, 1, "canceled"),
        ("release", 7, TRADER, 1, 50, 9),
        ("release", 8, TRADER, 2, 50, 9),
    ]
    assert pair.fast.balances(TRADER) == {1: (1_000_000, 0), 2: (1_000_000, 0)}
    assert refused(pair, c.complete(withdrawal=7)) == "unknown_withdrawal"
    assert refused(pair, c.place(account=TRADER, market=1, side=c.SELL, price=1001, size=5)) == "signature_required"


def test_an_exit_takes_all_of_one_asset(pair: Pair) -> None:
    do(pair, c.place(account=TRADER, market=1, side=c.SELL, price=1001, size=5))
    do(pair, c.hold(withdrawal=7, account=TRADER, asset=1, amount=50))
    do(pair, c.hold(withdrawal=8, account=TRADER, asset=2, amount=50))
    at = index(pair)
    assert do(pair, c.exit_all(source=2, index=at, account=TRADER, asset=1)) == [
        ("cancel_all", TRADER, 0, -1, 1),
        ("done", 1, TRADER, 1, 1, 1001, 5, 5, 1, "canceled"),
        ("release", 7, TRADER, 1, 50, 0),
        ("exit", 2, at, TRADER, 1, 1_000_000),
    ]
    assert pair.fast.balances(TRADER) == {2: (999_950, 50)}
    assert pair.fast.assets[1].total == 1_000_000
    assert do(pair, c.exit_all(source=2, index=at + 1, account=TRADER, asset=1)) == [("exit", 2, at + 1, TRADER, 1, 0)]
    assert refused(pair, c.exit_all(source=2, index=at + 1, account=TRADER, asset=1)) == "already_applied"
    assert refused(pair, c.exit_all(source=2, index=at + 3, account=TRADER, asset=1)) == "index_gap"


# Conditions that the engine itself checks


def test_a_cancel_may_depend_on_what_is_filled(pair: Pair) -> None:
    do(pair, c.place(account=TRADER, market=1, side=c.SELL, price=1001, size=5))
    assert refused(pair, c.cancel(account=TRADER, order=1, only=c.PARTLY_FILLED)) == "cancel_restricted"
    assert refused(pair, c.cancel(account=TRADER, order=1, only=3)) == "invalid_parameter"
    do(pair, buy(price=1001, size=1))
    assert refused(pair, c.cancel(account=TRADER, order=1, only=c.UNFILLED)) == "cancel_restricted"
    assert do(pair, c.cancel(account=TRADER, order=1, only=c.PARTLY_FILLED))[-1][-1] == "canceled"


def test_an_amend_may_insist_on_its_place(pair: Pair) -> None:
    do(pair, c.place(account=TRADER, market=1, side=c.SELL, price=1001, size=5))
    assert refused(pair, c.amend(account=TRADER, order=1, size=6, keep=1)) == "would_lose_priority"
    assert refused(pair, c.amend(account=TRADER, order=1, price=1002, keep=1)) == "would_lose_priority"
    assert refused(pair, c.amend(account=TRADER, order=1, size=4, keep=2)) == "invalid_parameter"
    assert do(pair, c.amend(account=TRADER, order=1, size=4, keep=1))[-1][-1] == 1
