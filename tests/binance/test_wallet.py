"""/sapi/v1: coins, addresses, deposits, withdrawals, fees, statuses."""

from decimal import Decimal

import pytest

APPLY = "/sapi/v1/capital/withdraw/apply"
HISTORY = "/sapi/v1/capital/withdraw/history"
NO_ADDRESS = (-1100, "Illegal characters found in parameter 'address'; legal range is '^[!-~]{1,256}$'.")
ARRIVED = "/sapi/v1/capital/deposit/hisrec"


def free(client, coin):
    (row,) = [row for row in client.get("/sapi/v1/capital/config/getall").ok().body if row["coin"] == coin]
    return Decimal(row["free"])


def test_coins(alice):
    rows = alice.get("/sapi/v1/capital/config/getall").ok().body
    assert [row["coin"] for row in rows] == ["BTC", "USDT", "ETH"]
    balances = alice.balances()
    for row in rows:
        assert (row["free"], row["locked"]) == balances[row["coin"]]
        assert [network["network"] for network in row["networkList"]] == ["PROVEX", "EXTERNAL"]


def test_money_sent_to_another_account_is_there_at_once(alice, bob):
    address = bob.get("/sapi/v1/capital/deposit/address", coin="BTC").ok()
    assert (address["coin"], address["address"], address["tag"]) == ("BTC", f"PVX{bob.account}", "")
    before = free(alice, "BTC"), free(bob, "BTC")
    sent = alice.call("POST", APPLY, coin="BTC", address=address["address"], amount="0.5", inside="body").ok()
    assert (free(alice, "BTC"), free(bob, "BTC")) == (before[0] - Decimal("0.5"), before[1] + Decimal("0.5"))
    (left,) = [row for row in alice.get(HISTORY, coin="BTC").ok().body if row["id"] == sent["id"]]
    assert (left["amount"], left["status"], left["transferType"], left["address"]) == (
        "0.50000000", 6, 1, address["address"],
    )  # fmt: skip
    arrived = bob.get(ARRIVED, coin="BTC", limit=1).ok().body
    assert [(row["amount"], row["status"], row["id"]) for row in arrived] == [("0.50000000", 1, sent["id"])]
    bob.call("POST", APPLY, coin="BTC", address=f"PVX{alice.account}", amount="0.5").ok()


def test_money_sent_outside_is_held_with_its_address(alice, head):
    before = alice.balances()["USDT"]
    order = {"coin": "USDT", "address": "0x52908400098527886E0F7030069857D2E4169EE7", "amount": "10"}
    sent = alice.call("POST", APPLY, **order, addressTag="7", withdrawOrderId="w-1").ok()
    after = alice.balances()["USDT"]
    assert Decimal(before[0]) - Decimal(after[0]) == Decimal(after[1]) - Decimal(before[1]) == 10
    (row,) = alice.get(HISTORY, withdrawOrderId="w-1").ok().body
    assert (row["id"], row["status"], row["network"], row["address"], row["addressTag"], row["transferType"]) == (
        sent["id"], 4, "EXTERNAL", order["address"], "7", 0,
    )  # fmt: skip
    # The same again is the same; another content under that id is refused.
    journaled = head()
    assert alice.call("POST", APPLY, **order, addressTag="7", withdrawOrderId="w-1").ok()["id"] == sent["id"]
    assert alice.call("POST", APPLY, **order, withdrawOrderId="w-1").code == -1130
    assert head() == journaled


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"amount": "999999999"}, (-4026, "Account has insufficient balance for requested action.")),
        ({"amount": "0"}, (-1013, "Invalid amount.")),
        ({"amount": "0.0000001"}, (-1111, "Parameter 'amount' has too much precision.")),
        ({"coin": "DOGE"}, (-1130, "Data sent for parameter 'coin' is not valid.")),
        ({"network": "BSC"}, (-1130, "Data sent for parameter 'network' is not valid.")),
        ({"network": "PROVEX"}, (-1130, "Data sent for parameter 'address' is not valid.")),
        ({"network": "PROVEX", "address": "PVX999999999"}, (-1130, "Data sent for parameter 'address' is not valid.")),
        ({"address": "a b"}, NO_ADDRESS),
        ({"address": None}, (-1102, "Mandatory parameter 'address' was not sent, was empty/null, or malformed.")),
    ],
)  # fmt: skip
def test_refused(alice, changed, error):
    before = alice.balances()
    order = {"coin": "USDT", "address": "elsewhere", "amount": "10"} | changed
    assert alice.call("POST", APPLY, **order).error == error
    assert alice.balances() == before


def test_to_oneself(alice, nothing_executed):
    address = f"PVX{alice.account}"
    assert alice.call("POST", APPLY, coin="USDT", address=address, amount="1").status == 400


def test_deposits_are_listed(alice):
    rows = alice.get(ARRIVED).ok().body
    assert {"BTC", "USDT", "ETH"} <= {row["coin"] for row in rows}
    assert rows == sorted(rows, key=lambda row: -row["insertTime"])
    first = rows[-1]["insertTime"]
    assert alice.get(ARRIVED, endTime=first - 1).ok().body == []
    assert rows[-1] in alice.get(ARRIVED, startTime=first, endTime=first).ok().body
    assert alice.get(ARRIVED, status=0).ok().body == []
    assert alice.get(ARRIVED, startTime=2, endTime=1).code == -1128


def test_fees_and_statuses(alice):
    fees = alice.get("/sapi/v1/asset/tradeFee").ok().body
    assert [row["symbol"] for row in fees] == ["BTCUSDT", "ETHUSDT", "ETHBTC"]
    (one,) = alice.get("/sapi/v1/asset/tradeFee", symbol="BTCUSDT").ok().body
    assert (one["makerCommission"], one["takerCommission"]) == ("0.00100000", "0.00150000")
    assert alice.get("/api/v3/account/commission", symbol="BTCUSDT").ok()["standardCommission"]["taker"] == "0.00150000"
    assert alice.raw("GET", "/sapi/v1/system/status").ok().body == {"status": 0, "msg": "normal"}
    assert alice.get("/sapi/v1/account/status").ok().body == {"data": "Normal"}
