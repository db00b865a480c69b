"""The pages of blocks and of self custody in a real browser: with a wallet that signs, and one that says no."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import WAIT_MS_MAX, Complaints, chromium, chromium_open
from tests.browser.terminal import Terminal
from tests.chain_stack import ChainStack
from tests.patience import PATIENCE_S
from tests.rollup.end_to_end.conftest import Trading
from tests.rollup.end_to_end.wallet import PageWallet

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine; CHROMIUM= names one"),
]
L1_KEY = "0x" + "6b" * 32
# A block, a proof and its confirmations lie between.
FINAL_MS = PATIENCE_S * 1000
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For this module alone: the tests after it use the database."""
    with chromium_open() as one:
        yield one


@pytest.fixture
def page(browser: Browser, chain_stack: ChainStack) -> Iterator[Page]:
    """A page that may complain of nothing."""
    context = browser.new_context(base_url=chain_stack.base_url, viewport={"width": 1400, "height": 900})
    context.set_default_timeout(WAIT_MS_MAX)
    one, complaints = context.new_page(), Complaints()
    complaints.watch(one)
    yield one
    context.close()
    assert complaints.found == []


def test_blocks_are_followed_until_they_are_final(trading: Trading, page: Page) -> None:
    stack = trading.stack
    before = stack.wait_all_final()
    page.goto("/blocks/")
    expect(page.locator("tr[data-block]").first).to_have_attribute("data-block", str(before))
    expect(page.locator("tr[data-block] .status").first).to_have_text("final")
    trading.trade()
    row = page.locator(f"tr[data-block='{before + 1}']")
    # It comes by itself, and so does all that becomes of it.
    expect(row.locator(".status")).to_have_text("final", timeout=FINAL_MS)
    block = stack.get(f"/blocks/{before + 1}")
    expect(row.locator("code")).to_contain_text(block["l1_tx"][:8])
    expect(page.locator("#trouble")).to_be_hidden()

    row.get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"/blocks/{before + 1}/$"))
    expect(page.locator("#status")).to_have_text("final")
    expect(page.locator("#steps .done")).to_have_count(4)
    expect(page.locator("#transaction")).to_have_text(block["l1_tx"])
    expect(page.locator("#transaction")).to_have_attribute("href", f"https://explorer.example/tx/{block['l1_tx']}")
    expect(page.locator("#mined")).to_contain_text(f"{block['l1_block']:,}")
    assert stack.rpc("eth_getTransactionReceipt", block["l1_tx"])["status"] == "0x1"
    expect(page.locator("#gas")).to_contain_text(f"{block['gas']:,}")
    expect(page.locator(".root").last).to_contain_text(f"{int(block['new_root']):x}"[:8])
    expect(page.get_by_role("cell", name="net").first).to_be_visible()
    with page.expect_download() as started:
        page.get_by_role("link", name="proof with its verification key").click()
    proof = json.loads(Path(started.value.path()).read_text())
    assert started.value.suggested_filename == f"provex-block-{before + 1}-proof.json"
    assert proof["public_signals"] == stack.get(f"/proofs/{before + 1}")["public_signals"]


def test_blocks_on_a_phone(trading: Trading, page: Page) -> None:
    newest = trading.stack.wait_all_final()
    page.set_viewport_size(PHONE)
    for path in ("/blocks/", f"/blocks/{newest}/"):
        page.goto(path)
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator("#connection")).to_have_attribute("data-state", "live")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    answer = page.goto(f"/blocks/{newest + 10**6}/")
    assert answer is not None and answer.status == 404


def test_from_a_wallet_to_an_order_and_back(trading: Trading, page: Page) -> None:
    stack = trading.stack
    wallet = PageWallet(stack, L1_KEY)
    wallet.install(page)
    Terminal(page, stack).sign_up("frida", "a-Long-enough-Pass-77")
    page.goto("/self-custody/")
    page.get_by_role("button", name="Make a key").click()
    wrong = page.locator("#wallet-wrong")
    connect, register = page.locator("#connect"), page.get_by_role("button", name="Register with my wallet")

    # What can go wrong with a wallet is told.
    wallet.declines = {"eth_requestAccounts"}
    connect.click()
    expect(wrong).to_have_text("You declined it in the wallet. Nothing was sent.")
    expect(register).to_be_disabled()
    wallet.declines, wallet.chain, wallet.knows_chain = set(), "0x1", False
    connect.click()
    expect(wrong).to_contain_text("The wallet is on chain 1, the contract on chain 31337, which it does not know")
    wallet.knows_chain, wallet.declines = True, {"wallet_switchEthereumChain"}
    connect.click()
    expect(wrong).to_contain_text("You declined it in the wallet")
    wallet.declines = set()
    connect.click()
    expect(page.locator("#wallet")).to_contain_text(wallet.key.address.lower())
    expect(wrong).to_be_empty()

    register.click()
    expect(wrong).to_have_text("The address has too little of the chain’s own coin to pay for this.")
    stack.give(wallet.key.address, USDT=5_000 * 10**6)
    wallet.declines = {"eth_sendTransaction"}
    register.click()
    expect(wrong).to_have_text("You declined it in the wallet. Nothing was sent.")
    wallet.declines = set()
    register.click()
    expect(page.locator("#standing")).to_contain_text("you hold its key", timeout=FINAL_MS)
    expect(wrong).to_be_empty()

    page.get_by_label("Asset to pay in").select_option("USDT")
    amount, pay_in = page.get_by_label("Amount to pay in"), page.locator("#pay-in")
    for text, told in (("9000", "does not have so much"), ("0.0000001", "decimals"), ("a lot", "is no amount")):
        amount.fill(text)
        pay_in.click()
        expect(page.locator("#deposit-wrong")).to_contain_text(told)
    amount.fill("4000")
    pay_in.click()
    expect(page.locator("#paid-in")).to_have_text("Credited: 4000 USDT.", timeout=FINAL_MS)
    expect(page.locator("#funds")).to_contain_text("4000 USDT")

    page.get_by_label("Price").fill("50000")
    page.get_by_label("Amount", exact=True).fill("0.02")
    page.get_by_role("button", name="Sign and place").click()
    line = page.locator("#orders li").first
    expect(line).to_contain_text("open, 0 filled")
    trading.place(trading.maker, "sell", "50000", "0.02", tif="ioc")
    expect(line).to_contain_text("filled, 0.02 filled")
    expect(line.get_by_role("button")).to_have_count(0)
    expect(page.locator("#funds")).to_contain_text("BTC")

    page.get_by_label("Asset to withdraw").select_option("BTC")
    page.get_by_label("Amount to withdraw").fill("0.01")
    expect(page.get_by_label("To the address")).to_have_value(wallet.key.address.lower())
    page.get_by_role("button", name="Sign and withdraw").click()
    line = page.locator("#withdrawals li").first
    expect(line).to_contain_text("can be claimed", timeout=FINAL_MS)
    # Also after the page was left.
    page.reload()
    line.get_by_role("button", name="Claim").click()
    expect(line).to_contain_text("was paid out", timeout=FINAL_MS)
    # A registration, an approval, a deposit: the exchange had the withdrawal paid out.
    assert len(wallet.sent) == 3

    # Another address in the wallet is not used unasked.
    page.locator("#connect").click()
    expect(page.locator("#wallet")).to_contain_text("Connected")
    page.evaluate("window.ethereum.tell('accountsChanged', [])")
    expect(page.locator("#wallet-wrong")).to_contain_text("connect it again")
    expect(page.locator("#pay-in")).to_be_disabled()
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    stack.wait_all_final()
