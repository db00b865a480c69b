"""Signed orders over REST: what is verified before the matcher hears of it, and what the matcher judges."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rollup.client import Refused
from rollup.state.babyjubjub import BASE, SUBGROUP_ORDER
from tests.patience import PATIENCE_S
from tests.rollup.signed.conftest import CHAIN_ID, User

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("signed")]
LIMIT = {"market": "BTC-USDT", "side": "buy", "price": "50000", "size": "0.01"}


def place(user: User, signer: Any = None, **changed: Any) -> dict[str, Any]:
    return user.exchange.place((signer or user.signer()).order(**(LIMIT | changed)))


def refused(user: User, body: dict[str, Any]) -> str:
    """The code it is refused with; nothing has changed by it."""
    before = user.everything()
    with pytest.raises(Refused) as caught:
        user.exchange.place(body)
    assert user.everything() == before
    return caught.value.code


def test_an_order_is_placed_and_filled(alice: User, bob: User) -> None:
    resting = place(alice)
    assert (resting["status"], resting["price"], resting["size"]) == ("open", "50000", "0.01")
    assert alice.open_orders() == [resting["id"]]
    terms = alice.exchange.terms()
    assert len(terms["order_ids"]) == terms["leaves"] - 1
    taken = place(bob, side="sell", tif="ioc")
    assert (taken["status"], taken["filled_size"]) == ("filled", "0.01")
    assert alice.open_orders() == []
    assert alice.balances()["USDT"][1] == "0"


def test_the_terms(alice: User) -> None:
    terms = alice.exchange.terms()
    assert (terms["chain_id"], terms["leaves"], terms["account"]) == (CHAIN_ID, 4, alice.account)
    assert (terms["linked"]["number"], terms["linked"]["custody"]) == (alice.number, "user")
    assert [(token["asset"], token["token"]) for token in terms["tokens"]][:2] == [("BTC", 1), ("USDT", 2)]
    assert len({int(id) % 4 for id in terms["order_ids"]}) == 4
    for market in terms["markets"]:
        assert market["max_fee_bps"] > 0


def test_every_leaf_may_be_used_at_once_and_no_more(alice: User) -> None:
    signer = alice.signer()
    made = [place(alice, signer, price=f"{40_000 + number}") for number in range(4)]
    assert len(alice.open_orders()) == 4
    assert alice.exchange.terms()["order_ids"] == []
    last = int(made[0]["id"])
    assert refused(alice, signer.order(**LIMIT, id=2**40)) == "order_id_used"
    alice.exchange.request("DELETE", f"/api/v1/orders/{last}")
    assert place(alice, signer, id=2**40 + int(signer_leaf(alice)))["status"] == "open"


def signer_leaf(user: User) -> int:
    """The one free leaf."""
    user.open_orders()
    (id,) = user.exchange.terms()["order_ids"]
    return int(id) % 4


SIGNATURES = {
    "another number S": lambda good: {"s": str(int(good["s"]) ^ 1)},
    "S not below the subgroup's order": lambda good: {"s": str(int(good["s"]) + SUBGROUP_ORDER)},
    "R off the curve": lambda good: {"r_x": str(int(good["r_x"]) + 1)},
    "another R": lambda good: {"r_x": str(BASE.x), "r_y": str(BASE.y)},
    "another id": lambda good: {"id": str(int(good["id"]) + 4)},
    "another cap": lambda good: {"max_fee_bps": good["max_fee_bps"] + 1},
    "another time": lambda good: {"valid_until": good["valid_until"] + 1},
    "a smaller payment": lambda good: {"sell_total": str(int(good["sell_total"]) - 1)},
    "more for it": lambda good: {"buy_total": str(int(good["buy_total"]) + 1)},
}


@pytest.mark.parametrize("wrong", SIGNATURES)
def test_signatures_that_are_wrong(alice: User, wrong: str) -> None:
    body = alice.signer().order(**LIMIT)
    body["signature"] |= SIGNATURES[wrong](body["signature"])
    head = alice.stack.head()
    assert refused(alice, body) == "bad_signature"
    assert alice.stack.head() == head, "the matcher has heard of it"


@pytest.mark.parametrize(
    "changed",
    [
        {"domain": str((CHAIN_ID + 1 << 160) + 0x5FBDB2315678AFECB367F032D93F642F64180AA3)},
        {"domain": str((CHAIN_ID << 160) + 1)},
        {"linked": {"number": 2}},
    ],
    ids=["another chain", "another contract", "another account of the same key"],
)
def test_signed_for_somewhere_else(alice: User, changed: dict[str, Any]) -> None:
    head = alice.stack.head()
    assert refused(alice, alice.signer(**changed).order(**LIMIT)) == "bad_signature"
    assert alice.stack.head() == head


def test_signed_by_somebody_else(alice: User, bob: User) -> None:
    terms = alice.exchange.terms()
    stranger = bob.signer(**{name: terms[name] for name in ("account", "linked", "order_ids")})
    assert refused(alice, stranger.order(**LIMIT)) == "bad_signature"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"price": "50000.1"}, "signature_mismatch"),
        ({"size": "0.011"}, "signature_mismatch"),
        ({"side": "sell"}, "bad_signature"),
        ({"market": "ETH-USDT"}, "bad_signature"),
        ({"tif": "gtc", "expires_at": None}, "invalid_parameter"),
        ({"expires_at": 9_000_000_000_000}, "invalid_parameter"),
        ({"type": "market", "price": None, "tif": "ioc", "expires_at": None}, "invalid_parameter"),
    ],
    ids=["price", "size", "side", "market", "for ever", "longer than signed", "market order"],
)
def test_what_the_order_says_is_what_was_signed(alice: User, changed: dict[str, Any], code: str) -> None:
    assert refused(alice, alice.signer().order(**LIMIT) | changed) == code


def test_expired_and_too_cheap(alice: User) -> None:
    signer = alice.signer()
    assert refused(alice, signer.order(**LIMIT, valid_s=-1, tif="ioc")) == "invalid_expiry"
    cap = next(market["max_fee_bps"] for market in alice.exchange.terms()["markets"])
    assert refused(alice, signer.order(**LIMIT, max_fee_bps=cap - 1)) == "fee_cap_too_low"


def test_an_order_sent_again(alice: User) -> None:
    signer = alice.signer()
    body = signer.order(**LIMIT)
    made = alice.exchange.place(body)
    assert refused(alice, body) == "order_id_used"
    alice.exchange.request("DELETE", f"/api/v1/orders/{made['id']}")
    assert refused(alice, body) == "order_id_used"
    # With a client id of its own a repetition is the same order.
    named = signer.order(**LIMIT, client_id=f"again-{time.time_ns()}")
    assert alice.exchange.place(named)["id"] == alice.exchange.place(named)["id"]


def test_plain_requests_are_not_taken(alice: User, carol: User) -> None:
    before = alice.everything()
    for method, path, body in (
        ("POST", "/api/v1/orders", LIMIT),
        ("POST", "/api/v1/transfers", {"asset": "BTC", "amount": "1", "reference": "p", "to_account": carol.account}),
    ):
        with pytest.raises(Refused) as caught:
            alice.exchange.request(method, path, body)
        assert caught.value.code == "signature_required"
    assert alice.everything() == before
    terms = carol.exchange.terms()
    assert (terms["nonce"], terms["order_ids"]) == (None, [])
    with pytest.raises(Refused) as caught:
        carol.exchange.place(carol.signer().order(**LIMIT, id=1))
    assert caught.value.code == "not_self_custody"


def test_an_amend(alice: User) -> None:
    signer = alice.signer()
    body = signer.order(**LIMIT)
    made, id = alice.exchange.place(body), int(body["signature"]["id"])
    smaller = signer.amend(market="BTC-USDT", side="buy", price="50000", size="0.008", id=id)
    assert alice.exchange.amend(made["id"], smaller)["size"] == "0.008"
    before = alice.everything()
    for wrong, code in (
        (signer.amend(market="BTC-USDT", side="buy", price="50000", size="0.007", id=id + 4), "signature_mismatch"),
        (smaller | {"size": "0.006"}, "signature_mismatch"),
        (signer.amend(market="BTC-USDT", side="sell", price="50000", size="0.007", id=id), "bad_signature"),
    ):
        with pytest.raises(Refused) as caught:
            alice.exchange.amend(made["id"], wrong)
        assert caught.value.code == code
    with pytest.raises(Refused) as caught:
        alice.exchange.amend(10**9, smaller)
    assert caught.value.code == "unknown_order"
    assert alice.everything() == before


@pytest.mark.parametrize(
    "signature",
    [None, "text", [], {}, {"id": 5}, {"id": "0x5"}, {"id": "-1"}, {"id": str(2**64)}, {"s": "1" * 90}, {"x": "1"}],
)
def test_bodies_that_cannot_be_read(alice: User, signature: Any) -> None:
    body = alice.signer().order(**LIMIT)
    body["signature"] = body["signature"] | signature if signature and isinstance(signature, dict) else signature
    assert refused(alice, body) == "invalid_request"


def test_the_example_of_the_docs(alice: User, tmp_path: Path) -> None:
    key = tmp_path / "rollup.key"
    key.write_text(alice.secret.hex())
    exchange = alice.exchange
    env = {"PROVEX_URL": alice.stack.base_url, "PROVEX_KEY": exchange._key, "PROVEX_SECRET": exchange._secret}
    example = Path(__file__).parents[3] / "docs/examples/self_custody.py"
    told = subprocess.run(
        [sys.executable, str(example)], env=os.environ | env | {"KEY_FILE": str(key)}, capture_output=True, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    account, order = told.stdout.splitlines()
    assert account.startswith(f"account {alice.account} is number {alice.number} of 0x")
    assert order.endswith("is open")
