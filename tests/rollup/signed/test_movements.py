"""Signed transfers and withdrawals over REST, and what is refused of them."""

import signal
import time
from typing import Any

import pytest

from rollup.client import Refused
from rollup.state.babyjubjub import SUBGROUP_ORDER
from tests.rollup.signed.conftest import OWNER, User

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("signed")]


def reference() -> str:
    return f"r-{time.time_ns()}"


def transfer(user: User, to: int, *, signer: Any = None, amount: str = "1") -> dict[str, Any]:
    return (signer or user.signer()).transfer(asset="BTC", amount=amount, to=to, reference=reference())


def withdrawal(user: User, *, signer: Any = None, amount: str = "1") -> dict[str, Any]:
    return (signer or user.signer()).withdrawal(asset="BTC", amount=amount, address=OWNER, reference=reference())


def refused(user: User, send: Any, body: dict[str, Any]) -> str:
    """The code it is refused with; nothing has changed by it."""
    before = user.everything()
    with pytest.raises(Refused) as caught:
        send(body)
    assert user.everything() == before
    return caught.value.code


def test_a_transfer(alice: User, bob: User) -> None:
    signer, theirs = alice.signer(), bob.balances()["BTC"]
    nonce = int(alice.exchange.terms()["nonce"])
    first = alice.exchange.transfer(transfer(alice, bob.number, signer=signer, amount="0.25"))
    assert (first["status"], first["to_account"]) == ("done", bob.account)
    alice.exchange.transfer(transfer(alice, bob.number, signer=signer, amount="0.25"))
    alice.balances()
    assert int(alice.exchange.terms()["nonce"]) == nonce + 2
    assert btc_atoms(bob.balances()["BTC"][0]) - btc_atoms(theirs[0]) == 5 * 10**7


def btc_atoms(text: str) -> int:
    """BTC in atoms."""
    whole, _, decimals = text.partition(".")
    return int(whole) * 10**8 + int(decimals.ljust(8, "0") or 0)


def test_a_withdrawal_has_left_at_once(alice: User) -> None:
    before = alice.balances()["BTC"]
    made = alice.exchange.withdraw(withdrawal(alice, amount="0.5"))
    assert made["status"] == "completed"
    after = alice.balances()["BTC"]
    assert (btc_atoms(before[0]) - btc_atoms(after[0]), after[1]) == (5 * 10**7, before[1])


def test_one_that_is_asked_again_happens_once(alice: User, bob: User) -> None:
    body = transfer(alice, bob.number)
    made = alice.exchange.transfer(body)
    before = alice.everything()
    assert alice.exchange.transfer(body)["id"] == made["id"]
    assert alice.everything() == before
    # The same signature under another reference: its nonce is used up.
    assert refused(alice, alice.exchange.transfer, body | {"reference": reference()}) == "invalid_nonce"
    taken = withdrawal(alice)
    alice.exchange.withdraw(taken)
    assert refused(alice, alice.exchange.withdraw, taken | {"reference": reference()}) == "invalid_nonce"


def test_nonces_come_one_after_the_other(alice: User, bob: User) -> None:
    nonce = int(alice.exchange.terms()["nonce"])
    ahead = alice.signer(nonce=str(nonce + 1))
    assert refused(alice, alice.exchange.transfer, transfer(alice, bob.number, signer=ahead)) == "invalid_nonce"
    if nonce:
        behind = alice.signer(nonce=str(nonce - 1))
        assert refused(alice, alice.exchange.withdraw, withdrawal(alice, signer=behind)) == "invalid_nonce"


CHANGES = {
    "amount": {"amount": "2"},
    "asset": {"asset": "USDT"},
    "nonce": {"nonce": "1"},
}


@pytest.mark.parametrize("changed", CHANGES)
def test_something_else_than_was_signed(alice: User, bob: User, changed: str) -> None:
    head = alice.stack.head()
    wrong = CHANGES[changed]
    assert refused(alice, alice.exchange.transfer, transfer(alice, bob.number) | wrong) == "bad_signature"
    assert refused(alice, alice.exchange.withdraw, withdrawal(alice) | wrong) == "bad_signature"
    assert alice.stack.head() == head


def test_to_somebody_else(alice: User, bob: User, carol: User) -> None:
    assert refused(alice, alice.exchange.transfer, transfer(alice, bob.number) | {"to": carol.number}) == (
        "bad_signature"
    )
    other = "0x" + "11" * 20
    assert refused(alice, alice.exchange.withdraw, withdrawal(alice) | {"address": other}) == "bad_signature"
    assert refused(alice, alice.exchange.transfer, transfer(alice, 63)) == "unknown_l2_account"
    assert refused(alice, alice.exchange.transfer, transfer(alice, alice.number)) == "invalid_parameter"


@pytest.mark.parametrize("kind", ["s", "r", "chain", "stranger", "transfer as withdrawal"])
def test_signatures_that_are_wrong(alice: User, bob: User, kind: str) -> None:
    body = withdrawal(alice)
    if kind == "s":
        body["signature"]["s"] = str(int(body["signature"]["s"]) + SUBGROUP_ORDER)
    elif kind == "r":
        body["signature"]["r_y"] = str(int(body["signature"]["r_y"]) ^ 1)
    elif kind == "chain":
        body = withdrawal(alice, signer=alice.signer(domain=str(1 << 160)))
    elif kind == "stranger":
        terms = alice.exchange.terms()
        body = withdrawal(alice, signer=bob.signer(linked=terms["linked"], nonce=terms["nonce"]))
    else:
        body["signature"] = transfer(alice, bob.number)["signature"]
    assert refused(alice, alice.exchange.withdraw, body) == "bad_signature"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"amount": "1000000"}, "insufficient_balance"),
        ({"amount": "0"}, "invalid_amount"),
        ({"amount": "0.000000001"}, "too_precise"),
        ({"asset": "NONE"}, "unknown_asset"),
        ({"address": "0x12"}, "invalid_address"),
        ({"address": "0x" + "00" * 20}, "invalid_address"),
        ({"signature": None}, "invalid_request"),
        ({"signature": "x"}, "invalid_request"),
        ({"nonce": 5}, "invalid_request"),
        ({"more": 1}, "invalid_request"),
    ],
    ids=str,
)
def test_what_cannot_be_withdrawn(alice: User, changed: dict[str, Any], code: str) -> None:
    signer = alice.signer()
    amount = changed["amount"] if code == "insufficient_balance" else "1"
    body = withdrawal(alice, signer=signer, amount=amount) | changed
    assert refused(alice, alice.exchange.withdraw, body) == code


def test_the_exchange_signs_for_others(carol: User, bob: User) -> None:
    body = carol.signer(nonce="0").transfer(asset="BTC", amount="1", to=bob.number, reference=reference())
    assert refused(carol, carol.exchange.transfer, body) == "not_self_custody"


LIMIT = {"market": "BTC-USDT", "side": "buy", "price": "50000", "size": "0.01"}


def test_a_new_key_ends_the_old_one(bob: User) -> None:
    old = bob.signer()
    bob.secret = b"\x77" * 32
    bob.stack.set_key(bob, bob.secret)
    assert refused(bob, bob.exchange.place, old.order(**LIMIT)) == "bad_signature"
    assert refused(bob, bob.exchange.withdraw, withdrawal(bob, signer=old)) == "bad_signature"
    assert int(bob.exchange.terms()["nonce"]) == bob.stack.entries << 32
    assert bob.exchange.place(bob.signer().order(**LIMIT))["status"] == "open"
    assert bob.exchange.withdraw(withdrawal(bob))["status"] == "completed"


def test_what_the_edge_cannot_know_yet_the_matcher_refuses(bob: User, alice: User) -> None:
    """The read model of keys is behind: the edge still takes the old key, whose orders could never be proven."""
    before, orders, signer = bob.balances(), bob.open_orders(), bob.signer()
    bob.stack.kill("wallets", signal.SIGSTOP)
    try:
        bob.stack.set_key(bob, b"\x78" * 32, is_awaited=False)
        bodies = ((bob.exchange.place, signer.order(**LIMIT)), (bob.exchange.withdraw, withdrawal(bob, signer=signer)),
                  (bob.exchange.transfer, transfer(bob, alice.number, signer=signer)))  # fmt: skip
        for send, body in bodies:
            with pytest.raises(Refused) as caught:
                send(body)
            assert caught.value.code == "key_changed"
    finally:
        bob.stack.kill("wallets", signal.SIGCONT)
    bob.secret = b"\x78" * 32
    assert (bob.balances(), bob.open_orders()) == (before, orders)
