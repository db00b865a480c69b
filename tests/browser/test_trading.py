"""A person's day: sign up, look, trade, change one's mind."""

import re

from playwright.sync_api import expect

USDT = "50000000000"  # 50,000 in atoms


def fund(stack, account_id: int, code: str, atoms: str) -> None:
    stack.manage(
        "shell", "-c",
        "from wallets.services import credit_deposit;"
        f"credit_deposit(account_id={account_id}, asset_code='{code}', amount_atoms={atoms})",
    )  # fmt: skip


def test_signing_up_leads_to_an_account_and_signing_in_back_to_the_page(terminal):
    terminal.sign_up("nora", "a-long-pass-phrase-1")
    assert terminal.call("GET", "/balances")["balances"] == []
    terminal.page.get_by_role("button", name="Sign out").click()
    expect(terminal.page.get_by_role("link", name="Sign in")).to_be_visible()

    terminal.page.goto("/markets/ETH-BTC/")
    terminal.page.get_by_role("link", name="Sign in to trade").click()
    terminal.page.get_by_label("Login").fill("nora")
    terminal.page.get_by_label("Password").fill("a-long-pass-phrase-1")
    terminal.page.get_by_role("button", name="Sign In").click()
    expect(terminal.page).to_have_url(re.compile("/markets/ETH-BTC/$"))
    expect(terminal.page.locator("#submit")).to_have_text("Buy ETH")


def test_a_wrong_password_is_told_and_signs_nobody_in(terminal):
    terminal.page.goto("/accounts/login/")
    terminal.page.get_by_label("Login").fill("demo")
    terminal.page.get_by_label("Password").fill("not-the-password")
    terminal.page.get_by_role("button", name="Sign In").click()
    expect(terminal.page.get_by_role("alert")).to_contain_text("not correct")
    expect(terminal.page.get_by_role("button", name="Sign out")).to_have_count(0)


def test_a_visitor_sees_the_book_and_is_asked_to_sign_in(terminal, program):
    program.place("buy", "59990", "0.5")
    program.place("sell", "60010", "0.25")
    terminal.open_market()
    expect(terminal.level("bids", "59,990.0")).to_contain_text("0.50000")
    expect(terminal.level("asks", "60,010.0")).to_contain_text("0.25000")
    expect(terminal.page.locator("#spread")).to_have_text("Spread 0.033 %")
    expect(terminal.page.locator("#submit")).to_have_count(0)
    expect(terminal.page.get_by_role("link", name="Sign in to trade")).to_be_visible()

    program.place("buy", "59995.5", "0.1")
    expect(terminal.page.locator("#bids li").first).to_contain_text("59,995.5")


def test_an_order_rests_in_the_book_until_it_is_canceled(demo):
    demo.open_market()
    before = demo.available()
    demo.place("Buy", price="59000", size="0.1")
    expect(demo.outcome).to_contain_text("is in the book")
    expect(demo.orders()).to_have_count(1)
    expect(demo.orders()).to_contain_text("59,000.0")
    expect(demo.level("bids", "59,000.0")).to_have_class(re.compile("own"))
    expect(demo.page.locator("#available")).not_to_have_text(before)

    demo.orders().get_by_role("button", name="Cancel order").click()
    expect(demo.orders()).to_have_count(0)
    expect(demo.level("bids", "59,000.0")).to_have_count(0)
    expect(demo.page.locator("#available")).to_have_text(before)


def test_cancel_all_takes_the_orders_of_this_market(demo):
    demo.open_market()
    for price in ("58000", "58001", "58002"):
        demo.place("Buy", price=price, size="0.01")
        expect(demo.outcome).to_contain_text("is in the book")
    expect(demo.orders()).to_have_count(3)
    demo.page.get_by_role("button", name="Cancel all").click()
    expect(demo.orders()).to_have_count(0)
    assert demo.call("GET", "/orders?status=open")["orders"] == []


def test_two_people_trade_and_both_see_it(open_terminal, stack, demo):
    other = open_terminal()
    other.sign_up("olga", "a-long-pass-phrase-2")
    fund(stack, other.call("GET", "/account")["id"], "USDT", USDT)
    for one in (demo, other):
        one.open_market()
    demo.place("Sell", price="60100", size="0.2")
    expect(other.level("asks", "60,100.0")).to_contain_text("0.20000")

    # Picking a level fills in its price.
    other.level("asks", "60,100.0").click()
    expect(other.price).to_have_value("60100")
    other.page.get_by_label("Size", exact=True).fill("0.15")
    expect(other.page.locator("#value")).to_have_text("9,015.000 USDT")
    other.page.locator("#submit").click()
    expect(other.outcome).to_contain_text("filled: 0.15 BTC at 60,100.0 USDT")

    for one in (demo, other):
        expect(one.page.locator("#trades li").first).to_contain_text("60,100.0")
        expect(one.page.locator("#last-price")).to_have_text("60,100.0")
        one.show("Fills")
        expect(one.page.locator("#fills tr").first).to_contain_text("0.15")
    expect(demo.page.locator("#fills tr").first).to_contain_text("Maker")
    expect(other.page.locator("#fills tr").first).to_contain_text("Taker")
    other.show("Balances")
    # The taker's fee, 0.15 % of what is received.
    expect(other.page.locator("#balances tr").filter(has_text="BTC")).to_contain_text("0.149775")
    demo.show("Open orders")
    expect(demo.orders()).to_contain_text("Partly filled")
    demo.page.get_by_role("button", name="Cancel all").click()
    expect(demo.orders()).to_have_count(0)


def test_market_and_stop_orders_and_amounts(demo, program):
    program.place("sell", "60000", "1")
    program.place("buy", "59999", "1")
    demo.open_market()
    expect(demo.level("asks", "60,000.0")).to_be_visible()
    demo.page.get_by_role("radio", name="Market").check(force=True)
    demo.page.get_by_label("Size in").select_option("quote")
    demo.page.get_by_label("Amount", exact=True).fill("600")
    expect(demo.page.locator("#value")).to_have_text("0.01000 BTC")
    demo.page.locator("#submit").click()
    expect(demo.outcome).to_contain_text("filled: 0.01 BTC at 60,000.0 USDT")

    demo.page.get_by_role("radio", name="Sell").check(force=True)
    demo.page.get_by_role("radio", name="Stop").check(force=True)
    demo.page.get_by_label("Stop price").fill("59000")
    demo.page.get_by_label("Size", exact=True).fill("0.01")
    demo.page.locator("#submit").click()
    expect(demo.outcome).to_contain_text("waits for its stop at 59,000.0")
    expect(demo.orders()).to_contain_text("Waiting")


def test_shares_of_what_is_available_are_exact(demo, program):
    program.place("buy", "59000", "1")
    demo.open_market()
    have = demo.available().removesuffix(" USDT").replace(",", "")
    demo.price.fill("60000")
    demo.page.get_by_role("button", name="100 %").click()
    size = demo.page.get_by_label("Size", exact=True).input_value()
    lots = round(float(size) * 100_000)
    atoms = int(have.replace(".", "").ljust(len(have.partition(".")[0]) + 6, "0"))
    assert lots == atoms // 600_000


def test_an_order_by_keyboard_alone(demo):
    demo.open_market()
    expect(demo.page.locator("#available")).to_contain_text("USDT")
    keyboard = demo.page.keyboard
    demo.page.get_by_role("radio", name="Buy").focus()
    keyboard.press("ArrowRight")
    expect(demo.page.locator("#submit")).to_have_text("Sell BTC")
    keyboard.press("Tab")
    keyboard.press("Tab")
    keyboard.press("Tab")
    keyboard.type("63000")
    keyboard.press("Tab")
    keyboard.type("0.01")
    keyboard.press("Enter")
    expect(demo.outcome).to_contain_text("is in the book")
    expect(demo.orders()).to_contain_text("63,000.0")
