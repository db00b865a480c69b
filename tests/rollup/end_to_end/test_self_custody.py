"""Somebody who holds his own key: from its registration on the chain to what arrives there when he leaves."""

from collections import Counter
from typing import Any

import pytest

from rollup.client import Exchange, Refused, Signer
from rollup.client.chain import Reverted, Wallet
from tests.chain_stack import ChainStack
from tests.rollup.end_to_end.conftest import Trading

SECRET = bytes(range(32))
L1_KEY = "0x" + "5a" * 32
BTC = 10**8
MARKET = "BTC-USDT"


class User:
    """His API key, his key of the rollup and his address on the chain."""

    def __init__(self, stack: ChainStack) -> None:
        self.stack = stack
        made = stack.account("holder")
        self.exchange = Exchange(stack.base_url, str(made["key"]), str(made["secret"]))
        self.wallet = Wallet(stack.chain_url, L1_KEY, self.exchange.terms())
        self.number = 0

    def signer(self) -> Signer:
        """As things stand now."""
        return Signer(SECRET, self.exchange.terms())

    def register(self) -> None:
        """Announce the key, register it, and wait for the number."""
        self.exchange.link(self.signer().link(self.wallet.address))
        self.wallet.register(self.signer().public)
        self.stack.wait(lambda: self.exchange.terms()["nonce"] is not None, "the key to be registered")
        self.number = self.exchange.terms()["linked"]["number"]

    def balance(self, asset: str) -> str:
        """What is there, available and held in one."""
        rows = self.exchange.request("GET", "/api/v1/balances")["balances"]
        found = {row["asset"]: row for row in rows}
        if asset not in found:
            return "0"
        assert found[asset]["held"] == "0"
        return str(found[asset]["available"])

    def order(self, order_id: int) -> dict[str, Any]:
        """One of his."""
        return self.exchange.request("GET", f"/api/v1/orders/{order_id}")


@pytest.fixture(scope="module")
def user(trading: Trading) -> User:
    one = User(trading.stack)
    trading.stack.give(one.wallet.address, BTC=2 * BTC, USDT=50_000 * 10**6)
    return one


def test_from_a_key_on_the_chain_to_what_arrives_there(trading: Trading, user: User) -> None:
    stack, exchange = trading.stack, user.exchange
    before = stack.wait_all_final()
    with pytest.raises(Refused) as early:
        exchange.place(Signer(SECRET, exchange.terms() | {"linked": {"number": 1}, "order_ids": ["1"]}).order(
            market=MARKET, side="buy", price="50000", size="0.01"
        ))  # fmt: skip
    assert early.value.code == "account_not_registered"
    user.register()
    for asset, amount in (("BTC", "1"), ("USDT", "20000")):
        user.wallet.deposit(number=user.number, asset=asset, amount=amount)
    with pytest.raises(Reverted, match="unknown_account"):
        user.wallet.deposit(number=63, asset="BTC", amount="1")
    stack.wait(lambda: (user.balance("BTC"), user.balance("USDT")) == ("1", "20000"), "both deposits")
    assert (user.wallet.balance("BTC"), user.wallet.balance("USDT")) == (BTC, 30_000 * 10**6)

    # His order rests, somebody whose key the exchange holds takes a part, he changes it, the rest is taken.
    body = user.signer().order(market=MARKET, side="buy", price="50000", size="0.02")
    resting = exchange.place(body)
    trading.place(trading.maker, "sell", "50000", "0.01", tif="ioc")
    exchange.amend(
        resting["id"],
        user.signer().amend(market=MARKET, side="buy", price="50100", size="0.03", id=int(body["signature"]["id"])),
    )
    trading.place(trading.maker, "sell", "50100", "0.02", tif="ioc")
    stack.wait(lambda: user.order(resting["id"])["status"] == "filled", "the order to be filled")
    # He takes what somebody offers.
    trading.place(trading.taker, "sell", "50200", "0.05")
    taken = exchange.place(user.signer().order(market=MARKET, side="buy", price="50200", size="0.05", tif="ioc"))
    assert (taken["status"], taken["filled_size"]) == ("filled", "0.05")

    to = trading.taker.request("GET", "/api/v1/deposit-address")["account_number"]
    sent = user.signer().transfer(asset="BTC", amount="0.005", to=to, reference="gift")
    assert exchange.transfer(sent)["status"] == "done"
    leaving = exchange.withdraw(
        user.signer().withdrawal(asset="BTC", amount="0.25", address=user.wallet.address, reference="leaves")
    )
    assert leaving["status"] == "completed"

    stack.wait_all_final()
    blocks = [stack.get(f"/blocks/{number}") for number in stack.statuses() if number > before]
    done = Counter(
        slot["operation"] for block in blocks for slot in block["slot_list"] if slot["account"] == user.number
    )
    assert {"set_key": 1, "deposit": 2, "transfer": 1, "withdraw": 1}.items() <= done.items()
    # The order as it was, as it was changed, and the one that took: blocks that end in between have more.
    assert done["settle"] >= 3
    assert not done.keys() - {"set_key", "deposit", "transfer", "withdraw", "settle"}

    path = f"/api/v1/withdrawals/{leaving['id']}"
    stack.wait(lambda: exchange.request("GET", path)["chain_status"] == "claimable", "the withdrawal to be claimable")
    block = stack.get(f"/blocks/{exchange.request('GET', path)['block']}")
    # He needs nobody for it.
    assert user.wallet.claim(block)
    assert user.wallet.balance("BTC") == BTC + BTC // 4
    with pytest.raises(Reverted, match="nothing_to_claim"):
        user.wallet.claim(block)
    stack.wait(lambda: exchange.request("GET", path)["chain_status"] == "claimed", "the claim to be noted")


def test_then_everything_agrees(trading: Trading, user: User) -> None:
    stack = trading.stack
    stack.wait_all_final()
    for asset, scale in (("BTC", 8), ("USDT", 6)):
        proof = stack.get(f"/l2/accounts/{user.number}/proof?asset={asset}")
        whole, _, decimals = user.balance(asset).partition(".")
        assert int(proof["balance"]) == int(whole + decimals.ljust(scale, "0"))
        assert proof["key"] == [str(part) for part in user.signer().public]
    stack.manage("reconcile")
    assert "equal to the contract's" in stack.manage("rebuild_state", "--from-l1")
