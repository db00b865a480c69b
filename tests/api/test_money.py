"""Withdrawals, transfers, deposits."""

from decimal import Decimal
from uuid import uuid4

import pytest


def new_reference():
    return uuid4().hex


def test_a_withdrawal_is_held_and_asked_for_once(alice, head):
    before = alice.balances(head())
    reference = f"w{alice._fresh_ms()}"
    body = {"asset": "ETH", "amount": "1.000000000000000001", "reference": reference}
    made = alice.post("/withdrawals", body).ok(201)
    assert (made["status"], made["amount"], made["asset"]) == ("held", "1.000000000000000001", "ETH")
    again = alice.post("/withdrawals", body).ok(201)
    assert again["id"] == made["id"]
    after = alice.balances(made["sequence"])
    assert Decimal(before["ETH"][0]) - Decimal(after["ETH"][0]) == Decimal("1.000000000000000001")
    assert Decimal(after["ETH"][1]) - Decimal(before["ETH"][1]) == Decimal("1.000000000000000001")
    assert alice.post("/withdrawals", body | {"amount": "2"}).code == "reference_reused"
    assert alice.get("/withdrawals?limit=1").ok()["withdrawals"][0]["id"] == made["id"]


def test_a_transfer_moves_at_once(alice, bob, head):
    before = {trader.account: Decimal(trader.balances(head())["USDT"][0]) for trader in (alice, bob)}
    body = {"asset": "USDT", "amount": "1.5", "to_account": bob.account, "reference": new_reference()}
    made = alice.post("/transfers", body).ok(201)
    assert alice.post("/transfers", body).ok(201)["id"] == made["id"]
    assert (made["status"], made["from_account"], made["to_account"]) == ("done", alice.account, bob.account)
    after = {trader.account: Decimal(trader.balances(made["sequence"])["USDT"][0]) for trader in (alice, bob)}
    assert after[alice.account] - before[alice.account] == Decimal("-1.5")
    assert after[bob.account] - before[bob.account] == Decimal("1.5")
    for trader in (alice, bob):
        assert trader.get("/transfers?limit=1").ok()["transfers"][0]["id"] == made["id"]
    bob.post("/transfers", body | {"to_account": alice.account}).ok(201)


BAD = [
    ({"asset": "XXX"}, 404, "unknown_asset"), ({"asset": "btc"}, 400, "invalid_request"),
    ({"amount": "0"}, 422, "invalid_amount"), ({"amount": "-1"}, 422, "invalid_amount"),
    ({"amount": "0.000000001"}, 422, "too_precise"), ({"amount": "NaN"}, 400, "invalid_number"),
    ({"amount": 1}, 400, "invalid_request"), ({"amount": "9" * 59}, 422, "invalid_amount"),
    ({"amount": None}, 400, "invalid_request"), ({"reference": "a b"}, 400, "invalid_request"),
    ({"reference": None}, 400, "invalid_request"), ({"reference": ""}, 400, "invalid_request"),
    ({"nonsense": 1}, 400, "invalid_request"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "status", "code"), BAD)
@pytest.mark.parametrize("path", ["/withdrawals", "/transfers"])
def test_refused_before_the_matcher(alice, bob, nothing_executed, path, change, status, code):
    body = {"asset": "BTC", "amount": "1", "reference": new_reference()} | (
        {"to_account": bob.account} if path == "/transfers" else {}
    )
    answer = alice.post(path, body | change)
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize(
    ("to", "status", "code"),
    [
        (999_999, 404, "unknown_account"),
        (0, 400, "invalid_request"),
        (-1, 400, "invalid_request"),
        ("1", 400, "invalid_request"),
    ],
)
def test_money_for_nobody_stays(alice, nothing_executed, to, status, code):
    answer = alice.post("/transfers", {"asset": "BTC", "amount": "1", "to_account": to, "reference": "r"})
    assert (answer.status, answer.code) == (status, code)


def test_to_oneself(alice, nothing_executed):
    answer = alice.post("/transfers", {"asset": "BTC", "amount": "1", "to_account": alice.account, "reference": "r"})
    assert (answer.status, answer.code) == (400, "invalid_parameter")


@pytest.mark.parametrize("path", ["/withdrawals", "/transfers"])
def test_more_than_there_is(alice, bob, head, path):
    before = alice.balances(head())
    body = {"asset": "BTC", "amount": "1000000", "reference": new_reference()} | (
        {"to_account": bob.account} if path == "/transfers" else {}
    )
    answer = alice.post(path, body)
    assert (answer.status, answer.code) == (422, "insufficient_balance")
    assert alice.balances(head()) == before


@pytest.mark.parametrize("path", ["/withdrawals", "/transfers"])
def test_a_reference_is_asked_for_by_its_name(alice, bob, nothing_executed, path):
    body = {"asset": "BTC", "amount": "1"} | ({"to_account": bob.account} if path == "/transfers" else {})
    answer = alice.post(path, body)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert list(answer["errors"]) == ["reference"]


def test_a_withdrawal_is_seen_and_canceled_by_its_owner_alone(alice, bob, head):
    before = alice.balances(head())
    made = alice.post("/withdrawals", {"asset": "BTC", "amount": "1", "reference": new_reference()}).ok(201)
    path = f"/withdrawals/{made['id']}"
    assert alice.get(path).ok()["status"] == "held"
    for call in (bob.get, bob.delete):
        answer = call(path)
        assert (answer.status, answer.code) == (404, "unknown_withdrawal")
    assert alice.get(path, sign=False).code == "not_authenticated"
    assert alice.delete(path, sign=False).code == "not_authenticated"
    assert alice.get(path).ok()["status"] == "held"
    canceled = alice.delete(path).ok()
    assert (canceled["id"], canceled["status"]) == (made["id"], "released")
    assert alice.delete(path).ok()["status"] == "released"
    assert alice.get(path).ok()["status"] == "released"
    assert alice.balances(canceled["sequence"]) == before


@pytest.mark.parametrize("number", ["0", str(2**63 - 1), str(2**63), "9" * 400])
def test_a_withdrawal_that_is_none(alice, nothing_executed, number):
    for call in (alice.get, alice.delete):
        answer = call(f"/withdrawals/{number}")
        assert (answer.status, answer.code) == (404, "unknown_withdrawal")


def test_deposits_are_listed(alice):
    deposits = alice.get("/deposits").ok()["deposits"]
    assert {deposit["asset"] for deposit in deposits} >= {"BTC", "USDT", "ETH"}
    assert {deposit["status"] for deposit in deposits} == {"credited"}
