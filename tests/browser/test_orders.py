"""The order form beyond plain orders: conditions, icebergs, pairs; and changing what rests."""

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture
def market(demo, program):
    """The page of a market that traded at 60,000."""
    program.place("sell", "60000", "0.01")
    program.place("buy", "60000", "0.01")
    program.place("buy", "59000", "1")
    program.place("sell", "61000", "1")
    demo.open_market()
    expect(demo.page.locator("#last-price")).to_have_text("60,000.0")
    expect(demo.page.locator("#available")).to_contain_text("USDT")
    return demo


def choose(terminal, side: str, kind: str, waits_for: str = "") -> None:
    terminal.page.get_by_role("radio", name=side).check(force=True)
    terminal.page.get_by_role("radio", name=kind).check(force=True)
    if waits_for:
        terminal.page.get_by_label("Waits for").select_option(waits_for)


def fill(terminal, **fields: str) -> None:
    for name, text in fields.items():
        terminal.page.locator(f"#{name}").fill(text)


def test_a_resting_order_is_changed_in_a_dialog(market):
    market.place("Buy", price="58000", size="0.01")
    expect(market.outcome).to_contain_text("is in the book")
    market.orders().get_by_role("button", name="Change order").click()
    dialog = market.page.get_by_role("dialog")
    expect(dialog.locator("#amend-price")).to_have_value("58000")
    dialog.locator("#amend-price").fill("58000.123")
    dialog.get_by_role("button", name="Change it").click()
    expect(dialog.get_by_role("alert")).to_have_text("The tick size is 0.1")

    dialog.locator("#amend-price").fill("58001")
    dialog.locator("#amend-size").fill("0.02")
    dialog.get_by_role("button", name="Change it").click()
    expect(dialog).to_be_hidden()
    expect(market.orders()).to_contain_text("58,001.0")
    expect(market.orders()).to_contain_text("0.02")
    expect(market.level("bids", "58,001.0")).to_have_class(re.compile("own"))
    expect(market.level("bids", "58,000.0")).to_have_count(0)
    (order,) = market.call("GET", "/orders")["orders"]
    assert (order["price"], order["size"]) == ("58001", "0.02")


def test_a_change_that_is_refused_is_told_and_changes_nothing(market):
    market.place("Buy", price="58000", size="0.01")
    expect(market.outcome).to_contain_text("is in the book")
    market.orders().get_by_role("button", name="Change order").click()
    dialog = market.page.get_by_role("dialog")
    dialog.locator("#amend-size").fill("900")
    dialog.get_by_role("button", name="Change it").click()
    expect(dialog.get_by_role("alert")).to_contain_text("less available")
    dialog.get_by_role("button", name="Leave it").click()
    expect(dialog).to_be_hidden()
    (order,) = market.call("GET", "/orders")["orders"]
    assert (order["price"], order["size"]) == ("58000", "0.01")


def test_an_order_that_would_meet_ones_own_may_be_told_to_give_way(market):
    market.place("Sell", price="60500", size="0.01")
    expect(market.outcome).to_contain_text("is in the book")
    market.page.get_by_text("Advanced").click()
    market.page.get_by_label("When it meets an order of your own").select_option("cancel_newest")
    market.place("Buy", price="60500", size="0.01")
    expect(market.outcome).to_contain_text("it met an order of your own")
    expect(market.orders()).to_have_count(1)


def test_what_an_iceberg_shows(market):
    market.page.get_by_text("Advanced").click()
    fill(market, display_size="0.0001")
    market.place("Sell", price="60700", size="0.5")
    expect(market.page.locator("#display_size-error")).to_have_text("At least a 100th of the size")
    fill(market, display_size="0.05")
    market.page.locator("#submit").click()
    expect(market.outcome).to_contain_text("is in the book")
    expect(market.level("asks", "60,700.0")).to_contain_text("0.05000")
    expect(market.orders()).to_contain_text("iceberg")
    expect(market.orders()).to_contain_text("0.5")


def test_an_order_that_takes_profit(market):
    choose(market, "Sell", "Stop", "take_profit")
    fill(market, stop_price="59500", size="0.01")
    market.page.locator("#submit").click()
    expect(market.outcome).to_contain_text("It would trigger at once")
    fill(market, stop_price="60800")
    market.page.locator("#submit").click()
    expect(market.outcome).to_contain_text("waits to take profit at 60,800.0")
    expect(market.orders()).to_contain_text("Take-profit-market")
    expect(market.orders()).to_contain_text("Waiting")


def test_an_order_that_trails_the_price(market):
    choose(market, "Sell", "Stop", "trailing")
    fill(market, trail_percent="60", size="0.01")
    market.page.locator("#submit").click()
    expect(market.page.locator("#trail_percent-error")).to_have_text("From 0.01 to 50")
    fill(market, trail_percent="1.5", stop_price="60900")
    market.page.locator("#submit").click()
    expect(market.outcome).to_contain_text("follows the price at 1.5 % from 60,900.0")
    expect(market.orders()).to_contain_text("Trailing-market")
    (order,) = market.call("GET", "/orders")["orders"]
    assert (order["trigger"], order["trail_percent"], order["stop_price"]) == ("take_profit", "1.5", "60900")


def test_a_pair_of_which_one_order_trades(market, program):
    choose(market, "Sell", "OCO")
    fill(market, stop_price="60900", price="60800", size="0.01")
    market.page.locator("#submit").click()
    expect(market.page.locator("#stop_price-error")).to_have_text("To sell, the stop lies below the price")
    fill(market, stop_price="59500")
    market.page.locator("#submit").click()
    expect(market.outcome).to_contain_text("the first that trades ends the other")
    expect(market.orders()).to_have_count(2)
    expect(market.orders().filter(has_text="OCO")).to_have_count(2)
    expect(market.orders().get_by_role("button", name="Change order")).to_have_count(0)

    program.place("buy", "60800", "0.01")
    expect(market.orders()).to_have_count(0)
    assert market.call("GET", "/order-lists")["order_lists"] == []
