"""GET of orders, fills, balances, ledger and the account: filters, pages, sequences."""

from decimal import Decimal

import pytest


def test_open_closed_all_and_filters(alice):
    buy = alice.place(price="59000")
    sell = alice.place("sell", price="61000")
    other = alice.place(market="ETH-USDT", price="3000", size="0.01")
    gone = alice.delete(f"/orders/{sell['id']}").ok()["sequence"]

    def ids(query):
        return [order["id"] for order in alice.caught_up(f"/orders{query}", gone)["orders"]]

    assert ids("") == ids("?status=open") == [other["id"], buy["id"]]
    assert ids("?market=BTC-USDT") == [buy["id"]]
    assert ids("?status=closed&limit=1") == [sell["id"]]
    assert ids("?status=all&limit=3") == [other["id"], sell["id"], buy["id"]]
    assert ids("?side=sell") == []


def test_pages_of_orders_meet_without_gap_or_overlap(alice):
    made = alice.post("/orders/batch", {"orders": [alice.order(price=f"{59_000 + i}") for i in range(7)]}).ok()
    expected = [item["order"]["id"] for item in made["results"]][::-1]
    alice.caught_up("/orders", made["sequence"])
    seen, cursor = [], ""
    while True:
        page = alice.get(f"/orders?limit=3{cursor}").ok()
        seen += [order["id"] for order in page["orders"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == expected


def test_fills_of_both_sides(alice, bob):
    maker = bob.place("sell", size="0.002")
    taker = alice.place("buy", size="0.002")
    fills = alice.caught_up(f"/fills?order_id={taker['id']}", taker["sequence"])["fills"]
    assert fills == taker["fills"]
    (theirs,) = bob.caught_up(f"/fills?order_id={maker['id']}", taker["sequence"])["fills"]
    assert (theirs["liquidity"], theirs["side"], theirs["fee"], theirs["fee_asset"]) == (
        "maker",
        "sell",
        "0.12",
        "USDT",
    )
    assert theirs["trade_id"] == fills[0]["trade_id"]
    assert alice.get(f"/fills?order_id={maker['id']}").ok()["fills"] == []
    assert alice.get("/fills?market=ETH-BTC").ok()["fills"] == []


def test_pages_of_fills(alice, bob):
    for _ in range(3):
        bob.place("sell")
        last = alice.place("buy")
    alice.caught_up("/fills", last["sequence"])
    first = alice.get("/fills?limit=2").ok()
    second = alice.get(f"/fills?limit=2&cursor={first['next_cursor']}").ok()
    numbers = [fill["trade_id"] for fill in first["fills"] + second["fills"]]
    assert numbers == sorted(set(numbers), reverse=True)
    assert len(numbers) >= 3


def test_the_ledger_sums_to_the_balance(alice, bob):
    bob.place("sell")
    done = alice.place("buy")
    entries, cursor = [], ""
    alice.caught_up("/balances", done["sequence"])
    while True:
        page = alice.get(f"/ledger?asset=USDT&limit=500{cursor}").ok()
        entries += page["entries"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    available, held = alice.balances(done["sequence"])["USDT"]
    assert sum(Decimal(entry["amount"]) for entry in entries) == Decimal(available) + Decimal(held)
    kinds = {entry["kind"] for entry in entries}
    assert {"deposit", "trade"} <= kinds
    assert {entry["kind"] for entry in alice.get("/ledger?kind=deposit").ok()["entries"]} == {"deposit"}


def test_a_read_says_and_awaits_its_sequence(alice):
    made = alice.place(price="59000")
    seen = alice.get("/orders", after=made["sequence"]).ok()
    assert int(seen.headers["X-Sequence"]) == seen["sequence"]
    late = alice.get("/orders", after=made["sequence"] + 10_000).ok()
    assert made["sequence"] <= int(late.headers["X-Sequence"]) < made["sequence"] + 10_000


@pytest.mark.parametrize("sequence", ["x", "-1", "1e3", "9" * 30, "1 2"])
def test_a_sequence_is_a_count(alice, sequence):
    assert alice.call("GET", "/orders", headers={"X-Min-Sequence": sequence}).code == "invalid_request"


@pytest.mark.parametrize("path", ["/orders", "/fills", "/ledger", "/deposits", "/withdrawals", "/transfers"])
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invalid_request"), ("limit=501", "invalid_request"), ("limit=x", "invalid_request"),
        ("limit=1&limit=2", "invalid_request"), ("cursor=x", "invalid_cursor"), ("nonsense=1", "invalid_request"),
        ("cursor=YWZ0ZXI6LTE", "invalid_cursor"), ("cursor=" + "A" * 4000, "invalid_cursor"),
        ("cursor=%00", "invalid_cursor"),
        ("cursor=%FF%FE", "invalid_cursor"), ("limit=%D9%A3", "invalid_request"),
    ],
)  # fmt: skip
def test_bad_queries(alice, path, query, code):
    answer = alice.get(f"{path}?{query}")
    assert (answer.status, answer.code) == (400, code)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/orders?market=XXX-YYY", 404, "unknown_market"), ("/orders?status=half", 400, "invalid_request"),
        ("/orders?side=up", 400, "invalid_request"), ("/fills?order_id=x", 400, "invalid_request"),
        ("/ledger?asset=XXX", 404, "unknown_asset"),
        ("/fills?order_id=99999999999999999999999", 400, "invalid_request"),
        ("/ledger?kind=gift", 400, "invalid_request"), ("/orders/1?x=1", 400, "invalid_request"),
        ("/orders/999999999", 404, "unknown_order"), ("/orders/0", 404, "unknown_order"),
        ("/orders/99999999999999999999999", 404, "unknown_order"), ("/orders/-1", 404, "not_found"),
        ("/orders/by-client-id/none", 404, "unknown_order"), ("/orders/by-client-id/a%20b", 404, "unknown_order"),
        ("/orders/by-client-id/%00", 404, "unknown_order"), ("/orders/x", 404, "not_found"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(alice, path, status, code):
    answer = alice.get(path)
    assert (answer.status, answer.code) == (status, code)


def test_nobody_reads_anothers(alice, bob):
    theirs = bob.place(price="59000", client_id=f"r{bob._fresh_ms()}")
    bob.caught_up(f"/orders/{theirs['id']}", theirs["sequence"])
    assert alice.get(f"/orders/{theirs['id']}").code == "unknown_order"
    assert alice.get(f"/orders/by-client-id/{theirs['client_id']}").code == "unknown_order"
    assert alice.get("/orders?status=all").ok()["orders"] != bob.get("/orders?status=all").ok()["orders"]


def test_the_account(alice):
    account = alice.get("/account").ok()
    assert (account["id"], account["name"], account["permissions"]) == (
        alice.account, "api-alice", ["read", "trade", "withdraw"],
    )  # fmt: skip
